// In which forms a password is tried: the bytes that were typed first, then as the other system
// changed them before it hashed them.
import { saslprep } from '@mongodb-js/saslprep';
import type { Form } from './recipe.ts';

/** What PHP's trim() takes away. */
const PHP_SPACE = '[ \\t\\n\\r\\0\\x0B]+';
const PHP_TRIM = new RegExp(`^${PHP_SPACE}|${PHP_SPACE}$`, 'g');
const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const forms: Readonly<Record<Form, (typed: string) => string>> = {
  nfc: (typed) => typed.normalize('NFC'),
  nfkc: (typed) => typed.normalize('NFKC'),
  saslprep: (typed) => saslprep(typed),
  trim: (typed) => typed.replace(PHP_TRIM, ''),
  // PHP's addslashes() of what trim() left: WordPress.
  slashes: (typed) =>
    typed
      .replace(PHP_TRIM, '')
      .replace(/['"\\]/g, '\\$&')
      .replaceAll('\0', '\\0'),
  // phpBB reads every field so.
  html: (typed) =>
    typed
      .replace(PHP_TRIM, '')
      .replace(/[&<>"]/g, (letter) => HTML[letter] ?? letter)
      .normalize('NFC'),
  // libxcrypt's NT widens each byte of UTF-8.
  latin1: (typed) => Buffer.from(typed).toString('latin1'),
};

/**
 * Each once; the one that was typed first. None that is empty, or is to whatever reads up to a zero: other systems keep hashes
 * of nothing for those who have no password.
 */
export function formsOf(typed: string, also: readonly Form[] = []): readonly string[] {
  const made = new Set([typed]);
  for (const form of also) {
    try {
      made.add(forms[form](typed));
    } catch {
      // SASLprep refuses some letters: then no such system has hashed it either.
    }
  }
  return [...made].filter((form) => form !== '' && !form.startsWith('\0'));
}

// Values that nobody's system keeps for a password of theirs: of nothing, and such as would cost more than a log-in may.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { check } from '../../src/core/credentials/imported/check.ts';
import { readImportedHash } from '../../src/core/credentials/imported/imported-hash.ts';

/** crypt(3) of the machine, by Perl. */
function cryptOf(password: string, setting: string): string {
  return execFileSync('perl', ['-e', 'print crypt($ARGV[0], $ARGV[1])', password, setting], { encoding: 'utf8' });
}

const readText = (password_hash: string, password_scheme?: string) =>
  readImportedHash({ password_hash, password_scheme }, {});

describe('a password of nothing', () => {
  test.each([
    ['bcrypt', cryptOf('', '$2b$04$abcdefghijklmnopqrstuu')],
    ['crypt', cryptOf('', 'ab')],
    ['wordpress', createHash('md5').digest('hex')],
    ['spring', `{SHA-256}${createHash('sha256').digest('hex')}`],
  ])('opens to nobody: %s', (scheme, text) => {
    const found = readText(text, scheme);
    if (found.kind !== 'hash') throw new Error(`it is of the kind ${found.kind}`);
    const of = { stored: found.stored, secret: null };
    for (const typed of ['', ' ', '\t', '\0', '\0x']) expect([typed, check({ ...of, typed })]).toEqual([typed, false]);
  });

  test('in clear is none', () => {
    for (const text of ['{noop}', '{CLEARTEXT}', 'plain$$']) expect(readText(text)).toEqual({ kind: 'unusable' });
    const anything = JSON.stringify({ steps: [{ do: 'cut', from: 999, bytes: 1 }], is: '' });
    expect(() => check({ stored: anything, typed: 'a password', secret: null })).toThrow();
  });
});

test('what many steps ask for together is not begun, though none asks for too much', () => {
  const step = { do: 'pbkdf2', of: 'sha256', salt: '', iterations: 6_000_000, length: 32 };
  const twice = JSON.stringify({ steps: [step, step], is: 'AAAA' });
  expect(() => check({ stored: twice, typed: 'a password', secret: null })).toThrow('asks for too much work');
  const doubled = JSON.stringify({ steps: Array(40).fill({ do: 'text', as: 'hex' }), is: 'AAAA' });
  expect(() => check({ stored: doubled, typed: 'a password', secret: null })).toThrow('too much of the password');
});

// Which new passwords are refused (NIST SP 800-63B-4 §3.1.1): too short or long, the most common
// ones, the address, and whatever consists mostly of the service's own words. No rule of composition.
import { MAX_BYTES, normalisePassword } from './passwords.ts';

export const MIN_LENGTH = 8;
/** Shorter words stand in too many others. */
const SHORTEST_WORD = 4;
const PRODUCT = 'holdfast';

export type PasswordProblem = 'too_short' | 'too_long' | 'too_common' | 'same_as_email' | 'too_close' | 'breached';

export interface BadPassword {
  readonly ok: false;
  readonly reason: 'bad_password';
  readonly problem: PasswordProblem;
}

export const BREACHED: BadPassword = { ok: false, reason: 'bad_password', problem: 'breached' };

export type PasswordPolicy = ReturnType<typeof createPasswordPolicy>;

/** The context of this installation (ASVS 6.1.2): its name, its host and the product. */
export function createPasswordPolicy({ serviceName, publicOrigin }: { serviceName: string; publicOrigin: string }) {
  const { hostname } = new URL(publicOrigin);
  const words = wordsOf([PRODUCT, serviceName, serviceName.replaceAll(' ', ''), hostname]);

  return {
    /** Why a new password of the account with this address is refused, or null. Asks no breach service. */
    async problem(typed: string, email: string): Promise<Exclude<PasswordProblem, 'breached'> | null> {
      const password = normalisePassword(typed);
      if (Array.from(password).length < MIN_LENGTH) return 'too_short';
      if (Buffer.byteLength(password) > MAX_BYTES) return 'too_long';
      const lower = password.toLowerCase();
      const { isCommon } = await import('./common-passwords.ts');
      if (isCommon(lower)) return 'too_common';
      const address = email.toLowerCase();
      const [local = ''] = address.split('@');
      if (lower === address || lower === local) return 'same_as_email';
      return leftWithout(lower, [...words, ...wordsOf([address, local])]) < MIN_LENGTH ? 'too_close' : null;
    },
  };
}

/** Long ones first, so that no word is left in pieces by a shorter one. */
function wordsOf(texts: readonly string[]): string[] {
  const words = texts.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)]).map((word) => word.toLowerCase());
  return [...new Set(words)].filter((word) => word.length >= SHORTEST_WORD).sort((a, b) => b.length - a.length);
}

/** How many characters remain when the words are taken out; all of them, and more than enough, if there is none. */
function leftWithout(password: string, words: readonly string[]): number {
  const rest = words.reduce((text, word) => text.replaceAll(word, ''), password);
  return rest === password ? Number.POSITIVE_INFINITY : Array.from(rest).length;
}

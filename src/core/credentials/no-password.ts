// What stands in an account's row when nobody can log in with it: its password is still the one that another system kept, or it
// has none. A hash like any other, so that every version compares it in the usual time and says that the password is wrong.
import { randomFillSync } from 'node:crypto';
import type { HashingCost } from './passwords.ts';

/** The salt that tells it from a hash of a password. */
const SALT = Buffer.alloc(16).toString('base64').replace(/=+$/, '');

/** Random bytes, many at a time: an import needs some for each person. */
const pool = Buffer.alloc(8_192);
let used = pool.length;

/** Matches nothing: 256 random bits in the place of a hash. */
export function noPassword({ memoryKib, passes, lanes }: HashingCost): string {
  if (used === pool.length) randomFillSync(pool);
  used = used === pool.length ? 32 : used + 32;
  const random = pool.toString('base64', used - 32, used).replace('=', '');
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${SALT}$${random}`;
}

/** Of {@link isNoPassword}, for LIKE. */
export const NO_PASSWORD_PATTERN = `%$${SALT}$%`;

export function isNoPassword(passwordHash: string): boolean {
  return passwordHash.includes(`$${SALT}$`);
}

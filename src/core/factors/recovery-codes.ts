// Ten codes on paper, for when every other factor is lost. Of fifty random bits, so they are hashed
// by Argon2id as passwords are. Codes made together share a salt: trying one costs one hash.
import { randomBytes } from 'node:crypto';
import type { Passwords } from '../credentials/passwords.ts';
import type { Transaction } from '../platform/database.ts';

const COUNT = 10;
const LENGTH = 10;
/** Crockford's base32: without letters that look like digits or each other. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const SALT_BYTES = 16;

export interface HashedCodes {
  /** As they are shown: `XXXXX-XXXXX`. */
  readonly codes: readonly string[];
  readonly salt: Buffer;
  readonly hashes: readonly Buffer[];
}

/** A code as it is hashed, however it was typed; null for what can't be one. */
export function readRecoveryCode(typed: string): string | null {
  const code = typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  return code.length === LENGTH && [...code].every((letter) => ALPHABET.includes(letter)) ? code : null;
}

export async function newRecoveryCodes(passwords: Passwords): Promise<HashedCodes> {
  const salt = randomBytes(SALT_BYTES);
  const plain = Array.from({ length: COUNT }, () =>
    Array.from(randomBytes(LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join(''),
  );
  const hashes = await Promise.all(plain.map((code) => passwords.derive(code, salt)));
  return { codes: plain.map((code) => `${code.slice(0, 5)}-${code.slice(5)}`), salt, hashes };
}

export async function replaceCodesWithin(
  transaction: Transaction,
  { id: userId, loggedInAt }: { readonly id: string; readonly loggedInAt: Date },
  { salt, hashes }: HashedCodes,
): Promise<void> {
  await transaction.recoveryCode.deleteMany({ where: { userId } });
  await transaction.recoveryCode.createMany({
    data: hashes.map((hash) => ({
      userId,
      codeHash: new Uint8Array(hash),
      salt: new Uint8Array(salt),
      loggedInAt,
    })),
  });
}

/** Of two uses at once, one gets true. */
export async function useCodeWithin(transaction: Transaction, userId: string, hash: Buffer): Promise<boolean> {
  const { count } = await transaction.recoveryCode.updateMany({
    where: { userId, codeHash: new Uint8Array(hash), usedAt: null },
    data: { usedAt: new Date() },
  });
  return count === 1;
}

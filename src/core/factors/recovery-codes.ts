// Ten codes on paper, for when every other factor is lost: of 130 random bits, so HMAC-SHA-256 is enough and making or trying
// one costs nothing. Codes made together share its key. Those of earlier versions, of fifty bits under Argon2id, work until
// they are replaced; trying one costs a hash, and only where the account has such codes.
import { createHmac, randomBytes } from 'node:crypto';
import type { Asker } from '../credentials/hash-queue.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { SecretBox } from '../credentials/secret-box.ts';
import type { Transaction } from '../platform/database.ts';
import { momentWithin } from '../sessions/session-rows.ts';
import { sealShown } from './shown-codes.ts';
import { plainCode } from './typed-code.ts';

const COUNT = 10;
const LENGTH = 26;
const OLD_LENGTH = 10;
/** Crockford's base32: without letters that look like digits or each other. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const KEY_BYTES = 32;
/** What `kind` says of a code of today; it is null for one of an earlier version. */
const KIND = 'hmac-sha256';

export interface HashedCodes {
  /** As they are shown: `XXXXX-XXXXX-XXXXX-XXXXX-XXXXXX`. */
  readonly codes: readonly string[];
  readonly key: Buffer;
  readonly hashes: readonly Buffer[];
}

interface KeptCode {
  readonly userId: string;
  readonly codeHash: Uint8Array<ArrayBuffer>;
  readonly usedAt: Date | null;
}

/** A code as it is hashed, however it was typed; null for what can't be one. */
function readRecoveryCode(typed: string): string | null {
  const code = plainCode(typed).toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  const fits = code.length === LENGTH || code.length === OLD_LENGTH;
  return fits && [...code].every((letter) => ALPHABET.includes(letter)) ? code : null;
}

export function newRecoveryCodes(): HashedCodes {
  const key = randomBytes(KEY_BYTES);
  const plain = Array.from({ length: COUNT }, () =>
    Array.from(randomBytes(LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join(''),
  );
  return { codes: plain.map(shown), key, hashes: plain.map((code) => hmac(code, key)) };
}

/** They are shown from now on, until their owner has kept them (shown-codes.ts). */
export async function replaceCodesWithin(
  transaction: Transaction,
  { id: userId, loggedInAt }: { readonly id: string; readonly loggedInAt: Date },
  { codes, key, hashes }: HashedCodes,
  secretBox: SecretBox,
): Promise<void> {
  const createdAt = await momentWithin(transaction, userId);
  await transaction.recoveryCode.deleteMany({ where: { userId } });
  const same = { userId, salt: new Uint8Array(key), kind: KIND, createdAt, loggedInAt };
  await transaction.recoveryCode.createMany({
    data: hashes.map((hash, at) => ({
      ...same,
      codeHash: new Uint8Array(hash),
      ...sealShown(codes[at] ?? '', userId, createdAt, secretBox),
    })),
  });
}

/**
 * Makes the function that finds the code that was typed, used or not; null for none. It looks before it hashes: Argon2 runs
 * only for what may be one of an earlier version's codes, of an account that has some. @throws HashQueueFullError
 */
export function createCodeCheck({ passwords }: { passwords: Passwords }) {
  return async (
    client: Pick<Transaction, 'recoveryCode'>,
    userId: string,
    typed: string,
    by: Asker,
  ): Promise<KeptCode | null> => {
    const code = readRecoveryCode(typed);
    if (code === null) return null;
    const kind = code.length === LENGTH ? KIND : null;
    const made = await client.recoveryCode.findFirst({ where: { userId, kind } });
    if (!made) return null;
    const salt = Buffer.from(made.salt);
    const hash = kind === KIND ? hmac(code, salt) : await passwords.derive(code, salt, by);
    const where = { userId_codeHash: { userId, codeHash: new Uint8Array(hash) } };
    return client.recoveryCode.findUnique({ where });
  };
}

/** Of two uses at once, one gets true. */
export async function useCodeWithin(transaction: Transaction, { userId, codeHash }: KeptCode): Promise<boolean> {
  const used = await transaction.$executeRaw`
    UPDATE recovery_code SET used_at = clock_timestamp()
     WHERE user_id = ${userId}::uuid AND code_hash = ${new Uint8Array(codeHash)}::bytea AND used_at IS NULL`;
  return used === 1;
}

function hmac(code: string, key: Buffer): Buffer {
  return createHmac('sha256', key).update(code).digest();
}

/** In five groups, the last one longer by a letter. */
function shown(code: string): string {
  return [0, 5, 10, 15, 20].map((at) => code.slice(at, at === 20 ? LENGTH : at + 5)).join('-');
}

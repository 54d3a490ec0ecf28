// An account's password: the hash in its row, or, until its owner has logged in once, what another
// system had kept of it.
import type { Prisma } from '../../../generated/prisma/client.ts';
import type { Log } from '../../platform/log.ts';
import type { Asker } from '../hash-queue.ts';
import { isNoPassword } from '../no-password.ts';
import { MAX_BYTES, type Passwords } from '../passwords.ts';
import type { SecretBox } from '../secret-box.ts';
import type { ImportedHashes } from './threads.ts';

export interface Account {
  readonly id: string;
  readonly passwordHash: string;
}

export interface AccountPasswordsOptions {
  readonly database: { readonly prisma: Pick<Prisma.TransactionClient, 'importedPassword'> };
  readonly passwords: Passwords;
  readonly importedHashes: ImportedHashes;
  readonly secretBox: SecretBox;
  readonly log: Log;
}

/** `outdated`: its hash is to be made anew. */
export type Matching = 'current' | 'outdated';
export type Compared = Matching | 'wrong' | 'none';

export type AccountPasswords = ReturnType<typeof createAccountPasswords>;

export function createAccountPasswords({
  database: { prisma },
  passwords,
  importedHashes,
  secretBox,
  log,
}: AccountPasswordsOptions) {
  /** Null: nothing is kept that could match. */
  async function verifyImported(userId: string, typed: string, by: Asker): Promise<boolean | null> {
    const kept = await prisma.importedPassword.findUnique({ where: { userId }, include: { secret: true } });
    if (!kept) return null;
    if (Buffer.byteLength(typed) > MAX_BYTES) return false;
    const { stored, scheme, secret } = kept;
    return passwords.queued(by, async () => {
      try {
        const key = secret && secretBox.decrypt(secret.encrypted, { purpose: 'import_secret', owner: secret.id });
        return await importedHashes.verify(stored, typed, key?.text ?? null);
      } catch (error) {
        log.error({ err: error, userId, scheme }, 'an imported password could not be checked');
        return false;
      }
    });
  }

  /**
   * As `passwords.verify`; an imported password that is right is `outdated`. Such an account's own hash matches nothing,
   * but is compared too: so no refusal takes less time than that of an account which does not exist. `none`: the account
   * has no password that anything could match.
   * @throws HashQueueFullError
   */
  async function compare(account: Account | null, typed: string, by: Asker): Promise<Compared> {
    const matches = await passwords.verify(account?.passwordHash ?? null, typed, by);
    if (matches) return matches;
    if (!account || !isNoPassword(account.passwordHash)) return 'wrong';
    const imported = await verifyImported(account.id, typed, by);
    if (imported === null) return 'none';
    return imported ? 'outdated' : 'wrong';
  }

  return {
    compare,

    /** The same for those to whom only what matches matters. */
    async verify(account: Account | null, typed: string, by: Asker): Promise<Matching | false> {
      const compared = await compare(account, typed, by);
      return compared === 'wrong' || compared === 'none' ? false : compared;
    },
  };
}

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

export type AccountPasswords = ReturnType<typeof createAccountPasswords>;

export function createAccountPasswords({
  database: { prisma },
  passwords,
  importedHashes,
  secretBox,
  log,
}: AccountPasswordsOptions) {
  async function verifyImported(userId: string, typed: string, by: Asker): Promise<boolean> {
    const kept = await prisma.importedPassword.findUnique({ where: { userId }, include: { secret: true } });
    if (!kept || Buffer.byteLength(typed) > MAX_BYTES) return false;
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

  return {
    /**
     * As `passwords.verify`; an imported password that is right is `outdated`. Such an account's own hash matches nothing,
     * but is compared too: so no refusal takes less time than that of an account which does not exist.
     * @throws HashQueueFullError
     */
    async verify(account: Account | null, typed: string, by: Asker): Promise<false | 'current' | 'outdated'> {
      const matches = await passwords.verify(account?.passwordHash ?? null, typed, by);
      if (matches || !account || !isNoPassword(account.passwordHash)) return matches;
      return (await verifyImported(account.id, typed, by)) && 'outdated';
    },
  };
}

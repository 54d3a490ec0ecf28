// A log-in whose password was right and that waits for its second factor: ten minutes, once, and
// only while the password stays the same. There is no session before the factor.
import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../../generated/prisma/client.ts';
import type { User } from '../accounts/users.ts';
import { hashToken, newToken } from '../credentials/random-token.ts';
import { ago, type Database, deleteSome, type Transaction } from '../platform/database.ts';

const LIFE = '10 minutes';

export interface PendingLogin {
  readonly id: string;
  readonly user: User;
  readonly remember: boolean;
  readonly next: string | null;
  readonly deviceId: string | null;
}

export type PendingLogins = ReturnType<typeof createPendingLogins>;

export function createPendingLogins({ database: { prisma } }: { database: Database }) {
  return {
    /** Returns the token for the browser's cookie; only its hash is kept. */
    async beginWithin(
      transaction: Transaction,
      { user, remember, next, deviceId }: Omit<PendingLogin, 'id'>,
    ): Promise<string> {
      const token = newToken();
      await transaction.$executeRaw`
        INSERT INTO pending_login (id, token_hash, user_id, password_mark, remember, next, device_id, expires_at)
        VALUES (${uuidv7()}::uuid, ${hashToken(token)}, ${user.id}::uuid, ${hashToken(user.passwordHash)}, ${remember}, ${next},
                ${deviceId}::uuid, clock_timestamp() + ${LIFE}::interval)`;
      return token;
    },

    /** Null when it took too long, was finished, or the account has changed since. */
    async find(token: string): Promise<PendingLogin | null> {
      if (token === '') return null;
      const [row] = await prisma.$queryRaw<PendingLoginRecord[]>`
        SELECT id, user_id, password_mark, remember, next, device_id FROM pending_login
         WHERE token_hash = ${hashToken(token)} AND expires_at > clock_timestamp()`;
      const user = row ? await prisma.user.findUnique({ where: { id: row.user_id } }) : null;
      if (!row || !user || user.disabledAt || !Buffer.from(row.password_mark).equals(hashToken(user.passwordHash)))
        return null;
      return { id: row.id, user, remember: row.remember, next: row.next, deviceId: row.device_id };
    },

    /** In the transaction of what it led to: of two at once, one gets true. */
    async endWithin(transaction: Transaction, id: string): Promise<boolean> {
      const { count } = await transaction.pendingLogin.deleteMany({ where: { id } });
      return count === 1;
    },
  };
}

/** With the account: no log-in of it waits any more. */
export async function endPendingLoginsWithin(transaction: Transaction, userId: string): Promise<void> {
  await transaction.pendingLogin.deleteMany({ where: { userId } });
}

interface PendingLoginRecord {
  readonly id: string;
  readonly user_id: string;
  readonly password_mark: Uint8Array;
  readonly remember: boolean;
  readonly next: string | null;
  readonly device_id: string | null;
}

/** Deletes log-ins that waited too long, at most `limit`; returns how many. */
export function deleteExpiredPendingLogins(transaction: Transaction, limit: number): Promise<number> {
  const where = Prisma.sql`expires_at < ${ago(0)}`;
  return deleteSome(transaction, { from: 'pending_login', where, limit, key: 'id' });
}

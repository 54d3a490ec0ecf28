// A log-in whose password was right and that waits for its second factor: ten minutes, once, and
// only while the password stays the same. There is no session before the factor.
import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../../generated/prisma/client.ts';
import { withRole } from '../accounts/account-lookup.ts';
import type { User } from '../accounts/users.ts';
import { hashToken, newToken } from '../credentials/random-token.ts';
import type { Told } from '../mail/templates.ts';
import { ago, type Database, deleteSome, type Transaction } from '../platform/database.ts';
import { endedWithAll } from '../sessions/session-rows.ts';

/** How long a log-in waits for its second factor. */
export const WAITS_MS = 10 * 60_000;

export interface PendingLogin {
  readonly id: string;
  readonly user: User;
  readonly remember: boolean;
  readonly next: string | null;
  readonly deviceId: string | null;
}

interface NewPendingLogin extends Omit<PendingLogin, 'id'> {
  /** Where it waits from, where its owner is to be told. */
  readonly told: Told | null;
}

export type PendingLogins = ReturnType<typeof createPendingLogins>;

export function createPendingLogins({ database: { prisma } }: { database: Database }) {
  return {
    /** Returns its id, and the token for the browser's cookie, of which only the hash is kept. */
    async beginWithin(
      transaction: Transaction,
      { user, remember, next, deviceId, told }: NewPendingLogin,
    ): Promise<{ id: string; token: string }> {
      const token = newToken();
      const id = uuidv7();
      await transaction.$executeRaw`
        INSERT INTO pending_login (id, token_hash, user_id, password_mark, remember, next, device_id, told, expires_at)
        VALUES (${id}::uuid, ${hashToken(token)}, ${user.id}::uuid, ${hashToken(user.passwordHash)}, ${remember}, ${next},
                ${deviceId}::uuid, ${told && JSON.stringify(told)}::jsonb,
                clock_timestamp() + ${WAITS_MS} * interval '1 millisecond')`;
      return { id, token };
    },

    /** Null when it took too long, was finished, or the account or its sessions have ended or changed since. */
    async find(token: string): Promise<PendingLogin | null> {
      if (token === '') return null;
      const [row] = await prisma.$queryRaw<PendingLoginRecord[]>`
        SELECT id, user_id, password_mark, remember, next, device_id FROM pending_login AS s
         WHERE token_hash = ${hashToken(token)} AND expires_at > clock_timestamp() AND NOT ${endedWithAll}`;
      const found = row ? await prisma.user.findUnique({ where: { id: row.user_id } }) : null;
      const user = found && withRole(found);
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

/** With the sessions of an account: no log-in of it waits any more. Returns how many did. */
export async function endPendingLoginsWithin(transaction: Transaction, userId: string): Promise<number> {
  return (await transaction.pendingLogin.deleteMany({ where: { userId } })).count;
}

/** The newest other log-in of an account that waits from a new browser, or has waited too long; null without one. */
export async function otherWaitingWithin(
  transaction: Transaction,
  userId: string,
  id: string,
): Promise<{ id: string; told: Told; dueMs: number } | null> {
  const [row] = await transaction.$queryRaw<{ id: string; told: Told; dueMs: number }[]>`
    SELECT id, told, greatest(0, extract(epoch FROM expires_at - clock_timestamp()) * 1000)::float8 AS "dueMs"
      FROM pending_login WHERE user_id = ${userId}::uuid AND id <> ${id}::uuid AND told IS NOT NULL
     ORDER BY created_at DESC, id DESC LIMIT 1`;
  return row ?? null;
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

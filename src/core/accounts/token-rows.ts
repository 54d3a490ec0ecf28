// API tokens within a transaction: ended with the role of their owner or where the account is taken back, read for their owner, and deleted once they are old.
import { Prisma } from '../../generated/prisma/client.ts';
import type { Actor } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { ago, deleteSome, type Transaction } from '../platform/database.ts';

export const STILL_GOOD = Prisma.sql`revoked_at IS NULL AND expires_at > clock_timestamp()`;
const KEPT_MS = 30 * 86_400_000;

/**
 * Ends every token of an account, each with its event; returns how many there were. `reason` is an operator's, or names the act of
 * the owner that ends them.
 */
export async function revokeTokensWithin(
  transaction: Transaction,
  userId: string,
  { actor, session = null, origin, reason }: Actor,
): Promise<number> {
  const rows = await transaction.$queryRaw<{ id: string }[]>`
    UPDATE api_token SET revoked_at = clock_timestamp() WHERE user_id = ${userId}::uuid AND ${STILL_GOOD} RETURNING id`;
  for (const { id } of rows) {
    const detail = { token: id, ...(reason ? { reason } : {}) };
    const about = { actor, subject: userId, session, origin, detail };
    await recordEvent(transaction, { type: 'api_token_revoked', outcome: 'success', ...about });
  }
  return rows.length;
}

/** What is kept of an account's tokens, for their owner; who made them is somebody else's. */
export function readTokensOf(transaction: Transaction, userId: string) {
  return transaction.apiToken.findMany({
    where: { userId },
    orderBy: { createdAt: 'asc' },
    select: {
      id: true,
      name: true,
      scopes: true,
      createdAt: true,
      expiresAt: true,
      lastUsedAt: true,
      revokedAt: true,
    },
  });
}

/** Deletes those that expired a month ago, at most `limit`; returns how many. */
export function deleteOldTokens(transaction: Transaction, limit: number): Promise<number> {
  const where = Prisma.sql`expires_at < ${ago(KEPT_MS)}`;
  return deleteSome(transaction, { from: 'api_token', where, limit, key: 'id' });
}

// The end of what the throttle records. Each function deletes at most `limit` rows and returns how many.
import { Prisma } from '../../generated/prisma/client.ts';
import { ago, deleteSome, type Transaction } from '../platform/database.ts';

export function deleteOldAttempts(transaction: Transaction, limit: number, olderThanMs: number): Promise<number> {
  const where = Prisma.sql`occurred_at < ${ago(olderThanMs)}`;
  return deleteSome(transaction, { from: 'login_attempt', where, limit });
}

/** Those that have ended. */
export function deleteOldBlocks(transaction: Transaction, limit: number, olderThanMs: number): Promise<number> {
  const where = Prisma.sql`ended_at IS NOT NULL AND started_at < ${ago(olderThanMs)}`;
  return deleteSome(transaction, { from: 'throttle_block', where, limit });
}

export function deleteOldRefusals(transaction: Transaction, limit: number, olderThanMs: number): Promise<number> {
  const where = Prisma.sql`since < ${ago(olderThanMs)}`;
  return deleteSome(transaction, { from: 'throttle_refusal', where, limit });
}

/** The attempts that a rebuilt throttle would count: none from before the longest window. */
export function deleteCountedAttempts(transaction: Transaction, limit: number, longestMs: number): Promise<number> {
  const where = Prisma.sql`occurred_at < ${ago(longestMs)}`;
  return deleteSome(transaction, { from: 'throttle_attempt', where, limit });
}

/** Longer than any link by which an owner disowns a log-in: a browser that was known before it counts for that. */
const REVOKED_KEPT_MS = 10 * 86_400_000;

/** Browsers that were revoked a while ago, or that nobody logged in with for so long. */
export function deleteOldDevices(transaction: Transaction, limit: number, unusedForMs: number): Promise<number> {
  const where = Prisma.sql`revoked_at < ${ago(REVOKED_KEPT_MS)} OR last_used_at < ${ago(unusedForMs)}`;
  return deleteSome(transaction, { from: 'known_device', where, limit });
}

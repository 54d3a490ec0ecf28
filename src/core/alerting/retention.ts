// The end of what was told. Each function deletes at most `limit` rows and returns how many.
import { Prisma } from '../../generated/prisma/client.ts';
import { ago, deleteSome, type Transaction } from '../platform/database.ts';

/** Those whose window has ended, and of which nothing is left to tell. */
export function deleteOldAlerts(transaction: Transaction, limit: number, olderThanMs: number): Promise<number> {
  const where = Prisma.sql`opened_at < ${ago(olderThanMs)} AND closes_at < ${ago(olderThanMs)} AND count <= told`;
  return deleteSome(transaction, { from: 'alert', where, limit });
}

/** With those that no worker has a webhook for any more. */
export function deleteOldPosts(transaction: Transaction, limit: number, olderThanMs: number): Promise<number> {
  const where = Prisma.sql`created_at < ${ago(olderThanMs)} AND (ended_at IS NOT NULL OR due_at < ${ago(olderThanMs)})`;
  return deleteSome(transaction, { from: 'alert_post', where, limit });
}

// What the table of sessions holds of a person: read for their export, emptied with their account.
import type { Transaction } from '../platform/database.ts';

/** By id, from after one. */
export function readSessionsOf(database: Transaction, userId: string, after: string | null, take: number) {
  return database.session.findMany({
    where: { userId, ...(after === null ? {} : { id: { gt: after } }) },
    orderBy: { id: 'asc' },
    take,
    select: {
      id: true,
      createdAt: true,
      lastSeenAt: true,
      absoluteDeadline: true,
      remember: true,
      ip: true,
      userAgent: true,
      data: true,
      endedAt: true,
      endReason: true,
    },
  });
}

/** The rows stay for as long as an old copy of a session could come back. */
export async function emptySessionsWithin(transaction: Transaction, userId: string): Promise<void> {
  await transaction.session.updateMany({ where: { userId }, data: { data: {} } });
}

// Known browsers of a person: for their export, and gone with their account.
import type { Transaction } from '../platform/database.ts';

/** For a person's export. */
export function readKnownBrowsersOf(database: Transaction, userId: string, after: string | null, take: number) {
  return database.knownDevice.findMany({
    where: { userId, ...(after === null ? {} : { id: { gt: after } }) },
    orderBy: { id: 'asc' },
    take,
    select: { id: true, userAgent: true, createdAt: true, lastUsedAt: true, revokedAt: true },
  });
}

/** With their account, so without an event; and what they call themselves goes. */
export async function revokeKnownBrowsersWithin(transaction: Transaction, userId: string): Promise<void> {
  await transaction.$executeRaw`
    UPDATE known_device SET revoked_at = coalesce(revoked_at, clock_timestamp()), user_agent = NULL
     WHERE user_id = ${userId}::uuid`;
}

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

/**
 * Makes browsers strangers to their accounts, but those that another live session is in; counts them by account. The caller
 * has ended the sessions that they are forgotten for: sessions are locked before browsers, everywhere.
 */
export async function forgetBrowsersWithin(
  transaction: Transaction,
  ids: readonly string[],
): Promise<readonly { readonly userId: string; readonly count: number }[]> {
  if (ids.length === 0) return [];
  return transaction.$queryRaw<{ userId: string; count: number }[]>`
    WITH forgotten AS (
      UPDATE known_device AS d SET revoked_at = clock_timestamp()
       WHERE id = ANY (${[...ids]}::uuid[]) AND revoked_at IS NULL
         AND NOT EXISTS (SELECT FROM session AS s
                          WHERE s.user_id = d.user_id AND s.device_id = d.id AND s.ended_at IS NULL
                            AND s.idle_deadline > clock_timestamp() AND s.absolute_deadline > clock_timestamp())
      RETURNING user_id)
    SELECT user_id AS "userId", count(*)::int AS count FROM forgotten GROUP BY user_id`;
}

/** With their account, so without an event; and what they call themselves goes. */
export async function revokeKnownBrowsersWithin(transaction: Transaction, userId: string): Promise<void> {
  await transaction.$executeRaw`
    UPDATE known_device SET revoked_at = coalesce(revoked_at, clock_timestamp()), user_agent = NULL
     WHERE user_id = ${userId}::uuid`;
}

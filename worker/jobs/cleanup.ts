// Ends and deletes what has served its time. Each deletion and the event that tells of it are one transaction.
import { NO_ORIGIN } from '../../src/core/audit-events.ts';
import type { Context } from '../../src/core/context.ts';
import type { Transaction } from '../../src/core/database.ts';
import { recordEvent } from '../../src/core/outbox.ts';
import { createThrottleWindows } from '../../src/core/throttle-windows.ts';

/** Ends sessions that have expired, after writing down which were seen lately; deletes those ended long ago. */
export async function cleanupSessions({ sessions, store, records, database }: Context): Promise<void> {
  await store.flushTouches();
  await sessions.endExpired();
  await deleteWithin(database, 'sessions', (transaction) => records.deleteOld(transaction));
}

/** Deletes login attempts, and what the throttle has recorded, older than their retention. */
export async function cleanupAttempts(context: Context): Promise<void> {
  const { database, config } = context;
  await deleteWithin(
    database,
    'login attempts',
    (transaction) => transaction.$executeRaw`
    DELETE FROM login_attempt WHERE occurred_at < clock_timestamp() - ${config.attemptRetentionMs} * interval '1 millisecond'`,
  );
  await deleteThrottleRecords(context);
}

async function deleteThrottleRecords({ database, config }: Context): Promise<void> {
  const { attemptRetentionMs, throttle } = config;
  await deleteWithin(
    database,
    'throttle blocks',
    (transaction) => transaction.$executeRaw`
    DELETE FROM throttle_block
     WHERE ended_at IS NOT NULL AND started_at < clock_timestamp() - ${attemptRetentionMs} * interval '1 millisecond'`,
  );
  await deleteWithin(
    database,
    'throttle refusals',
    (transaction) => transaction.$executeRaw`
    DELETE FROM throttle_refusal WHERE since < clock_timestamp() - ${attemptRetentionMs} * interval '1 millisecond'`,
  );
  const { longestMs } = createThrottleWindows(throttle);
  await deleteWithin(
    database,
    'throttle attempts',
    (transaction) => transaction.$executeRaw`
    DELETE FROM throttle_attempt WHERE occurred_at < clock_timestamp() - ${longestMs} * interval '1 millisecond'`,
  );
  await deleteWithin(
    database,
    'known devices',
    (transaction) => transaction.$executeRaw`
    DELETE FROM known_device
     WHERE revoked_at IS NOT NULL
        OR last_used_at < clock_timestamp() - ${throttle.deviceRetentionMs} * interval '1 millisecond'`,
  );
}

/** Deletes log-ins that waited too long, and challenges that nobody could answer any more. */
async function deletePending({ database }: Context): Promise<void> {
  await deleteWithin(
    database,
    'pending log-ins',
    (transaction) => transaction.$executeRaw`DELETE FROM pending_login WHERE expires_at < clock_timestamp()`,
  );
  await deleteWithin(
    database,
    'used challenges',
    (transaction) => transaction.$executeRaw`
    DELETE FROM used_challenge WHERE used_at < clock_timestamp() - interval '1 day'`,
  );
}

/** Deletes one-time tokens that were used or have expired, but for those whose mail still waits and gives them a new secret. */
export async function cleanupTokens(context: Context): Promise<void> {
  const { database } = context;
  await deleteWithin(
    database,
    'tokens',
    (transaction) => transaction.$executeRaw`
    DELETE FROM token
     WHERE used_at IS NOT NULL
        OR (expires_at < clock_timestamp()
            AND NOT EXISTS (SELECT FROM mail WHERE token_id = token.id AND ended_at IS NULL))`,
  );
  await deletePending(context);
}

/** Deletes mail that was sent or failed longer ago than it is kept, and registrations that nobody confirmed in time. */
export async function cleanupMails({ database, mailDelivery }: Context): Promise<void> {
  await deleteWithin(database, 'mails', (transaction) => mailDelivery.deleteOld(transaction));
  await deleteWithin(
    database,
    'registrations',
    (transaction) => transaction.$executeRaw`DELETE FROM registration WHERE expires_at < clock_timestamp()`,
  );
}

async function deleteWithin(
  { prisma }: Context['database'],
  what: string,
  work: (transaction: Transaction) => Promise<number>,
): Promise<void> {
  await prisma.$transaction(async (transaction) => {
    const count = await work(transaction);
    if (count === 0) return;
    const about = { actor: null, subject: null, origin: NO_ORIGIN, detail: { what, count } };
    await recordEvent(transaction, { type: 'sys_cleanup', outcome: 'success', ...about });
  });
}

// Ends and deletes what has served its time. Each deletion and the event that tells of it are one transaction.
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { recordEvent } from '../../src/core/audit/outbox.ts';
import type { Context } from '../../src/core/context.ts';
import { deleteSome, type Transaction } from '../../src/core/platform/database.ts';
import type { JobName } from '../../src/core/platform/queues.ts';
import { deleteOldSessions } from '../../src/core/sessions/session-table.ts';
import { createThrottleWindows } from '../../src/core/throttle/windows.ts';
import { Prisma } from '../../src/generated/prisma/client.ts';

/** So many rows in one transaction, which stays far below its time limit. */
const BATCH = 5_000;
/** How long one job goes on; then it asks for the next: others have their turn, and a worker that is told to stop can. */
const PASS_MS = 5_000;

/** Deletes at most so many, and returns how many. */
type DeleteSome = (transaction: Transaction, limit: number) => Promise<number>;

/** What is deleted, by what it is called in the events. */
type Deletions = Readonly<Record<string, DeleteSome>>;

/** Ends sessions that have expired, after writing down which were seen lately; deletes those ended long ago. */
export async function cleanupSessions(context: Context): Promise<void> {
  await context.sessionCache.flushTouches();
  await context.sessions.endExpired();
  await deleteAll(context, 'cleanup-sessions', { sessions: deleteOldSessions });
}

/** Deletes login attempts, what the throttle has recorded, and known browsers, older than they are kept. */
export function cleanupAttempts(context: Context): Promise<void> {
  const { attemptRetentionMs, throttle } = context.config;
  const { longestMs } = createThrottleWindows(throttle);
  return deleteAll(context, 'cleanup-attempts', {
    'login attempts': from('login_attempt', Prisma.sql`occurred_at < ${ago(attemptRetentionMs)}`),
    'throttle blocks': from(
      'throttle_block',
      Prisma.sql`ended_at IS NOT NULL AND started_at < ${ago(attemptRetentionMs)}`,
    ),
    'throttle refusals': from('throttle_refusal', Prisma.sql`since < ${ago(attemptRetentionMs)}`),
    'throttle attempts': from('throttle_attempt', Prisma.sql`occurred_at < ${ago(longestMs)}`),
    'known devices': from(
      'known_device',
      Prisma.sql`revoked_at IS NOT NULL OR last_used_at < ${ago(throttle.deviceRetentionMs)}`,
    ),
  });
}

/**
 * Deletes one-time tokens that were used or have expired, but for those whose mail still waits and gives them a new secret;
 * log-ins that waited too long, and challenges that nobody could answer any more.
 */
export function cleanupTokens(context: Context): Promise<void> {
  return deleteAll(context, 'cleanup-tokens', {
    tokens: from(
      'token',
      Prisma.sql`used_at IS NOT NULL
              OR (expires_at < ${ago(0)}
                  AND NOT EXISTS (SELECT FROM mail WHERE token_id = token.id AND ended_at IS NULL))`,
    ),
    'pending log-ins': from('pending_login', Prisma.sql`expires_at < ${ago(0)}`, 'id'),
    'used challenges': from('used_challenge', Prisma.sql`used_at < ${ago(86_400_000)}`),
  });
}

/** Deletes mail that was sent or failed longer ago than it is kept, and registrations that nobody confirmed in time. */
export function cleanupMails(context: Context): Promise<void> {
  return deleteAll(context, 'cleanup-mails', {
    mails: context.mailDelivery.deleteOld,
    registrations: from('registration', Prisma.sql`expires_at < ${ago(0)}`, 'id'),
  });
}

function from(table: string, where: Prisma.Sql, key?: string): DeleteSome {
  return (transaction, limit) => deleteSome(transaction, { from: table, where, limit, ...(key && { key }) });
}

function ago(ms: number): Prisma.Sql {
  return Prisma.sql`(statement_timestamp() - ${ms} * interval '1 millisecond')`;
}

async function deleteAll(
  { database: { transact }, queues }: Context,
  job: JobName,
  deletions: Deletions,
): Promise<void> {
  const deadline = performance.now() + PASS_MS;
  for (const [what, deleteMore] of Object.entries(deletions)) {
    for (let count = BATCH; count === BATCH; ) {
      if (performance.now() > deadline) return queues.nudge(job);
      count = await transact(async (transaction) => {
        const deleted = await deleteMore(transaction, BATCH);
        const about = { actor: null, subject: null, origin: NO_ORIGIN, detail: { what, count: deleted } };
        if (deleted > 0) await recordEvent(transaction, { type: 'sys_cleanup', outcome: 'success', ...about });
        return deleted;
      });
    }
  }
}

// Ends and deletes what has served its time. Each deletion and the event that tells of it are one transaction.

import { deleteOldTokens } from '../../src/core/accounts/token-rows.ts';
import { deleteOldAlerts, deleteOldPosts } from '../../src/core/alerting/retention.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { recordEvent } from '../../src/core/audit/outbox.ts';
import type { Context } from '../../src/core/context.ts';
import { deleteSpentLinks } from '../../src/core/credentials/one-time-links.ts';
import { deleteUsedChallenges } from '../../src/core/factors/passkey-challenges.ts';
import { forgetShownCodes } from '../../src/core/factors/shown-codes.ts';
import { deleteOldTickets } from '../../src/core/forward-auth/tickets.ts';
import { deleteExpiredPendingLogins } from '../../src/core/login/pending-logins.ts';
import type { Transaction } from '../../src/core/platform/database.ts';
import type { JobName } from '../../src/core/platform/queues.ts';
import { deleteOldOrders } from '../../src/core/securing/secure-many.ts';
import { deleteExpiredRegistrations } from '../../src/core/self-service/pending-registrations.ts';
import { deleteOldSessions } from '../../src/core/sessions/session-rows.ts';
import {
  deleteCountedAttempts,
  deleteOldAttempts,
  deleteOldBlocks,
  deleteOldDevices,
  deleteOldRefusals,
} from '../../src/core/throttle/retention.ts';
import { createThrottleWindows } from '../../src/core/throttle/windows.ts';

/** Rows in one transaction, which stays far below its time limit. */
const BATCH = 5_000;
/** After this long a job asks for the next one: other jobs get their turn, and a stopping worker can end. */
const PASS_MS = 5_000;

type DeleteSome = (transaction: Transaction, limit: number) => Promise<number>;

/** By the name in the events. */
type Deletions = Readonly<Record<string, DeleteSome>>;

/** A session that Redis saw lately has not expired: the touches are written down first. */
export async function cleanupSessions(context: Context): Promise<void> {
  await context.repairSessions();
  await context.checkpoints.lookBack();
  await context.sessionCache.flushTouches();
  await context.sessions.endExpired();
  await deleteAll(context, 'cleanup-sessions', { sessions: deleteOldSessions });
}

export function cleanupAttempts(context: Context): Promise<void> {
  const { attemptRetentionMs, throttle } = context.config;
  const { longestMs } = createThrottleWindows(throttle);
  return deleteAll(context, 'cleanup-attempts', {
    'login attempts': (transaction, limit) => deleteOldAttempts(transaction, limit, attemptRetentionMs),
    'throttle blocks': (transaction, limit) => deleteOldBlocks(transaction, limit, attemptRetentionMs),
    'throttle refusals': (transaction, limit) => deleteOldRefusals(transaction, limit, attemptRetentionMs),
    'throttle attempts': (transaction, limit) => deleteCountedAttempts(transaction, limit, longestMs),
    'told alerts': (transaction, limit) => deleteOldAlerts(transaction, limit, attemptRetentionMs),
    'posted alerts': (transaction, limit) => deleteOldPosts(transaction, limit, attemptRetentionMs),
    'known devices': (transaction, limit) => deleteOldDevices(transaction, limit, throttle.deviceRetentionMs),
  });
}

export function cleanupTokens(context: Context): Promise<void> {
  return deleteAll(context, 'cleanup-tokens', {
    tokens: deleteSpentLinks,
    'pending log-ins': deleteExpiredPendingLogins,
    'used challenges': deleteUsedChallenges,
    'application tickets': deleteOldTickets,
    'shown recovery codes': forgetShownCodes,
    'API tokens': deleteOldTokens,
    'orders to secure accounts': deleteOldOrders,
  });
}

export function cleanupMails(context: Context): Promise<void> {
  return deleteAll(context, 'cleanup-mails', {
    mails: context.mailDelivery.deleteOld,
    registrations: deleteExpiredRegistrations,
  });
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

// Records the end of a session that took effect in Redis while PostgreSQL was away.
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import type { Context } from '../../src/core/context.ts';
import type { EndSessionJob } from '../../src/core/platform/queues.ts';
import { END_REASONS, type EndReason } from '../../src/core/sessions/session-record.ts';

/** Throws while PostgreSQL is away, and BullMQ tries again. Done twice, it changes nothing. */
export async function endSession(
  { sessions }: Context,
  { sessionId, reason, actor, origin }: EndSessionJob,
): Promise<void> {
  const known: EndReason = END_REASONS.find((one) => one === reason) ?? 'revoked';
  await sessions.end({ sessionId }, { reason: known, actor: actor ?? null, origin: { ...NO_ORIGIN, ...origin } });
}

// Events of somebody who asks again and again for what they may not have. The first few are recorded one by one; then a block
// counts the others, which leave one event with their number.
import type { NewAuditEvent } from '../audit/events.ts';
import type { Refusals } from './refusals.ts';
import type { Throttle } from './throttle.ts';

export function createFoldedEvents({ throttle, refusals }: { throttle: Throttle; refusals: Refusals }) {
  /** By account, or by client where nobody is logged in. Throws if PostgreSQL can't take the record. */
  return async function recordFolded(event: NewAuditEvent): Promise<void> {
    const { actor, origin } = event;
    await refusals.attempt(
      throttle.takeForbidden({ userId: actor, ip: origin.ip }),
      { subject: actor, origin },
      async (tried) => {
        await tried.record(event);
        return { ok: false };
      },
    );
  };
}

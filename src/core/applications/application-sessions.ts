// What ends when an application changes: in the transaction of the change, the sessions that it no longer allows.
import type { Actor } from '../audit/events.ts';
import { type EndApplicationSessions, lost } from '../groups/groups.ts';
import type { Transaction } from '../platform/database.ts';
import type { Application } from './application.ts';

export async function endAfterChangeWithin(
  end: EndApplicationSessions,
  transaction: Transaction,
  { before, after }: { readonly before: Application; readonly after: Application },
  by: Actor,
): Promise<void> {
  const which = isElsewhereOrShorter(before, after) ? { applicationId: after.id } : ({ forbidden: true } as const);
  await end(transaction, which, lost(by));
}

/** At another origin the cookies are another application's; a session keeps the limits that it began with. */
function isElsewhereOrShorter(before: Application, after: Application): boolean {
  const shorter = (old: number | null, now: number | null) => now !== null && (old === null || now < old);
  return (
    before.url !== after.url ||
    shorter(before.idleSeconds, after.idleSeconds) ||
    shorter(before.absoluteSeconds, after.absoluteSeconds)
  );
}

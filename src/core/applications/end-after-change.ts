// What ends when an application's settings change: in the transaction of the change, the sessions that they no longer allow.
import type { Actor } from '../audit/events.ts';
import { type EndApplicationSessions, entryLost, membersOf } from '../groups/entry-lost.ts';
import type { Transaction } from '../platform/database.ts';
import type { Application } from './application.ts';

export async function endAfterChangeWithin(
  end: EndApplicationSessions,
  transaction: Transaction,
  { before, after }: { readonly before: Application; readonly after: Application },
  by: Actor,
): Promise<void> {
  const applicationId = after.id;
  const why = entryLost(by);
  if (isElsewhereOrShorter(before, after)) await end(transaction, { applicationId }, why);
  if (after.secondFactor && !before.secondFactor)
    await end(transaction, { applicationId, withoutSecondFactor: true }, why);
  if (!after.everybody) await end(transaction, { applicationId, exceptOf: membersOf(applicationId) }, why);
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

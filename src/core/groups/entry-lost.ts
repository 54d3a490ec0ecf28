// The end of sessions at applications whose owners may no longer enter them, in the transaction that took their way in.
import { Prisma } from '../../generated/prisma/client.ts';
import type { Actor } from '../audit/events.ts';
import type { Transaction } from '../platform/database.ts';
import type { createApplicationSessions } from '../sessions/application-sessions.ts';

export type EndApplicationSessions = ReturnType<typeof createApplicationSessions>['endWithin'];

/** Of these people, or of everybody, at every application that not everybody may enter. */
export async function endBarredWithin(
  transaction: Transaction,
  end: EndApplicationSessions,
  by: Actor,
  userIds?: readonly string[],
): Promise<void> {
  const rules = await transaction.application.findMany({ where: { everybody: false }, select: { id: true } });
  for (const { id: applicationId } of rules) {
    const which = { applicationId, exceptOf: membersOf(applicationId), ...(userIds ? { userIds } : {}) };
    await end(transaction, which, entryLost(by));
  }
}

/** The accounts that an application's groups let in. */
export function membersOf(applicationId: string): Prisma.Sql {
  return Prisma.sql`
    SELECT m.user_id FROM group_member AS m JOIN application_group AS g ON g.group_id = m.group_id
     WHERE g.application_id = ${applicationId}::uuid`;
}

/** Who took the way in, and why, as the events of the endings tell it. */
export function entryLost({ actor, origin, reason }: Actor) {
  return { reason: 'entry_lost', actor, origin, ...(reason ? { note: reason } : {}) } as const;
}

// The events of a person, as that person may read them: of what an operator did, neither their name nor their address.
import type { Transaction } from '../../platform/database.ts';

/** By place in the log, from after one. */
export async function readEventsOf(database: Transaction, userId: string, after: bigint | null, take: number) {
  const records = await database.auditEvent.findMany({
    where: { OR: [{ actorId: userId }, { subjectId: userId }], ...(after === null ? {} : { seq: { gt: after } }) },
    orderBy: { seq: 'asc' },
    take,
  });
  return records.map(
    ({ seq, id, occurredAt, type, outcome, actorId, subjectId, sessionId, detail, ip, userAgent }) => ({
      seq,
      id,
      occurredAt,
      type,
      outcome,
      sessionId,
      detail,
      by: actorId === userId ? 'you' : actorId === null ? 'somebody not logged in' : 'an operator',
      about: subjectId === userId ? 'you' : subjectId === null ? null : 'somebody else',
      ...(actorId === userId || actorId === null ? { ip, userAgent } : {}),
    }),
  );
}

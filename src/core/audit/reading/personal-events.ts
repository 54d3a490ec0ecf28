// The events of a person, as that person may read them: of what an operator did, neither their name nor their address.
import { readPlace } from '../../places/place.ts';
import type { Transaction } from '../../platform/database.ts';

/** By place in the log, from after one. */
export async function readEventsOf(database: Transaction, userId: string, after: bigint | null, take: number) {
  // Two indexes: what was done to them, and what they did to others.
  const past = { gt: after ?? -1n };
  const some = { orderBy: { seq: 'asc' }, take } as const;
  const [suffered, did] = [
    await database.auditEvent.findMany({ where: { subjectId: userId, seq: past }, ...some }),
    await database.$queryRaw<{ seq: bigint }[]>`
      SELECT seq FROM audit_event WHERE actor_id = ${userId}::uuid AND actor_id IS DISTINCT FROM subject_id AND seq > ${past.gt}
       ORDER BY seq LIMIT ${take}`,
  ];
  const toOthers = await database.auditEvent.findMany({ where: { seq: { in: did.map(({ seq }) => seq) } } });
  const records = [...suffered, ...toOthers].sort((a, b) => Number(a.seq - b.seq)).slice(0, take);
  return records.map(
    ({ seq, id, occurredAt, type, outcome, actorId, subjectId, sessionId, detail, ip, place, userAgent }) => ({
      seq,
      id,
      occurredAt,
      type,
      outcome,
      sessionId,
      detail,
      by: actorId === userId ? 'you' : actorId === null ? 'somebody not logged in' : 'an operator',
      about: subjectId === userId ? 'you' : subjectId === null ? null : 'somebody else',
      ...(actorId === userId || actorId === null ? { ip, place: readPlace(place), userAgent } : {}),
    }),
  );
}

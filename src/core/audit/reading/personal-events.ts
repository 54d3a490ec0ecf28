// The events of a person, as that person may read them: of what an operator did, in the console or by a command, neither who it
// was, nor where, nor what they wrote about it.
import { readPlace } from '../../places/place.ts';
import type { Transaction } from '../../platform/database.ts';
import type { Detail } from '../events.ts';
import { isByCommand } from '../outbox.ts';

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
    ({ seq, id, occurredAt, type, outcome, actorId, subjectId, sessionId, detail: kept, ip, place, userAgent }) => {
      const detail = kept as Detail;
      const byOperator = actorId === null ? isByCommand(detail) : actorId !== userId;
      return {
        seq,
        id,
        occurredAt,
        type,
        outcome,
        sessionId,
        detail: byOperator ? withoutOperator(type, detail) : detail,
        by: actorId === userId ? 'you' : byOperator ? 'an operator' : 'somebody not logged in',
        about: subjectId === userId ? 'you' : subjectId === null ? null : 'somebody else',
        ...(byOperator ? {} : { ip, place: readPlace(place), userAgent }),
      };
    },
  );
}

/** Why a session ended is one of a few words of ours; any other reason is the operator's own words. */
function withoutOperator(type: string, { user: _, host: _host, note: _note, reason, ...detail }: Detail): Detail {
  return type === 'session_ended' && reason !== undefined ? { ...detail, reason } : detail;
}

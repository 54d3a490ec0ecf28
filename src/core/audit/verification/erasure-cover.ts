// Whether the log tells of everything that was erased from it: for each account, an event
// `personal_data_erased` after the erased events that counts at least as many.
import type pg from 'pg';
import type { SealedEvent } from '../canonical-event.ts';
import type { Problem } from './chain-check.ts';

const TOLD: string = 'personal_data_erased';

export function createErasureCover() {
  /** By account: the numbers of erased events that no event has told of yet. */
  const untold = new Map<string, number[]>();
  let erased = 0;

  /** An erasure empties the oldest events first. */
  function tell(person: string | null, events: number): void {
    const seqs = untold.get(person ?? '');
    if (!seqs || !(events > 0)) return;
    seqs.splice(0, events);
    if (seqs.length === 0) untold.delete(person ?? '');
  }

  return {
    /** Takes the events of the log, in order. */
    take({ seq, type, actor, subject, personalSalt, detail }: SealedEvent): void {
      if (type === TOLD) tell(subject, Number(detail['events']));
      if (personalSalt !== null) return;
      erased += 1;
      const person = actor ?? subject ?? '';
      const seqs = untold.get(person);
      if (seqs) seqs.push(seq);
      else untold.set(person, [seq]);
    },

    erased: () => erased,

    /**
     * The first event that nobody tells of, once all were taken up to `to`. Looks at what was sealed
     * since, and at what waits: an account may have been erased meanwhile.
     */
    async problem(pool: pg.Pool, to: number): Promise<Problem | null> {
      if (untold.size === 0) return null;
      const { rows } = await pool.query<{ person: string | null; events: string | null }>(
        `SELECT subject_id::text AS person, detail->>'events' AS events FROM audit_event WHERE type = $1 AND seq > $2
         UNION ALL SELECT person, events FROM audit_erasures_waiting()`,
        [TOLD, to],
      );
      for (const { person, events } of rows) tell(person, Number(events));
      let seq = Number.POSITIVE_INFINITY;
      for (const [first = seq] of untold.values()) seq = Math.min(seq, first);
      if (untold.size === 0) return null;
      return { seq, problem: `event ${seq} was erased, and no event tells of that` };
    },
  };
}

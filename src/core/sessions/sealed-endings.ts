// What follows the sealing of an ended session: its row gets the seq, and the session cache replays
// the ending.
import type pg from 'pg';
import { type ChainedEvent, isEnding } from '../audit/append.ts';
import type { SealingFollower } from '../audit/sealing.ts';
import type { SessionCache } from './session-cache.ts';
import type { Ending, EndReason } from './session-record.ts';

/**
 * Sealing fails while Redis can't take the endings; whoever finds its high-water mark too low
 * reconciles it. A PostgreSQL of an older epoch than the one that is known seals nothing.
 */
export function createSealedEndings({ cache }: { cache: SessionCache }): SealingFollower {
  return {
    begin(told) {
      const epoch = cache.epochs.hear(told);
      const ended: Ending[] = [];
      return {
        async write(client, events) {
          ended.push(...(await markEndings(client, events.filter(isEnding))));
        },
        async committed({ previousSeq, endingSeq }) {
          if (endingSeq > previousSeq) await cache.replay(ended, { previousSeq, endingSeq, epoch });
        },
      };
    },
  };
}

async function markEndings(client: pg.ClientBase, endings: readonly ChainedEvent[]): Promise<Ending[]> {
  if (endings.length === 0) return [];
  const { rows } = await client.query<{ token_hash: Buffer; end_reason: EndReason }>({
    name: 'seal-endings',
    text: `UPDATE session SET ending_seq = e.seq FROM unnest($1::uuid[], $2::bigint[]) AS e(id, seq)
            WHERE session.id = e.id AND session.ended_at IS NOT NULL RETURNING token_hash, end_reason`,
    values: [endings.map((event) => event.session), endings.map((event) => event.seq)],
  });
  return rows.map((row) => ({ tokenHash: row.token_hash, reason: row.end_reason }));
}

// Notes which details stand in which part of the log, so that text is found without reading every
// event. Later events are searched one by one.
import { Prisma } from '../../../generated/prisma/client.ts';
import type { Database } from '../../platform/database.ts';
import { SEARCHED_DETAIL } from './query.ts';

/** A block is looked through in a few milliseconds. */
const BLOCK = 1_024;
const MOST_BLOCKS = 256;

/** Whether a block may be full. */
export const TEXT_LAGS = Prisma.sql`
  EXISTS (SELECT FROM audit_head WHERE id = 1
             AND seq >= ${BLOCK}::bigint + coalesce((SELECT last_seq FROM audit_text ORDER BY first_seq DESC LIMIT 1), 0))`;

export function createTextIndex({ database: { pool } }: { database: Database }) {
  return {
    /**
     * Adds the blocks that are full, at most some 250,000 events' worth, and drops those whose
     * events are gone. Returns how many it added. Two at once do no harm.
     */
    async keepUp(): Promise<number> {
      await pool.query(
        `WITH kept AS MATERIALIZED (SELECT min(seq) AS first FROM audit_event WHERE seq > 0)
         DELETE FROM audit_text WHERE first_seq < (SELECT first FROM kept) AND last_seq < (SELECT first FROM kept)`,
      );
      const { rows } = await pool.query<{ next: string; head: string }>(
        `SELECT coalesce((SELECT last_seq FROM audit_text ORDER BY first_seq DESC LIMIT 1),
                         (SELECT (min(seq) - 1) / $1 * $1 FROM audit_event WHERE seq > 0), 0) + 1 AS next,
                (SELECT seq FROM audit_head WHERE id = 1) AS head`,
        [BLOCK],
      );
      const next = Number(rows[0]?.next ?? 1);
      const blocks = Math.min(MOST_BLOCKS, Math.floor((Number(rows[0]?.head ?? 0) - next + 1) / BLOCK));
      if (blocks <= 0) return 0;
      const { rowCount } = await pool.query(
        `INSERT INTO audit_text (first_seq, last_seq, details)
         SELECT first, first + $3 - 1,
                (SELECT coalesce(string_agg(DISTINCT ${SEARCHED_DETAIL}, E'\\n'), '') FROM audit_event
                  WHERE seq BETWEEN first AND first + $3 - 1 AND detail <> '{}')
           FROM generate_series($1::bigint, $2::bigint, $3::bigint) AS first
         ON CONFLICT DO NOTHING`,
        [next, next + (blocks - 1) * BLOCK, BLOCK],
      );
      return rowCount ?? 0;
    },
  };
}

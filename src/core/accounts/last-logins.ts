// When everybody logged in last, taken from the sealed log: in order, each event once, some seconds late.
import { Prisma } from '../../generated/prisma/client.ts';
import type { Database } from '../platform/database.ts';
import { inTransaction } from '../platform/postgres/connection.ts';

/** Looked through in one transaction. */
const PART = 50_000;
/** In one call; a first pass over a long log takes many. */
const MOST_PARTS = 20;

/** Whether events were sealed since. */
export const LOG_INS_LAG = Prisma.sql`
  EXISTS (SELECT FROM noted_log_ins AS noted JOIN audit_head AS head ON head.id = noted.id WHERE head.seq <> noted.seq)`;

export function createLastLogins({ database: { pool } }: { database: Pick<Database, 'pool'> }) {
  /** How many accounts were noted, and whether there is more; null where somebody else is at it. */
  const notePart = () =>
    inTransaction(pool, async (client) => {
      const { rows } = await client.query<{ seq: string; head: string }>(
        `SELECT n.seq, (SELECT seq FROM audit_head WHERE id = 1) AS head
           FROM noted_log_ins AS n WHERE n.id = 1 FOR UPDATE OF n SKIP LOCKED`,
      );
      const [row] = rows;
      if (!row || Number(row.head) === Number(row.seq)) return null;
      // A log that was restored from before goes on from there.
      const after = Math.min(Number(row.seq), Number(row.head));
      const upTo = Math.min(Number(row.head), after + PART);
      const { rowCount } = await client.query(NOTE, [after, upTo]);
      await client.query('UPDATE noted_log_ins SET seq = $1 WHERE id = 1', [upTo]);
      return { noted: rowCount ?? 0, more: upTo < Number(row.head) };
    });

  return {
    /** Notes what was sealed since. Returns for how many accounts. Two at once do no harm. */
    async keepUp(): Promise<number> {
      let noted = 0;
      for (let part = 0; part < MOST_PARTS; part += 1) {
        const done = await notePart();
        noted += done?.noted ?? 0;
        if (!done?.more) break;
      }
      return noted;
    },
  };
}

/** Accounts are locked in the order in which everybody who locks several does. */
const NOTE = `
  WITH newest AS (
         SELECT actor_id AS id, max(occurred_at) AS at FROM audit_event
          WHERE type = 'authn_login_success' AND seq > $1 AND seq <= $2 AND actor_id IS NOT NULL GROUP BY actor_id),
       locked AS (
         SELECT u.id, newest.at FROM user_account AS u JOIN newest ON newest.id = u.id
          WHERE u.deleted_at IS NULL AND (u.last_login_at IS NULL OR u.last_login_at < newest.at)
          ORDER BY u.id FOR NO KEY UPDATE OF u)
  UPDATE user_account SET last_login_at = locked.at FROM locked WHERE user_account.id = locked.id`;

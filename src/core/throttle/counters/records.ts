// Attempts and blocks, from the records in PostgreSQL and from events that are not sealed yet.
import type { AttemptNote } from '../../audit/events.ts';
import type { Database } from '../../platform/database.ts';
import { inReadTransaction } from '../../platform/postgres/connection.ts';
import type { ThrottleWindows } from '../windows.ts';

/** Attempts read at a time: a flood leaves millions. */
const BATCH = 1_000;
const BATCH_TIME_MS = 60_000;

export interface AttemptRecord {
  readonly id: string;
  readonly age_ms: string;
  /** 'lifted': no attempt, but an operator who emptied one window. */
  readonly outcome: string;
  readonly ip: string | null;
  readonly identifier_hash: Buffer | null;
  readonly device_id: string | null;
  readonly attempt: AttemptNote | null;
  /** By name; null for a log-in. */
  readonly windows: string[] | null;
}

export interface BlockRecord {
  readonly key: string;
  readonly id: string;
  readonly left_ms: string;
}

/**
 * Newest first, in batches, from one statement with one reading of the clock: the order decides what a success or a
 * lifted block empties. False if `take` wanted no more.
 */
export async function readAttempts(
  { pool }: Database,
  { longestOfClientMs, accountMs, longestBlockMs }: ThrottleWindows,
  newerThanMs: number,
  take: (attempts: readonly AttemptRecord[]) => Promise<boolean>,
): Promise<boolean> {
  return inReadTransaction(pool, BATCH_TIME_MS, async (client) => {
    await client.query({
      text: `DECLARE noted NO SCROLL CURSOR FOR
             SELECT id, extract(epoch FROM now() - occurred_at) * 1000 AS age_ms, outcome, ip,
                    identifier_hash, device_id, attempt, windows
               FROM (SELECT id, occurred_at, outcome, host(ip) AS ip, identifier_hash, device_id,
                            NULL::jsonb AS attempt, NULL::text[] AS windows
                       FROM login_attempt
                      WHERE occurred_at > now() - $2 * interval '1 millisecond'
                         OR (outcome = 'failure' AND device_id IS NULL
                             AND occurred_at > now() - $3 * interval '1 millisecond')
                     UNION ALL
                     SELECT id, occurred_at, outcome, ip, NULL, NULL, attempt, NULL
                       FROM throttle_waiting() WHERE attempt IS NOT NULL
                     UNION ALL
                     SELECT id, occurred_at, outcome, NULL, NULL, NULL, NULL, windows
                       FROM throttle_attempt WHERE outcome <> 'nothing'
                     UNION ALL
                     SELECT id, ended_at, end_reason, NULL, NULL, NULL, NULL, ARRAY[key]
                       FROM throttle_block
                      WHERE end_reason = 'lifted' AND started_at > now() - ($1::float8 + $4) * interval '1 millisecond') AS noted
              WHERE occurred_at > now() - $1 * interval '1 millisecond'
              ORDER BY occurred_at DESC, id DESC`,
      values: [newerThanMs, longestOfClientMs, accountMs, longestBlockMs],
    });
    const fetch = { text: `FETCH ${BATCH} FROM noted`, query_timeout: BATCH_TIME_MS + 1_000 };
    for (;;) {
      const { rows } = await client.query<AttemptRecord>(fetch);
      if (rows.length === 0) return true;
      if (!(await take(rows))) return false;
    }
  });
}

export async function readBlocks({ pool }: Database): Promise<BlockRecord[]> {
  const { rows } = await pool.query<BlockRecord>({
    text: `SELECT key, id::text, extract(epoch FROM until_at - clock_timestamp()) * 1000 AS left_ms
             FROM throttle_block WHERE ended_at IS NULL AND until_at > clock_timestamp()
           UNION ALL
           SELECT block->>'key', block->>'id', left_ms
             FROM throttle_waiting(),
                  LATERAL (SELECT (block->>'lastsMs')::numeric
                                  - extract(epoch FROM clock_timestamp() - occurred_at) * 1000 AS left_ms) AS rest
            WHERE block IS NOT NULL AND left_ms > 0`,
  });
  return rows.filter((row) => Number(row.left_ms) >= 1);
}

// A log of any size, grown in steps from made-up events by the code that seals.
import type pg from 'pg';
import { appendEvents, chainEvents, countEvents, lockHead, moveHead } from '../../src/core/audit/append.ts';
import { inTransaction } from '../../src/core/platform/postgres/connection.ts';
import { makeUp } from '../../src/core/seed/made-up-events.ts';
import { createRandom } from '../../src/core/seed/made-up-people.ts';
import type { MadeUp } from '../../src/core/seed/made-up-requests.ts';

const BATCH = 5_000;
/** For more than this at once, the indexes are made after the rows. */
const BULK = 200_000;
const DAY = 86_400_000;
const MONTHS = 4;

export interface GrowingLog {
  /** Adds events until there are that many; returns the seconds it took. */
  growTo(events: number): Promise<number>;
}

/** The log of four months, oldest events first. */
export async function startLog(
  pool: pg.Pool,
  { events, people }: { events: number; people: number },
): Promise<GrowingLog> {
  const to = new Date();
  const from = new Date(to.getTime() - MONTHS * 30.5 * DAY);
  const { hours } = makeUp({ random: createRandom(9), events, people, from, to });
  const story = hours[Symbol.iterator]();
  await pool.query(
    `SELECT audit_make_partition(month) FROM generate_series(
       date_trunc('month', $1::timestamptz AT TIME ZONE 'UTC'), $2::timestamptz AT TIME ZONE 'UTC', '1 month') AS month`,
    [from, to],
  );
  let waiting: MadeUp[] = [];
  let done = 0;

  function next(most: number): MadeUp[] {
    while (waiting.length < most) {
      const hour = story.next();
      if (hour.done) break;
      waiting = waiting.concat(hour.value);
    }
    return waiting.splice(0, most);
  }

  async function add(client: pg.PoolClient, batch: readonly MadeUp[]): Promise<void> {
    const head = await lockHead(client);
    const now = batch.at(-1)?.event.occurredAt ?? head.now;
    const chained = chainEvents(
      batch.map(({ event }) => event),
      { ...head, now },
    );
    await appendEvents(client, chained);
    await countEvents(client, chained);
    const last = chained.at(-1);
    if (last) await moveHead(client, last, head.endingSeq);
  }

  return {
    async growTo(events) {
      const began = performance.now();
      const indexes = events - done > BULK ? await dropIndexes(pool) : [];
      for (let batch = next(Math.min(BATCH, events - done)); batch.length > 0; ) {
        const added = batch;
        await inTransaction(pool, (client) => add(client, added), 'BEGIN; SET LOCAL synchronous_commit = off');
        done += batch.length;
        batch = next(Math.min(BATCH, events - done));
      }
      for (const definition of indexes) await pool.query(definition);
      await pool.query('VACUUM ANALYZE');
      return (performance.now() - began) / 1_000;
    },
  };
}

/** Drops the indexes of the log except its key; returns how to make them again. */
async function dropIndexes(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string; definition: string }>(
    `SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE i.indrelid = 'audit_event'::regclass AND NOT i.indisprimary`,
  );
  for (const { name } of rows) await pool.query(`DROP INDEX ${name}`);
  return rows.map(({ definition }) => definition.replace(' ON ONLY ', ' ON '));
}

/** Bytes of the table and of each index, for one event. */
export async function bytesPerEvent(pool: pg.Pool, events: number): Promise<[string, number][]> {
  const { rows } = await pool.query<{ name: string; bytes: string }>(
    `SELECT coalesce(p.relname, 'rows') AS name, sum(pg_table_size(c.oid)) AS bytes
       FROM pg_class c JOIN pg_inherits h ON h.inhrelid = c.oid JOIN pg_class up ON up.oid = h.inhparent
       LEFT JOIN pg_class p ON p.oid = h.inhparent AND p.relkind = 'I'
      WHERE up.relname = 'audit_event' OR up.relname LIKE 'audit\\_event\\_%' GROUP BY 1
     UNION ALL SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relname IN ('audit_summary', 'audit_hour', 'audit_text')`,
  );
  return rows.map(({ name, bytes }): [string, number] => [name, Number(bytes) / events]).sort((a, b) => b[1] - a[1]);
}

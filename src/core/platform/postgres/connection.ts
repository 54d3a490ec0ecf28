// What each connection fixes, and connections that are taken from the pool for more than one statement.
import type pg from 'pg';
import { StandbyError } from './hosts.ts';
import { isPooled, leaveUnnamed, needRoleSettings } from './pooler.ts';

const QUERY_CANCELED = '57014';

/**
 * What every connection fixes, whatever the server, the database or the role has set: how values travel as text, and where
 * names are looked for. Prisma writes a Date without its offset: in another zone than UTC its moments would be others.
 */
const FIXED = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  search_path: 'public',
  standard_conforming_strings: 'on',
  default_transaction_isolation: 'read committed',
} as const;

/** What a web process and a worker fix beside it. */
export const LIMITS = { statement_timeout: 10_000, idle_in_transaction_session_timeout: 30_000 } as const;

export type Limits = Readonly<Partial<Record<keyof typeof LIMITS, number>>>;

/** A server that takes a connection and then says nothing is given up. */
const SETTINGS_WITHIN_MS = 2_000;

/** All that a connection fixes, by name. */
export function fixedSettings(limits: Limits): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries({ ...FIXED, ...limits }).map(([name, value]) => [name, String(value)]));
}

/**
 * For a pool's `onConnect`. By a statement, because a pooler takes few parameters at the start. A pooler may hand the next
 * transaction to another connection of its own: that one has to have the settings by its role. Throws a {@link StandbyError} where the server takes no writes, unless one that only reads is wanted.
 */
export function fixSettings(limits: Limits = {}, { standby = false } = {}): (client: pg.ClientBase) => Promise<void> {
  const settings = fixedSettings(limits);
  const values = Object.entries(settings).flat();
  const calls = Object.keys(settings).map((_, index) => `set_config($${2 * index + 1}, $${2 * index + 2}, false)`);
  const query = {
    text: `SELECT pg_backend_pid() AS pid, pg_is_in_recovery() AS standby, ${calls.join(', ')}`,
    values,
    query_timeout: SETTINGS_WITHIN_MS,
  };
  return async (client) => {
    const { rows } = await client.query<{ pid: number; standby: boolean }>(query);
    if (rows[0]?.standby && !standby) throw new StandbyError();
    if (!isPooled(client, rows[0]?.pid)) return;
    leaveUnnamed(client);
    if (Object.keys(limits).length > 0) await needRoleSettings(client, settings);
  };
}

/** Lends a connection, which after an error, also between two statements, is closed. */
export async function withConnection<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken = error; // without a listener it would end the process
  };
  client.on('error', onError);
  try {
    return await work(client);
  } catch (error) {
    broken ??= error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    client.release(broken);
    client.off('error', onError);
  }
}

/** Commits what `work` did, unless it throws. */
export function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
  begin = 'BEGIN',
): Promise<T> {
  return withConnection(pool, async (client) => {
    await client.query(begin);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  });
}

/** Reads in a transaction in which each statement may take `timeMs`. */
export function inReadTransaction<T>(
  pool: pg.Pool,
  timeMs: number,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  return withConnection(pool, async (client) => {
    await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${Math.ceil(timeMs)}`);
    const result = await work(client);
    await client.query('ROLLBACK');
    return result;
  });
}

/** The rows, or null if they took longer than `timeMs`. Reads only. */
export function timedQuery<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  timeMs: number,
  { text, values }: { text: string; values: unknown[] },
): Promise<Row[] | null> {
  return inReadTransaction(pool, timeMs, async (client) => {
    try {
      return (await client.query<Row>(text, values)).rows;
    } catch (error) {
      if ((error as { code?: unknown }).code === QUERY_CANCELED) return null;
      throw error;
    }
  });
}

// Connections that are taken from the pool for more than one statement.
import type pg from 'pg';

const QUERY_CANCELED = '57014';

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

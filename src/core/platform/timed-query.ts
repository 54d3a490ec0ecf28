// A query that is worth only so much waiting: past its time it is given up, and what would have been nice to know is not.
import type pg from 'pg';

const QUERY_CANCELED = '57014';

/** The rows, or null if they took longer than `timeMs`. Reads only. */
export async function timedQuery<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  timeMs: number,
  { text, values }: { text: string; values: unknown[] },
): Promise<Row[] | null> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${Math.ceil(timeMs)}`);
    return (await client.query<Row>(text, values)).rows;
  } catch (error) {
    if ((error as { code?: unknown }).code === QUERY_CANCELED) return null;
    broken = error as Error;
    throw error;
  } finally {
    await client.query('ROLLBACK').catch((error: Error) => {
      broken ??= error;
    });
    client.release(broken);
  }
}

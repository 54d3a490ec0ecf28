// One statement on a database of a test's own, past the application.
import pg from 'pg';

export async function query<Row = Record<string, unknown>>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('SET search_path TO public'); // a test database has another
    return (await client.query(text, values)).rows as Row[];
  } finally {
    await client.end();
  }
}

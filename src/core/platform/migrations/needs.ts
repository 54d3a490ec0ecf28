// What a migration needs of the database that it is given.
import type pg from 'pg';
import { withConnection } from '../postgres/connection.ts';

/** In another encoding a text that people type may have no place. */
export async function needUtf8(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ server_encoding: string }>('SHOW server_encoding');
  const encoding = rows[0]?.server_encoding;
  if (encoding === 'UTF8') return;
  throw new Error(
    `The database has the encoding ${encoding}; Holdfast needs UTF8: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.`,
  );
}

/**
 * Whoever migrates holds a lock as long as the connection lives. A pooler in transaction mode would keep it for whoever comes
 * next. It lets two clients at once run on one connection of its own; PostgreSQL and other modes don't.
 */
export async function needOwnConnections(first: pg.PoolClient, pool: pg.Pool): Promise<void> {
  const shared = await withConnection(pool, async (second) => {
    const before = await backendOf(first);
    await second.query('BEGIN');
    const shares = (await backendOf(second)) === before || (await backendOf(first)) !== before;
    await second.query('ROLLBACK');
    return shares;
  });
  if (shared) {
    throw new Error(
      'DATABASE_URL leads to a pooler in transaction mode: migrate needs PostgreSQL itself, or a pooler in session mode.',
    );
  }
}

async function backendOf(client: pg.ClientBase): Promise<number | undefined> {
  return (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
}

/** Those of one table; of a partition's own the log makes sure itself. */
const MADE_TRIGGER = /^CREATE (?:CONSTRAINT )?TRIGGER "(\w+)"[^;]*? ON "(\w+)"/gm;

/**
 * Of the triggers that these migrations made each is there and fires. They come last in a restore: one that was cut off has every
 * row and every note of a migration, and a log that can be altered.
 */
export async function needTriggers(pool: pg.Pool, migrations: readonly string[]): Promise<void> {
  const made = migrations.flatMap((sql) => [...sql.matchAll(MADE_TRIGGER)]);
  const { rows } = await pool.query<{ name: string; of: string }>(
    `SELECT name, made.of FROM unnest($1::text[], $2::text[]) AS made(name, of)
      WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = name AND tgrelid = to_regclass(quote_ident(made.of)) AND tgenabled <> 'D')`,
    [made.map(([, name]) => name), made.map(([, , of]) => of)],
  );
  if (rows.length === 0) return;
  const missing = rows.map(({ name, of }) => `${name} of ${of}`).join(', ');
  throw new Error(
    `The schema is not whole, and the audit log may be alterable. Missing, or switched off: ${missing}. ` +
      'A restore that was cut off leaves this: restore into an empty database with --single-transaction (docs/operations.md).',
  );
}

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

// How many connections PostgreSQL gives, beside how many are wanted of it.
import type { Database } from '../database.ts';
import type { Log } from '../log.ts';

interface Room {
  readonly available: number;
  /** Whose limit it is, the lowest of the three. */
  readonly limit: 'server' | 'database' | 'role';
}

export interface Wanted {
  readonly webProcesses: number;
  readonly poolSize: number;
}

/** Of the role that asks; others may have some of them. */
export async function readConnectionRoom({ pool }: Pick<Database, 'pool'>): Promise<Room> {
  const { rows } = await pool.query<Room>(
    `SELECT available, "limit" FROM (
         SELECT 'server' AS "limit", current_setting('max_connections')::int
                - current_setting('superuser_reserved_connections')::int
                - coalesce(current_setting('reserved_connections', true), '0')::int AS available
         UNION ALL SELECT 'database', datconnlimit FROM pg_database WHERE datname = current_database() AND datconnlimit >= 0
         UNION ALL SELECT 'role', rolconnlimit FROM pg_roles WHERE rolname = session_user AND rolconnlimit >= 0
       ) AS limits ORDER BY available LIMIT 1`,
  );
  return rows[0] as Room;
}

/** Says what the web processes of one supervisor and one worker want, and what is there. Never throws. */
export async function tellConnectionRoom(
  { database, log }: { database: Pick<Database, 'pool'>; log: Log },
  { webProcesses, poolSize }: Wanted,
): Promise<void> {
  const room = await readConnectionRoom(database).catch(() => null);
  if (room === null) return;
  const wanted = (room.limit === 'role' ? webProcesses : webProcesses + 1) * poolSize; // the worker has a role of its own
  if (room.available >= wanted) log.info({ wanted, ...room }, 'there is room for all connections to PostgreSQL');
  else log.warn({ wanted, ...room }, 'PostgreSQL gives fewer connections than are wanted: requests may wait for one');
}

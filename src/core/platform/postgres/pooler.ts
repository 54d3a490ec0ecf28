// A pooler between us and PostgreSQL, such as PgBouncer. In transaction mode each transaction may run on another connection
// of the pooler's: what a session keeps, named statements and settings, is not there for the next one.
import type pg from 'pg';

/** The connection is of no use until somebody has mended what the message says. */
export class PoolerError extends Error {
  readonly code = 'PoolerError';
}

/** PostgreSQL names its process to the client; a pooler, which ends queries itself, names something of its own. */
export function isPooled(client: pg.ClientBase, backend: number | undefined): boolean {
  return (client as { processID?: number | null }).processID !== backend;
}

/** Its statements are parsed each time. */
export function leaveUnnamed(client: pg.ClientBase): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  const unnamed = (first: unknown, ...rest: unknown[]) => query(withoutName(first), ...rest);
  Object.assign(client, { query: unnamed });
}

function withoutName(query: unknown): unknown {
  if (typeof query !== 'object' || query === null || !('name' in query) || 'submit' in query) return query;
  const { name: _, ...unnamed } = query;
  return unnamed;
}

/** Throws unless each connection of this role begins with these settings. `migrate` gives them to the login roles. */
export async function needRoleSettings(
  client: pg.ClientBase,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const { rows } = await client.query<{ role: string; name: string }>(
    `SELECT session_user AS role, name FROM pg_settings
       JOIN unnest($1::text[], $2::text[]) AS wanted (setting_name, wanted_value) ON setting_name = name
      WHERE reset_val <> wanted_value ORDER BY name`,
    [Object.keys(settings), Object.values(settings)],
  );
  const [first] = rows;
  if (!first) return;
  throw new PoolerError(
    `Behind a pooler the role ${first.role} needs settings of its own (${rows.map(({ name }) => name).join(', ')}): ` +
      'run migrate with its URL in WEB_DATABASE_URL or WORKER_DATABASE_URL, then let the pooler reconnect (RECONNECT)',
  );
}

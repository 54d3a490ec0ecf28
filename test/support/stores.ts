// A database and a key space of a test file's own, on the servers that the test run has started.
import { startPgBouncer } from '../../harness/pgbouncer.ts';
import { query } from '../../harness/query.ts';
import type { TestDatabase, TestStores } from '../../harness/stores.ts';
import { until } from '../../harness/until.ts';
import { fixedSettings, LIMITS } from '../../src/core/platform/postgres/connection.ts';
import { silentChanges, watchChanges } from './changes.ts';
import { createTestDatabase } from './database.ts';
import { claimRedisDatabase, type TestRedis } from './redis.ts';

const LETS_GO_WITHIN_MS = 5_000;

/**
 * Clones the migrated template and claims an empty Redis database. Closing throws if anything is still connected and,
 * watched, if a change left no event. With `TEST_POOLER=transaction` processes reach PostgreSQL through a PgBouncer.
 */
export async function openTestStores({ watched = false }: { watched?: boolean } = {}): Promise<TestStores> {
  const [database, redis] = await Promise.all([createTestDatabase(), claimRedisDatabase()]);
  if (watched) await watchChanges(database);
  const pooled = process.env['TEST_POOLER'] === 'transaction' ? await throughPooler(database) : null;
  return {
    database: pooled?.database ?? database,
    redisUrl: redis.url,
    async close() {
      await pooled?.close();
      const silent = watched ? await silentChanges(database) : [];
      const open = await leftOpen(database, redis);
      await redis.close();
      await database.drop();
      if (silent.length > 0) throw new Error(`Changes without an event in their transaction: ${silent.join('; ')}`);
      if (open.length > 0) throw new Error(`Connections that were left open:\n${open.join('\n')}`);
    },
  };
}

async function throughPooler(database: TestDatabase) {
  const { webUrl, workerUrl, superuserUrl } = database;
  const settings = Object.entries(fixedSettings(LIMITS));
  const statements = [webUrl, workerUrl].flatMap((url) => {
    const { username, pathname } = new URL(url);
    const place = `ALTER ROLE ${username} IN DATABASE ${pathname.slice(1)}`;
    return settings.map(([name, value]) => `${place} SET ${name} TO '${value}'`);
  });
  await query(superuserUrl, statements.join(';'));
  const pooler = await startPgBouncer({ urls: [webUrl, workerUrl], settings: { pool_mode: 'transaction' } });
  const pooled = { ...database, webUrl: pooler.through(webUrl), workerUrl: pooler.through(workerUrl) };
  return { database: pooled, close: pooler.close };
}

/** What is still connected, after a while for connections that are just closing. */
async function leftOpen(database: TestDatabase, redis: TestRedis): Promise<string[]> {
  let open: string[] = [];
  const none = async () => {
    const [sessions, clients] = await Promise.all([sessionsOf(database), redis.clients()]);
    open = [...sessions, ...clients];
    return open.length === 0;
  };
  await until(none, LETS_GO_WITHIN_MS).catch(() => undefined);
  return open;
}

async function sessionsOf(database: TestDatabase): Promise<string[]> {
  const rows = await query<{ session: string }>(
    database.superuserUrl,
    `SELECT concat_ws(' ', usename, application_name, state, query) AS session FROM pg_stat_activity
      WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  );
  return rows.map(({ session }) => session);
}

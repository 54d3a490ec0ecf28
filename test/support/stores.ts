// A database and a key space of a test file's own, on the servers that the test run has started.
import type { TestStores } from '../../harness/stores.ts';
import { silentChanges, watchChanges } from './changes.ts';
import { createTestDatabase } from './database.ts';
import { claimRedisDatabase } from './redis.ts';

/** Clones the migrated template and claims an empty Redis database. Watched, closing it throws if a change left no event. */
export async function openTestStores({ watched = false }: { watched?: boolean } = {}): Promise<TestStores> {
  const [database, redis] = await Promise.all([createTestDatabase(), claimRedisDatabase()]);
  if (watched) await watchChanges(database);
  return {
    database,
    redisUrl: redis.url,
    async close() {
      const silent = watched ? await silentChanges(database) : [];
      await redis.close();
      await database.drop();
      if (silent.length > 0) throw new Error(`Changes without an event in their transaction: ${silent.join('; ')}`);
    },
  };
}

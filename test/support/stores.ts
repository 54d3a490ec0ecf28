// A database and a key space of a test file's own, on the servers that the test run has started.
import { createTestDatabase, type TestDatabase } from './database.ts';
import { claimRedisDatabase } from './redis.ts';

export interface TestStores {
  readonly database: TestDatabase;
  readonly redisUrl: string;
  close(): Promise<void>;
}

/** Clones the migrated template and claims an empty Redis database. */
export async function openTestStores(): Promise<TestStores> {
  const [database, redis] = await Promise.all([createTestDatabase(), claimRedisDatabase()]);
  return {
    database,
    redisUrl: redis.url,
    async close() {
      await redis.close();
      await database.drop();
    },
  };
}

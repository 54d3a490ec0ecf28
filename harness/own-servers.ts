// A PostgreSQL and a Redis for one test file alone, so that it can kill, stop, empty and slow them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../src/core/platform/project-root.ts';
import { type Postgres, startPostgres } from '../src/launcher/servers/postgres.ts';
import { type RedisServer, startRedis } from '../src/launcher/servers/redis.ts';
import { copyMigrated, migrateFrom, urlsOf } from './migrated-postgres.ts';
import { copyAsStandby } from './standby.ts';
import type { TestStores } from './stores.ts';

export interface OwnServers extends TestStores {
  /** The PostgreSQL that runs now. */
  postgres(): Postgres;
  redis(): RedisServer;
  startPostgresAgain(): Promise<void>;
  /**
   * Begins a streaming standby of that PostgreSQL, which is stopped and started for it. Its WAL comes through `via`, or from
   * the primary itself.
   */
  startStandby(via?: { readonly port: number }): Promise<Postgres>;
  startRedisAgain(): Promise<void>;
}

/** Starts both, with the schema of that checkout, of this one unless told otherwise, or of none; or from `files` that have one. */
export async function startOwnServers({
  root = projectRoot,
  files,
}: {
  root?: string | null;
  files?: string | undefined;
} = {}): Promise<OwnServers> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-faults-'));
  const postgresOptions = { dataDir: path.join(folder, 'postgres'), durable: true };
  const redisOptions = {
    dataDir: path.join(folder, 'redis'),
    serversDir: path.join(process.cwd(), '.data', 'servers'),
    searchPath: process.env['PATH'] ?? '',
    config: {},
  };
  // A run of tests has a folder for what is made once.
  const kept = files ?? (root === projectRoot ? process.env['TEST_MIGRATED_POSTGRES'] : undefined);
  if (kept !== undefined) await copyMigrated(kept, postgresOptions.dataDir);
  let [postgres, redis] = await Promise.all([startPostgres(postgresOptions), startRedis(redisOptions)]);
  const superuser = new URL(postgres.superuserUrl);
  superuser.pathname = new URL(postgres.ownerUrl).pathname;
  const database = {
    ...urlsOf(postgres),
    superuserUrl: superuser.href,
    drop: async () => undefined,
  };
  const standbys: Postgres[] = [];
  if (kept === undefined && root !== null) await migrateFrom(root, database);
  async function startPostgresAgain(): Promise<void> {
    postgres = await startPostgres({ ...postgresOptions, port: postgres.port });
  }
  return {
    database,
    redisUrl: redis.url,
    postgres: () => postgres,
    redis: () => redis,
    startPostgresAgain,
    async startStandby(via = postgres) {
      const dataDir = path.join(folder, `standby-${standbys.length}`);
      await postgres.stop();
      copyAsStandby({ from: postgresOptions.dataDir, to: dataDir, primary: postgres.superuserUrl, via });
      await startPostgresAgain();
      const standby = await startPostgres({ ...postgresOptions, dataDir });
      standbys.push(standby);
      return standby;
    },
    async startRedisAgain() {
      redis = await startRedis({ ...redisOptions, port: redis.port });
    },
    async close() {
      await Promise.all([redis, postgres, ...standbys].map((server) => server.kill()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

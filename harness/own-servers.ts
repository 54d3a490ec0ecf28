// A PostgreSQL and a Redis for one test file alone, so that it can kill, stop, empty and slow them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { grantLogin, readLoginRole } from '../src/core/platform/migrations/login-roles.ts';
import { migrate } from '../src/core/platform/migrations/migrate.ts';
import { type Postgres, startPostgres } from '../src/launcher/servers/postgres.ts';
import { type RedisServer, startRedis } from '../src/launcher/servers/redis.ts';
import type { TestDatabase, TestStores } from './stores.ts';

export interface OwnServers extends TestStores {
  /** The PostgreSQL that runs now. */
  postgres(): Postgres;
  redis(): RedisServer;
  startPostgresAgain(): Promise<void>;
  startRedisAgain(): Promise<void>;
}

/** Makes the schema, and the login roles of the web process and the worker. */
export type Migrate = (database: Pick<TestDatabase, 'ownerUrl' | 'webUrl' | 'workerUrl'>) => Promise<void>;

/** Starts both and migrates, with this build's schema unless told otherwise. */
export async function startOwnServers(migrateWith: Migrate = migrateHere): Promise<OwnServers> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-faults-'));
  const postgresOptions = { dataDir: path.join(folder, 'postgres'), durable: true };
  const redisOptions = {
    dataDir: path.join(folder, 'redis'),
    serversDir: path.join(process.cwd(), '.data', 'servers'),
    searchPath: process.env['PATH'] ?? '',
    config: {},
  };
  let [postgres, redis] = await Promise.all([startPostgres(postgresOptions), startRedis(redisOptions)]);
  const login = (role: string) => {
    const url = new URL(postgres.ownerUrl);
    url.username = role;
    url.password = `${role}-secret`;
    return url.href;
  };
  const superuser = new URL(postgres.superuserUrl);
  superuser.pathname = new URL(postgres.ownerUrl).pathname;
  const database = {
    name: 'holdfast',
    ownerUrl: postgres.ownerUrl,
    webUrl: login('own_web'),
    workerUrl: login('own_worker'),
    superuserUrl: superuser.href,
    drop: async () => undefined,
  };
  await migrateWith(database);
  return {
    database,
    redisUrl: redis.url,
    postgres: () => postgres,
    redis: () => redis,
    async startPostgresAgain() {
      postgres = await startPostgres({ ...postgresOptions, port: postgres.port });
    },
    async startRedisAgain() {
      redis = await startRedis({ ...redisOptions, port: redis.port });
    },
    async close() {
      await Promise.all([redis.kill(), postgres.kill()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function migrateHere({ ownerUrl, webUrl, workerUrl }: Parameters<Migrate>[0]): Promise<void> {
  await migrate(ownerUrl);
  await grantLogin(ownerUrl, readLoginRole(webUrl, 'holdfast_web', 'WEB_DATABASE_URL'));
  await grantLogin(ownerUrl, readLoginRole(workerUrl, 'holdfast_worker', 'WORKER_DATABASE_URL'));
}

// PostgreSQL and Redis for `up`: those of the environment, or embedded ones that are started again on the same port and data
// when they die.

import path from 'node:path';
import { type KeepRunningOptions, type Kept, keepRunning, type Runnable } from '../keep-running.ts';
import type { LauncherSettings } from '../settings.ts';
import { type Postgres, startPostgres } from './postgres.ts';
import { type RedisServer, startRedis } from './redis.ts';

export interface Stores {
  /** As the owner of the schema. */
  ownerUrl: string;
  redisUrl: string;
  /** Of the embedded ones. */
  pids(): { postgres?: number; redis?: number };
  /** Redis first, then PostgreSQL; resolves when both are gone. */
  stop(): Promise<void>;
}

export interface StoresOptions {
  settings: LauncherSettings;
  say: (line: string) => void;
  onRestart: () => void;
  /** Ends the start. */
  signal: AbortSignal;
}

type Embedded = Runnable & { stop(): Promise<void> };

/** Starts what the environment gives no URL for. Throws when one does not start, after stopping the other. */
export async function startStores({ settings, say, onRestart, signal }: StoresOptions): Promise<Stores> {
  const [postgres, redis] = await Promise.allSettled([
    settings.databaseUrl ? undefined : startKeptPostgres(),
    settings.redisUrl ? undefined : startKeptRedis(),
  ]);
  if (postgres.status === 'rejected' || redis.status === 'rejected') {
    for (const store of [redis, postgres]) if (store.status === 'fulfilled') await end(store.value);
    throw postgres.status === 'rejected' ? postgres.reason : (redis as PromiseRejectedResult).reason;
  }
  return {
    ownerUrl: settings.databaseUrl ?? postgres.value?.current().ownerUrl ?? '',
    redisUrl: settings.redisUrl ?? redis.value?.current().url ?? '',
    pids: () => ({
      ...(postgres.value ? { postgres: postgres.value.current().pid } : {}),
      ...(redis.value ? { redis: redis.value.current().pid } : {}),
    }),
    async stop() {
      await end(redis.value);
      await end(postgres.value);
    },
  };

  async function startKeptPostgres(): Promise<Kept<Postgres>> {
    const options = {
      dataDir: path.join(settings.dataDir, 'postgres'),
      logFile: path.join(settings.dataDir, 'logs/postgres.log'),
      log: (message: string) => say(`PostgreSQL: ${message}`),
    };
    const first = await startPostgres({ ...options, signal });
    return keep('PostgreSQL', first, ({ port }, ending) => startPostgres({ ...options, port, signal: ending }));
  }

  async function startKeptRedis(): Promise<Kept<RedisServer>> {
    const options = {
      dataDir: path.join(settings.dataDir, 'redis'),
      serversDir: settings.serversDir,
      searchPath: settings.searchPath,
      logFile: path.join(settings.dataDir, 'logs/redis.log'),
      log: (message: string) => say(`Redis: ${message}`),
    };
    const first = await startRedis({ ...options, signal });
    return keep('Redis', first, ({ port }, ending) => startRedis({ ...options, port, signal: ending }));
  }

  function keep<T extends Embedded>(name: string, first: T, start: KeepRunningOptions<T>['start']): Kept<T> {
    return keepRunning({ name, first, start, say, onRestart, saysBack: true });
  }
}

async function end(kept: Kept<Embedded> | undefined): Promise<void> {
  if (!kept) return;
  const store = await kept.letGo();
  await store.stop();
}

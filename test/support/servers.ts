// Servers of a test's own, for tests that stop, kill or starve them. The run's shared ones come from global-setup.mjs.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Postgres, type PostgresOptions, startPostgres } from '../../src/launcher/servers/postgres.ts';
import { type RedisOptions, type RedisServer, startRedis } from '../../src/launcher/servers/redis.ts';

/** A folder that other users may enter but not list, as PostgreSQL run by root needs it. */
export function temporaryFolder(): { folder: string; remove(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-own-'));
  chmodSync(folder, 0o711);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A PostgreSQL in `<folder>/postgres`; again with the same folder and port it finds its data. */
export function startOwnPostgres(
  folder: string,
  port?: number,
  more: Partial<PostgresOptions> = {},
): Promise<Postgres> {
  const dataDir = path.join(folder, 'postgres');
  return startPostgres({ dataDir, durable: false, ...more, ...(port ? { port } : {}) });
}

/** A Redis in `<folder>/redis`, with lines of redis.conf of the test's own. */
export function startOwnRedis(
  folder: string,
  port?: number,
  config: Record<string, string> = {},
  more: Partial<RedisOptions> = {},
): Promise<RedisServer> {
  return startRedis({
    dataDir: path.join(folder, 'redis'),
    serversDir: path.resolve('.data/servers'),
    searchPath: process.env.PATH ?? '',
    config,
    ...more,
    ...(port ? { port } : {}),
  });
}

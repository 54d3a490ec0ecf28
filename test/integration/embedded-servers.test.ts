// The embedded PostgreSQL and Redis: data survives stopping and killing, nobody shares a folder, nothing stays behind.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { isRunning } from '../../src/launcher/machine/process.ts';
import { startOwnPostgres, startOwnRedis, temporaryFolder } from '../support/servers.ts';

let own: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  own = temporaryFolder();
});

afterEach(() => own.remove());

describe('PostgreSQL', () => {
  test('keeps its data and its port through a stop and a kill', async () => {
    let postgres = await startOwnPostgres(own.folder);
    const { ownerUrl, port } = postgres;
    try {
      await query(ownerUrl, 'CREATE TABLE kept (word text)');
      await query(ownerUrl, "INSERT INTO kept VALUES ('stopped')");
      await postgres.stop();
      expect(isRunning(postgres.pid)).toBe(false);

      postgres = await startOwnPostgres(own.folder);
      expect(postgres.port).toBe(port);
      await query(ownerUrl, "INSERT INTO kept VALUES ('killed')");
      await postgres.kill();
      expect(isRunning(postgres.pid)).toBe(false);

      postgres = await startOwnPostgres(own.folder, port);
      expect(await query(postgres.ownerUrl, 'SELECT word FROM kept')).toEqual([
        { word: 'stopped' },
        { word: 'killed' },
      ]);
    } finally {
      await postgres.stop();
    }
  });

  test('its owner may make roles and databases, and is no superuser; its password is private', async () => {
    const postgres = await startOwnPostgres(own.folder);
    try {
      const rights = 'SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user';
      expect(await query(postgres.ownerUrl, rights)).toEqual([
        { rolsuper: false, rolcreaterole: true, rolcreatedb: true },
      ]);
      for (const file of ['owner.secret', 'superuser.secret']) {
        expect(statSync(path.join(own.folder, 'postgres', file)).mode & 0o777).toBe(0o600);
      }
      await expect(query(postgres.ownerUrl.replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1')).rejects.toThrow('password');
    } finally {
      await postgres.stop();
    }
  });

  test('refuses a second start on the same folder, and starts over a stale postmaster.pid', async () => {
    const postgres = await startOwnPostgres(own.folder);
    await expect(startOwnPostgres(own.folder)).rejects.toThrow(`in use by process ${process.pid}`);
    await postgres.stop();
    // A process id that is another program's by now: PostgreSQL alone would refuse to start.
    writeFileSync(path.join(own.folder, 'postgres/cluster/postmaster.pid'), `${process.pid}\n`, { mode: 0o600 });
    const again = await startOwnPostgres(own.folder);
    await again.stop();
  });
});

describe('Redis', () => {
  test('keeps its data through a stop and a kill, and needs its password', async () => {
    let server = await startOwnRedis(own.folder);
    try {
      await write(server.url, 'stopped');
      await server.stop();
      server = await startOwnRedis(own.folder);
      await write(server.url, 'killed');
      await server.kill();
      expect(isRunning(server.pid)).toBe(false);
      server = await startOwnRedis(own.folder, server.port);
      const redis = new Redis(server.url);
      expect(await redis.mget('stopped', 'killed')).toEqual(['1', '1']);
      redis.disconnect();
      const stranger = new Redis(server.port, '127.0.0.1', { retryStrategy: () => null });
      stranger.on('error', () => {});
      await expect(stranger.get('stopped')).rejects.toThrow();
      stranger.disconnect();
    } finally {
      await server.stop();
    }
  });

  test('refuses a second start on the same folder', async () => {
    const server = await startOwnRedis(own.folder);
    try {
      await expect(startOwnRedis(own.folder)).rejects.toThrow(`in use by process ${process.pid}`);
    } finally {
      await server.stop();
    }
  });
});

test('both end when the process that started them is killed, and the next start finds the data', async () => {
  mkdirSync(own.folder, { recursive: true });
  const module = (name: string) => pathToFileURL(path.resolve('dist/src/launcher/servers', name));
  const script = `
    import { startPostgres } from '${module('postgres.js')}';
    import { startRedis } from '${module('redis.js')}';
    const [postgres, redis] = await Promise.all([
      startPostgres({ dataDir: '${own.folder}/postgres', durable: false }),
      startRedis({ dataDir: '${own.folder}/redis', serversDir: '${path.resolve('.data/servers')}', searchPath: process.env.PATH }),
    ]);
    console.log(JSON.stringify([postgres.pid, redis.pid]));
  `;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(starter.stdout, 'data')) as [Buffer];
  const pids = JSON.parse(line.toString()) as number[];
  expect(pids.every(isRunning)).toBe(true);
  starter.kill('SIGKILL');
  await until(() => !pids.some(isRunning));
  const [postgres, redis] = await Promise.all([startOwnPostgres(own.folder), startOwnRedis(own.folder)]);
  await Promise.all([postgres.stop(), redis.stop()]);
});

/** Written down for good: waits until the append-only file has it. */
async function write(url: string, key: string): Promise<void> {
  const redis = new Redis(url);
  await redis.config('SET', 'appendfsync', 'always');
  await redis.set(key, '1');
  redis.disconnect();
}

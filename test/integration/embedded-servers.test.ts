// The embedded PostgreSQL and Redis: data survives stopping and killing, nobody shares a folder, nothing stays behind.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
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

  test('refuses a second start on the same folder, and starts over a stale postmaster.pid, or an empty one', async () => {
    const postgres = await startOwnPostgres(own.folder);
    await expect(startOwnPostgres(own.folder)).rejects.toThrow(`in use by process ${process.pid}`);
    await postgres.stop();
    // A process id that is another program's by now: PostgreSQL alone would refuse to start.
    // After a power cut it may be empty, and PostgreSQL refuses as well.
    for (const left of [`${process.pid}\n`, '']) {
      writeFileSync(path.join(own.folder, 'postgres/cluster/postmaster.pid'), left, { mode: 0o600 });
      const again = await startOwnPostgres(own.folder);
      await again.stop();
    }
  });

  test('is given as long as it recovers, which is said, and is stopped in order meanwhile', async () => {
    const first = await startOwnPostgres(own.folder);
    await query(first.ownerUrl, 'CREATE TABLE kept (word text)');
    await first.kill();
    // A standby that lets nobody in recovers until it is promoted.
    const cluster = path.join(own.folder, 'postgres/cluster');
    const signalFile = (name: string) => {
      const { uid, gid } = statSync(cluster);
      writeFileSync(path.join(cluster, name), '');
      chownSync(path.join(cluster, name), uid, gid);
    };
    signalFile('standby.signal');
    appendFileSync(path.join(cluster, 'postgresql.auto.conf'), 'hot_standby = off\n');
    const said: string[] = [];
    const ending = new AbortController();
    const how = { silenceMs: 300, log: (line: string) => said.push(line), signal: ending.signal };
    const recovers = () => until(() => said.length >= 4); // after 50, 100, 200 and 400 ms

    const stopped = expect(startOwnPostgres(own.folder, undefined, how)).rejects.toThrow('stopped before it was ready');
    await recovers();
    ending.abort();
    await stopped;
    expect(readFileSync(path.join(own.folder, 'postgres/postgres.log'), 'utf8')).toMatch(/fast shutdown request/);

    said.length = 0;
    const starting = startOwnPostgres(own.folder, undefined, { ...how, signal: new AbortController().signal });
    await recovers();
    expect(said[0]).toContain('still reading back');
    signalFile('promote');
    process.kill(Number(readFileSync(path.join(cluster, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGUSR1');
    const postgres = await starting;
    try {
      expect(await query(postgres.ownerUrl, 'SELECT word FROM kept')).toEqual([]);
    } finally {
      await postgres.stop();
    }
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

  test('is given as long as it loads its file', async () => {
    const first = await startOwnRedis(own.folder);
    const filling = new Redis(first.url);
    await filling.eval("for key = 1, 8000 do redis.call('SET', key, 1) end", 0);
    filling.disconnect();
    await first.stop();
    // It looks up from loading after every 1,024 keys.
    const slow = { 'key-load-delay': '500' };
    const server = await startOwnRedis(own.folder, undefined, slow, { silenceMs: 1_500 });
    const redis = new Redis(server.url);
    try {
      expect(await redis.dbsize()).toBe(8_000);
    } finally {
      redis.disconnect();
      await server.stop();
    }
  });

  test('starts without a file that it can not read, which is kept and told of; and leaves a good one', async () => {
    const first = await startOwnRedis(own.folder);
    await write(first.url, 'kept');
    await first.kill();
    const files = path.join(own.folder, 'redis/appendonlydir');
    const [name = ''] = readdirSync(files).filter((file) => file.includes('incr'));
    // It ends for another reason: with the file or without.
    await expect(startOwnRedis(own.folder, undefined, { maxmemory: 'nonsense' })).rejects.toThrow('does not start');
    const second = await startOwnRedis(own.folder);
    const kept = new Redis(second.url);
    expect(await kept.get('kept')).toBe('1');
    kept.disconnect();
    await second.kill();
    appendFileSync(path.join(files, name), Buffer.alloc(4_096)); // as after a power cut
    const damaged = statSync(path.join(files, name)).size;
    const said: string[] = [];
    const server = await startOwnRedis(own.folder, undefined, {}, { log: (line) => said.push(line) });
    const redis = new Redis(server.url);
    try {
      expect(await redis.dbsize()).toBe(0);
      expect(statSync(path.join(`${files}.unreadable`, name)).size).toBe(damaged);
      expect(said).toEqual([expect.stringContaining(`kept in ${files}.unreadable`)]);
    } finally {
      redis.disconnect();
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

test.each([
  ['postgres/port', startOwnPostgres],
  ['redis/pid', startOwnRedis],
] as const)(
  'where %s can not be written, as on a full disk, no server is left that nobody minds',
  async (name, start) => {
    const file = path.join(own.folder, name);
    mkdirSync(path.join(file, 'in the way'), { recursive: true });
    await expect(start(own.folder)).rejects.toThrow();
    rmSync(file, { recursive: true });
    const server = await start(own.folder);
    await server.stop();
  },
);

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

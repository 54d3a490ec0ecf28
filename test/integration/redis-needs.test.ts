// A Redis that Holdfast can't work with is not taken, and the log says why.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { until } from '../../harness/until.ts';
import { readConfig } from '../../src/core/config.ts';
import { createContext } from '../../src/core/context.ts';
import type { Log } from '../../src/core/platform/log.ts';
import { createMetrics } from '../../src/core/platform/metrics.ts';
import type { RedisServer } from '../../src/launcher/servers/redis.ts';
import { startOwnRedis, temporaryFolder } from '../support/servers.ts';
import { openTestStores } from '../support/stores.ts';

const stores = await openTestStores();
const folder = temporaryFolder();
const servers: RedisServer[] = [];

beforeAll(async () => {
  const primary = new URL(stores.redisUrl);
  const own = (name: string, config: Record<string, string>) =>
    startOwnRedis(`${folder.folder}/${name}`, undefined, config);
  servers.push(
    await own('cluster', { 'cluster-enabled': 'yes' }),
    await own('replica', { replicaof: `${primary.hostname} ${primary.port}`, masterauth: primary.password }),
    await own('evicting', { 'maxmemory-policy': 'volatile-lru' }),
  );
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.kill()));
  await stores.close();
  folder.remove();
});

function open(redisUrl: string, sessionUrls = '') {
  const lines: { readonly level: string; readonly reason?: string; readonly policy?: string }[] = [];
  const levels = ['debug', 'info', 'warn', 'error'].map((level) => [
    level,
    (fields: object) => lines.push({ level, ...fields }),
  ]);
  const given = { DATABASE_URL: stores.database.webUrl, REDIS_URL: redisUrl, REDIS_SESSION_URLS: sessionUrls };
  const config = readConfig({ NODE_ENV: 'test', ...given });
  const log = Object.fromEntries(levels) as unknown as Log;
  Object.assign(log, { child: () => log });
  return { context: createContext(config, log, { metrics: createMetrics() }), lines };
}

/** How often somebody has asked this Redis what it is. */
async function looksAt(url: string): Promise<number> {
  const redis = new Redis(url);
  const stats = await redis.info('commandstats').finally(() => redis.disconnect());
  return Number(/^cmdstat_info:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
}

test.each([
  ['a node of a cluster', 0, 'REDIS_URL: it is a node of a cluster: give a Redis that is none'],
  ['a replica', 1, 'REDIS_URL: it is a replica: give its primary'],
])('%s is refused with the reason, once', async (_, index, reason) => {
  const { context, lines } = open(servers[index]?.url ?? '');
  try {
    const errors = () => lines.filter(({ level }) => level === 'error').map((line) => line.reason);
    await until(() => errors().length > 0 && context.sessionCache.health().postgres);
    const before = await looksAt(servers[index]?.url ?? '');
    await until(async () => (await looksAt(servers[index]?.url ?? '')) >= before + 4); // two of ours, and the looks between
    expect(errors()).toEqual([reason]);
    expect(context.sessionCache.health().redis).toBe(false);
  } finally {
    await context.close();
  }
});

test('one of several with sessions is named by its place, and the others are used', async () => {
  const { context, lines } = open(stores.redisUrl, `${stores.redisUrl} ${servers[0]?.url}`);
  try {
    await until(() => lines.some(({ level }) => level === 'error') && context.sessionCache.health().someSessions);
    const reason = 'REDIS_SESSION_URLS, address 2: it is a node of a cluster: give a Redis that is none';
    expect(lines.flatMap((line) => (line.level === 'error' ? [line.reason] : []))).toEqual([reason]);
    expect(context.sessionCache.stores()).toMatchObject({ 'sessions-1': true, 'sessions-2': false });
  } finally {
    await context.close();
  }
});

test('a replica that becomes the primary is taken', async () => {
  const url = servers[1]?.url ?? '';
  const { context, lines } = open(url);
  try {
    await until(() => lines.some(({ level }) => level === 'error'));
    const redis = new Redis(url);
    await redis.replicaof('NO', 'ONE').finally(() => redis.disconnect());
    await until(() => context.sessionCache.health().redis);
  } finally {
    await context.close();
  }
});

test('one that may evict keys is taken with a warning', async () => {
  const { context, lines } = open(servers[2]?.url ?? '');
  try {
    await until(() => context.sessionCache.health().redis && lines.some(({ policy }) => policy === 'volatile-lru'));
  } finally {
    await context.close();
  }
});

// What a URL of Redis says: every part is honoured or refused.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { configProblems, readConfig } from '../../src/core/config.ts';
import { clusterOptionsOf, readRedisUrl, redisOptionsOf } from '../../src/core/platform/redis-address.ts';

const SENTINELS = 'redis+sentinel://app:p%40ss,word@s1,s2:26380,[::1]:26381/my%20master/3';

describe('of one server', () => {
  test.each([
    ['redis://cache', { host: 'cache', port: 6_379, db: 0, family: 0 }],
    ['redis://:pass@127.0.0.1:6380', { host: '127.0.0.1', port: 6_380, password: 'pass' }],
    [
      'rediss://user:p%3Ass@redis.example.org/2?family=6',
      { username: 'user', password: 'p:ss', db: 2, family: 6, tls: {} },
    ],
    ['redis://[::1]:7000/', { host: '::1', port: 7_000 }],
  ])('%s', (url, options) => {
    expect(readRedisUrl(url).problems).toEqual([]);
    expect(redisOptionsOf({ url })).toMatchObject(options);
    expect(redisOptionsOf({ url })).not.toHaveProperty('sentinels');
  });
});

test('of a master that Sentinels name', () => {
  expect(readRedisUrl(SENTINELS).problems).toEqual([]);
  const options = redisOptionsOf({ url: SENTINELS, sentinelPassword: 'theirs' });
  expect(options).toMatchObject({
    ...{ name: 'my master', db: 3, username: 'app', password: 'p@ss,word', sentinelPassword: 'theirs' },
    sentinels: [
      { host: 's1', port: 26_379 },
      { host: 's2', port: 26_380 },
      { host: '::1', port: 26_381 },
    ],
    failoverDetector: true,
  });
  expect(options).not.toHaveProperty('tls');
});

test('TLS is for the Sentinels as for the servers', () => {
  const address = { url: 'rediss+sentinel://s1/main', tlsCa: 'PEM', tlsServerName: 'redis.example.org' };
  const tls = { ca: 'PEM', servername: 'redis.example.org' };
  expect(redisOptionsOf(address)).toMatchObject({ tls, sentinelTLS: tls, enableTLSForSentinelMode: true });
});

test('of a Cluster: a client for each of its parts, each with a tag of its own in its names', () => {
  const url = 'rediss+cluster://app:p%40ss@c1,c2:6380,[::1]:7000/0';
  const { url: read, problems } = readRedisUrl(url);
  expect(problems).toEqual([]);
  expect(read).toMatchObject({ cluster: true, master: null, database: 0 });
  expect(read.hosts).toEqual([
    { host: 'c1', port: 6_379 },
    { host: 'c2', port: 6_380 },
    { host: '::1', port: 7_000 },
  ]);
  const all = clusterOptionsOf({ url, tlsServerName: 'redis.example.org' }, 'hf:');
  expect(new Set(all.map(({ keyPrefix }) => keyPrefix)).size).toBe(16);
  for (const options of all) {
    expect(options).toMatchObject({ username: 'app', password: 'p@ss', tls: { servername: 'redis.example.org' } });
    expect(options.keyPrefix).toMatch(/^hf:\{\w+\}:$/);
  }
});

test.each([
  ['redis+sentinel://s1,s2', 'the path is what the Sentinels call the master'],
  ['redis+sentinel://s1/main/x', 'the path is what the Sentinels call the master'],
  ['redis+sentinel://s1,,s2/main', 'expected host:port'],
  ['redis+sentinel://s1:99999/main', 'expected host:port'],
  ['redis+sentinel://s1/main#x', 'no fragment'],
  ['redis+sentinel://s1/main?name=x', 'only family=0, 4 or 6'],
  ['redis+cluster://s1,s2/1', 'a Cluster has one database, 0'],
  ['redis+cluster://s1,s2/main', 'the path is the number of a database'],
  ['redis+cluster://s1,,s2', 'expected host:port'],
  ['http://s1', 'expected a URL that starts with redis://, rediss://, redis+sentinel://, rediss+sentinel://'],
  ['redis://a,b/0', 'several hosts are Sentinels, redis+sentinel://host,host/master, or a Cluster'],
  ['redis://:p%ss@a', 'a % must be followed by two hexadecimal digits'],
  ['redis://', 'expected host:port'],
])('%s is refused', (url, problem) => {
  expect(readRedisUrl(url).problems.join()).toContain(problem);
});

describe('what stands beside it', () => {
  const env = { NODE_ENV: 'test', DATABASE_URL: 'postgres://db/holdfast' };
  const problems = (more: Record<string, string>) => configProblems({ ...env, ...more });

  test('is refused where it would mean nothing', () => {
    const beside = { REDIS_SENTINEL_USER: 'a', REDIS_SENTINEL_PASSWORD: 'hunter2', REDIS_TLS_SERVERNAME: 'redis' };
    expect(problems({ REDIS_URL: 'redis://a', ...beside }).map((one) => one.split(':')[0])).toEqual(
      Object.keys(beside),
    );
    expect(problems({ REDIS_URL: 'rediss+sentinel://a/main', ...beside })).toEqual([]);
    expect(problems({ REDIS_URL: 'redis://a', ...beside }).join()).not.toContain('hunter2');
  });

  test('certificates are read from a file, and a file without any stops the start', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-ca-'));
    try {
      const file = path.join(folder, 'ca.pem');
      writeFileSync(file, 'nothing');
      const given = (REDIS_TLS_CA: string) => problems({ REDIS_URL: 'rediss://a', REDIS_TLS_CA });
      expect(given(file)).toEqual([`REDIS_TLS_CA: the file ${file} holds no certificate in PEM`]);
      expect(given(`${file}s`)).toEqual([`REDIS_TLS_CA: the file ${file}s can't be read`]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('is handed to every client', () => {
    const given = { REDIS_URL: 'redis+sentinel://a/main', REDIS_SENTINEL_PASSWORD: 'x' };
    expect(readConfig({ ...env, ...given }).redis).toMatchObject({ url: given.REDIS_URL, sentinelPassword: 'x' });
  });
});

describe('several Redis for sessions', () => {
  const env = { NODE_ENV: 'test', DATABASE_URL: 'postgres://db/holdfast', REDIS_URL: 'redis://queues' };
  const problems = (list: string) => configProblems({ ...env, REDIS_SESSION_URLS: list });

  test('are read in their order, each with what stands beside it', () => {
    const list = 'redis://a  redis+sentinel://s1,s2/main\nrediss://:secret@b/2';
    const { redis, sessionRedis } = readConfig({ ...env, REDIS_SESSION_URLS: list, REDIS_SENTINEL_PASSWORD: 'x' });
    expect(redis.url).toBe('redis://queues');
    expect(sessionRedis.map(({ url }) => url)).toEqual(list.split(/\s+/));
    expect(sessionRedis.map(({ sentinelPassword }) => sentinelPassword)).toEqual(['x', 'x', 'x']);
    expect(readConfig(env).sessionRedis).toEqual([]);
  });

  test('may be one Cluster; REDIS_URL may not', () => {
    const url = 'redis+cluster://a:6379,b:6379';
    expect(problems(url)).toEqual([]);
    expect(configProblems({ ...env, REDIS_URL: url }).join()).toContain(
      'REDIS_URL: a Cluster is for sessions alone: REDIS_SESSION_URLS',
    );
  });

  test.each([
    ['redis://a http://b', 'REDIS_SESSION_URLS: address 2: expected a URL that starts with redis://'],
    ['redis+cluster://a:6379,b:6379 redis://c', 'REDIS_SESSION_URLS: address 1: a Cluster stands alone'],
    ['redis://a redis://b redis://a', 'REDIS_SESSION_URLS: address 3: it is in the list twice'],
    ['redis://a,redis://b', 'REDIS_SESSION_URLS: address 1: expected host:port'],
    ['redis://:hunter2@a/x', 'REDIS_SESSION_URLS: address 1: the path is the number of a database'],
  ])('%s is refused', (list, problem) => {
    expect(problems(list).join()).toContain(problem);
    expect(problems(list).join()).not.toContain('hunter2');
  });
});

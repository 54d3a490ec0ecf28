// Sentinels that name their servers instead of giving addresses, all over TLS: certificates are checked against the authority and the name that were given.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { findServer } from '../../harness/programs.ts';
import { type SentinelSet, startSentinelSet } from '../../harness/sentinel-set.ts';
import { until } from '../../harness/until.ts';
import type { Log } from '../../src/core/platform/log.ts';
import { closeRedis, openRedis } from '../../src/core/platform/redis.ts';
import type { RedisAddress } from '../../src/core/platform/redis-address.ts';
import { temporaryFolder } from '../support/servers.ts';

const NAME = 'redis.example.org';

const folder = temporaryFolder();
const cert = path.join(folder.folder, 'cert.pem');
const key = path.join(folder.folder, 'key.pem');
const opened: Redis[] = [];
let set: SentinelSet;

beforeAll(async () => {
  const { file, env } = await findServer('openssl');
  const subject = ['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`];
  const files = ['-keyout', key, '-out', cert];
  const made = spawnSync(file, ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...files], {
    env: { PATH: process.env['PATH'], ...env },
  });
  expect(`${made.stderr}`).not.toContain('rror');
  set = await startSentinelSet({ name: 'localhost', tls: { cert, key, ca: cert } });
});

afterAll(async () => {
  await Promise.all(opened.map(closeRedis));
  await set?.close();
  folder.remove();
});

function open(more: Partial<RedisAddress>) {
  const lines: string[] = [];
  const say = (fields: object, words: string) => void lines.push(`${words}: ${JSON.stringify(fields)}`);
  const address = { url: set.url, sentinelPassword: set.sentinelPassword, ...more };
  const client = openRedis({ address, role: 'sessions', log: { warn: say, info: say } as Partial<Log> as Log });
  opened.push(client);
  return { client, lines };
}

test('the master is found by the name that the Sentinels give, and the next one after a failover', async () => {
  const { client } = open({ tlsCa: readFileSync(cert, 'utf8'), tlsServerName: NAME });
  await until(() => client.status === 'ready');
  expect(await client.set('x', '1')).toBe('OK');
  expect(await client.info('server')).toContain('redis_version');
  await (await set.master()).kill();
  await until(async () => (await client.get('x').catch(() => null)) === '1');
});

test.each<[string, Partial<RedisAddress>, RegExp]>([
  ['an authority that nobody was told of', { tlsServerName: NAME }, /self-signed certificate/],
  ['another name', { tlsServerName: 'other.example.org' }, /does not match certificate|altnames/],
])('%s is refused, and said', async (_, more, said) => {
  const ca = more.tlsServerName === NAME ? {} : { tlsCa: readFileSync(cert, 'utf8') };
  const { client, lines } = open({ ...ca, ...more });
  await until(() => lines.some((line) => line.includes('Redis is away')));
  expect(client.status).not.toBe('ready');
  expect(lines.join('\n')).toMatch(said);
});

// A Cluster over TLS: each node's certificate is checked against the authority and the name that were given.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type Certificate, makeCertificate } from '../../harness/certificate.ts';
import { until } from '../../harness/until.ts';
import type { Log } from '../../src/core/platform/log.ts';
import { closeRedis, openSessionRedis } from '../../src/core/platform/redis.ts';
import type { RedisAddress } from '../../src/core/platform/redis-address.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import type { RedisServer } from '../../src/launcher/servers/redis.ts';
import { startOwnRedis, temporaryFolder } from '../support/servers.ts';

const NAME = 'redis.example.org';

const folder = temporaryFolder();
const opened: Redis[] = [];
let made: Certificate;
let server: RedisServer;
let url: string;

beforeAll(async () => {
  made = await makeCertificate(folder.folder, [NAME]);
  const [port, bus] = [String(await freePort()), String(await freePort())];
  server = await startOwnRedis(folder.folder, undefined, {
    ...{ 'cluster-enabled': 'yes', 'cluster-port': bus, 'tls-port': port, 'tls-cluster': 'yes' },
    ...{ 'tls-cert-file': made.certificate, 'tls-key-file': made.key, 'tls-ca-cert-file': made.certificate },
    'tls-auth-clients': 'no',
  });
  url = `${server.url.replace(/^redis:/, 'rediss+cluster:').replace(/:\d+\/0$/, '')}:${port}`;
  const admin = new Redis(server.url);
  await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await until(async () => String(await admin.cluster('INFO')).includes('cluster_state:ok'));
  admin.disconnect();
});

afterAll(async () => {
  await Promise.all(opened.map(closeRedis));
  await server?.kill();
  folder.remove();
});

function open(more: Partial<RedisAddress>) {
  const lines: string[] = [];
  const say = (fields: object, words: string) => void lines.push(`${words}: ${JSON.stringify(fields)}`);
  const log = { warn: say, info: say } as Partial<Log> as Log;
  const clients = openSessionRedis({ addresses: [{ url, ...more }], storeOf: (part) => `${part}`, log });
  opened.push(...clients);
  return { clients, lines };
}

test('every part is reached', async () => {
  const { clients } = open({ tlsCa: readFileSync(made.certificate, 'utf8'), tlsServerName: NAME });
  await until(() => clients.every(({ status }) => status === 'ready'));
  for (const client of clients) expect(await client.set('x', '1')).toBe('OK');
});

test.each<[string, Partial<RedisAddress>, RegExp]>([
  ['an authority that nobody was told of', { tlsServerName: NAME }, /self-signed certificate/],
  ['another name', { tlsServerName: 'other.example.org' }, /does not match certificate|altnames/],
])('%s is refused, and said', async (_, more, said) => {
  const ca = more.tlsServerName === NAME ? {} : { tlsCa: readFileSync(made.certificate, 'utf8') };
  const { clients, lines } = open({ ...ca, ...more });
  await until(() => lines.some((line) => line.includes('Redis is away')));
  expect(clients.every(({ status }) => status !== 'ready')).toBe(true);
  expect(lines.join('\n')).toMatch(said);
});

// A Redis with replicas and three Sentinels that watch over it, as Redis brings them. Every part can be killed and stopped.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { writePrivate } from '../src/launcher/machine/files.ts';
import { freePort } from '../src/launcher/machine/ports.ts';
import { type Child, endChild } from '../src/launcher/machine/process.ts';
import { type RedisServer, startRedis } from '../src/launcher/servers/redis.ts';
import { findRedis } from '../src/launcher/servers/redis-binaries.ts';
import { spawnLogged } from '../src/launcher/servers/start-server.ts';
import { until } from './until.ts';

export const MASTER = 'mymaster';

export interface SentinelSet {
  /** `redis+sentinel://:password@host,host,host/mymaster/0` */
  readonly url: string;
  /** What the Sentinels themselves ask for. */
  readonly sentinelPassword: string;
  /** Whom the Sentinels call the master now. */
  master(): Promise<RedisServer>;
  /** A client of the master of this moment; the caller ends it. */
  admin(): Promise<Redis>;
  /** Starts a server again that was killed; the Sentinels make it a replica. */
  startAgain(server: RedisServer): Promise<void>;
  /** The Sentinels' processes. */
  sentinelPids(): readonly number[];
  /** Resolves once a failover would work: the replica is in step, and the Sentinels agree and trust their clocks (no TILT). */
  untilWhole(): Promise<void>;
  close(): Promise<void>;
}

export interface SentinelSetOptions {
  readonly downAfterMs?: number;
  /** By which all of them know each other, instead of the address. */
  readonly name?: string;
  /** Files of a certificate for all of them; each then speaks TLS to clients and to the others. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}

interface Node {
  readonly dataDir: string;
  /** Where its clients, its replicas and the Sentinels find it. */
  readonly port: number;
  /** Of its redis.conf alone. */
  readonly own: Readonly<Record<string, string>>;
  server: RedisServer;
}

const SENTINELS = 3;
const QUORUM = 2;

/** Starts a master, a replica and three Sentinels; resolves when a failover would work. */
export async function startSentinelSet({
  downAfterMs = 2_000,
  name,
  tls,
}: SentinelSetOptions = {}): Promise<SentinelSet> {
  const host = name ?? '127.0.0.1';
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-sentinel-'));
  const password = randomBytes(12).toString('hex');
  const sentinelPassword = randomBytes(12).toString('hex');
  const places = { serversDir: path.resolve('.data/servers'), searchPath: process.env['PATH'] ?? '' };
  const secured = tls ? tlsLines(tls) : {};
  const announced = name ? { 'replica-announce-ip': name } : {};
  const shared = {
    masterauth: password,
    'repl-diskless-sync-delay': '0',
    'repl-timeout': '10',
    ...announced,
    ...secured,
  };
  const following = (port: number) => ({ replicaof: `${host} ${port}` });

  async function start(name: string, more: Readonly<Record<string, string>> = {}): Promise<Node> {
    const dataDir = path.join(folder, name);
    mkdirSync(dataDir, { mode: 0o700 });
    writePrivate(path.join(dataDir, 'password.secret'), `${password}\n`);
    const own = tls ? { 'tls-port': String(await freePort()) } : {};
    const config = { ...shared, ...own, ...more };
    const server = await startRedis({ ...places, dataDir, config });
    return { dataDir, own, port: Number(own['tls-port'] ?? server.port), server };
  }

  const first = await start('a');
  const nodes = [first, await start('b', following(first.port))];
  const { file, env } = await findRedis(places.serversDir, places.searchPath);
  const sentinels: { readonly port: number; readonly ownPort: number; readonly child: Child }[] = [];
  for (let index = 0; index < SENTINELS; index += 1) {
    const [port, tlsPort] = [await freePort(), await freePort()];
    const dir = path.join(folder, `sentinel-${index}`);
    mkdirSync(dir, { mode: 0o700 });
    const own = { port, bind: '127.0.0.1', dir, requirepass: sentinelPassword };
    const lines = [
      ...Object.entries({ ...own, ...(tls ? { 'tls-port': tlsPort, ...secured } : {}) }).map((line) => line.join(' ')),
      ...(name ? ['sentinel resolve-hostnames yes', 'sentinel announce-hostnames yes'] : []),
      `sentinel sentinel-pass ${sentinelPassword}`,
      `sentinel monitor ${MASTER} ${host} ${first.port} ${QUORUM}`,
      `sentinel auth-pass ${MASTER} ${password}`,
      `sentinel down-after-milliseconds ${MASTER} ${downAfterMs}`,
      `sentinel failover-timeout ${MASTER} 6000`,
    ];
    const conf = path.join(dir, 'sentinel.conf');
    writePrivate(conf, `${lines.join('\n')}\n`);
    const child = spawnLogged(file, [conf, '--sentinel'], path.join(dir, 'log'), {
      deathSignal: 'SIGKILL',
      cwd: dir,
      env: { PATH: places.searchPath, LC_ALL: 'C', ...env },
    });
    sentinels.push({ port: tls ? tlsPort : port, ownPort: port, child });
  }

  /** What a Sentinel answers; throws where it does not. */
  const ask = (port: number, ...words: string[]) => call(port, 'SENTINEL', ...words);

  async function call(port: number, ...words: readonly [string, ...string[]]): Promise<unknown> {
    const client = new Redis(port, { password: sentinelPassword, lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => undefined);
    return client.call(...words).finally(() => client.disconnect());
  }

  const masterPort = () =>
    Promise.any(
      sentinels.map(async ({ ownPort }) => {
        const [, port] = (await ask(ownPort, 'get-master-addr-by-name', MASTER)) as string[];
        return Number(port);
      }),
    );

  async function masterNode(): Promise<Node> {
    const port = await masterPort();
    const node = nodes.find((one) => one.port === port);
    if (!node) throw new Error(`no server of this set has port ${port}`);
    return node;
  }

  async function admin(): Promise<Redis> {
    return new Redis({ port: (await masterNode()).server.port, password, maxRetriesPerRequest: 1 });
  }

  async function isWhole(): Promise<boolean> {
    for (const { ownPort } of sentinels) {
      const known = (await ask(ownPort, 'replicas', MASTER)) as unknown[];
      const agreed = String(await ask(ownPort, 'ckquorum', MASTER));
      if (known.length !== nodes.length - 1 || !agreed.startsWith(`OK ${SENTINELS} usable`)) return false;
      if (!String(await call(ownPort, 'INFO', 'sentinel')).includes('sentinel_tilt:0')) return false;
    }
    const client = await admin();
    const info = await client.info('replication').finally(() => client.disconnect());
    return info.split('state=online').length === nodes.length;
  }

  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const set: SentinelSet = {
    url: `redis${tls ? 's' : ''}+sentinel://:${password}@${hosts}/${MASTER}/0`,
    sentinelPassword,
    master: async () => (await masterNode()).server,
    admin,
    async startAgain(dead) {
      const node = nodes.find(({ server }) => server === dead);
      if (!node) throw new Error('that server is not of this set');
      const port = await masterPort();
      const config = { ...shared, ...node.own, ...(port === node.port ? {} : following(port)) };
      node.server = await startRedis({ ...places, dataDir: node.dataDir, port: dead.port, config });
    },
    sentinelPids: () => sentinels.map(({ child }) => child.pid),
    untilWhole: () => until(() => isWhole().catch(() => false), 90_000),
    async close() {
      await Promise.all(sentinels.map(({ child }) => endChild(child, [['SIGKILL', 5_000]])));
      await Promise.all(nodes.map(({ server }) => server.kill()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await set.untilWhole().catch(async (error: unknown) => {
    await set.close();
    throw error;
  });
  return set;
}

function tlsLines({ cert, key, ca }: NonNullable<SentinelSetOptions['tls']>): Record<string, string> {
  return {
    ...{ 'tls-cert-file': cert, 'tls-key-file': key, 'tls-ca-cert-file': ca },
    ...{ 'tls-auth-clients': 'no', 'tls-replication': 'yes' },
  };
}

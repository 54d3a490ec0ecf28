// A replica of an own Redis, over a link that can be held: what it lacks when it is promoted is then certain.
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../src/launcher/servers/redis.ts';
import { startHoldingProxy } from './holding-proxy.ts';
import type { OwnServers } from './own-servers.ts';
import { until } from './until.ts';

export interface RedisReplica {
  /** Resolves when it has all that its master has taken so far. */
  caughtUp(): Promise<void>;
  /** From now on it gets nothing more. */
  holdLink(): void;
  /** Ends the master, promotes the replica and starts it in the master's place, at its port. */
  takeOver(): Promise<void>;
  close(): Promise<void>;
}

export async function startRedisReplica(servers: OwnServers): Promise<RedisReplica> {
  const master = servers.redis();
  const dataDir = path.join(await mkdtemp(path.join(tmpdir(), 'holdfast-replica-')), 'redis');
  const { password } = new URL(master.url);
  const asked = new Redis(master.url);
  const [, folder = ''] = (await asked.config('GET', 'dir')) as unknown as string[];
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await copyFile(path.join(folder, 'password.secret'), path.join(dataDir, 'password.secret'));
  const link = await startHoldingProxy(master);
  const options = {
    dataDir,
    serversDir: path.join(process.cwd(), '.data', 'servers'),
    searchPath: process.env['PATH'] ?? '',
  };
  const replica = await startRedis({
    ...options,
    config: { replicaof: `127.0.0.1 ${link.port}`, masterauth: password },
  });
  let promoted: RedisServer | null = null;
  const offsetOf = async (client: Redis, field: string) =>
    Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(await client.info('replication'))?.[1] ?? -1);
  const caughtUp = async () => {
    const offset = await offsetOf(asked, 'master_repl_offset');
    const own = new Redis(replica.url);
    await until(async () => (await offsetOf(own, 'slave_repl_offset')) >= offset).finally(() => own.disconnect());
  };
  await until(async () => /^slave0:.*state=online/m.test(await asked.info('replication')));
  return {
    caughtUp,
    holdLink: link.hold,
    async takeOver() {
      asked.disconnect();
      await master.kill();
      const own = new Redis(replica.url);
      await own.call('REPLICAOF', 'NO', 'ONE');
      own.disconnect();
      await replica.stop();
      promoted = await startRedis({ ...options, port: master.port });
    },
    async close() {
      asked.disconnect();
      await promoted?.kill();
      await replica.kill();
      await link.close();
      await rm(path.dirname(dataDir), { recursive: true, force: true });
    },
  };
}

// Several Redis of their own for sessions, to be killed, stopped, emptied and replaced.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { projectRoot } from '../src/core/platform/project-root.ts';
import { type RedisServer, startRedis } from '../src/launcher/servers/redis.ts';

export interface SessionShards {
  /** REDIS_SESSION_URLS of those in these places, in this order; of all unless told otherwise. */
  list(places?: readonly number[]): string;
  server(place: number): RedisServer;
  /** A client of the harness's own, which connects again after a fault. */
  client(place: number): Redis;
  /** At the same address; `empty`: without anything that it knew. */
  startAgain(place: number, how?: { readonly empty: boolean }): Promise<void>;
  close(): Promise<void>;
}

export async function startSessionShards(count: number): Promise<SessionShards> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-shards-'));
  const start = (place: number, port?: number) =>
    startRedis({
      dataDir: path.join(folder, String(place)),
      serversDir: path.join(projectRoot, '.data/servers'),
      searchPath: process.env['PATH'] ?? '',
      ...(port === undefined ? {} : { port }),
    });
  const servers: RedisServer[] = [];
  for (let place = 0; place < count; place += 1) servers.push(await start(place));
  const clients = servers.map(({ url }) => new Redis(url));
  for (const client of clients) client.on('error', () => undefined);
  const at = <T>(list: readonly T[], place: number): T => {
    const found = list[place];
    if (found === undefined) throw new Error(`there is no Redis in place ${place}`);
    return found;
  };
  return {
    list: (places = servers.map((_, place) => place)) => places.map((place) => at(servers, place).url).join(' '),
    server: (place) => at(servers, place),
    client: (place) => at(clients, place),
    async startAgain(place, { empty } = { empty: false }) {
      const { port } = at(servers, place);
      const kept = (name: string) => path.join(folder, String(place), name);
      if (empty)
        for (const name of ['appendonlydir', 'dump.rdb']) await rm(kept(name), { recursive: true, force: true });
      servers[place] = await start(place, port);
    },
    async close() {
      for (const client of clients) client.disconnect();
      await Promise.all(servers.map((server) => server.kill()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

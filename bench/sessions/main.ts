// `npm run bench sessions`: what 100,000 sessions cost in Redis, written by the cache as a log-in writes them, and what a page
// costs with its sessions in three Redis instead of one. Prints the figures and writes them into docs/restart.md and
// docs/scale.md; `-- --only memory` and `-- --only shards` measure one of the two. Ends with 1 where it was not what is aimed at.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { until } from '../../harness/until.ts';
import { createLog } from '../../src/core/platform/log.ts';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { keys, openRedis } from '../../src/core/platform/redis.ts';
import { nameOf } from '../../src/core/sessions/cache-entry.ts';
import { TOMBSTONE_MS } from '../../src/core/sessions/cache-scripts.ts';
import { createSessionCache, type SessionCache } from '../../src/core/sessions/session-cache.ts';
import { startRedis } from '../../src/launcher/servers/redis.ts';
import { circumstances, table, writeInto } from '../report.ts';
import { fillCopies, hashOf, nothingEnded } from './fill.ts';
import { measureShards } from './shards.ts';

const SESSIONS = 100_000;
const BATCH = 1_000;
const AIM_BYTES = 420;

const { values: chosen } = parseArgs({ options: { only: { type: 'string' } } });
if (chosen.only !== 'shards') await measureMemory();
if (chosen.only !== 'memory') {
  const { text, isKept } = await measureShards();
  process.stdout.write(`${text}\n`);
  writeInto('docs/scale.md', 'shards', text);
  if (!isKept) process.exitCode = 1;
}

async function measureMemory(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-sessions-'));
  const server = await startRedis({
    dataDir: path.join(folder, 'redis'),
    serversDir: path.join(projectRoot, '.data/servers'),
    searchPath: process.env['PATH'] ?? '',
    config: { appendonly: 'no' },
  });
  const log = createLog({ level: 'warn', name: 'bench' });
  const client = openRedis({ address: { url: server.url }, role: 'sessions', log });
  const cache = createSessionCache({
    redis: client,
    table: nothingEnded(),
    signingKeys: ['a bench'],
    log,
    alone: { member: 60_000, operator: 60_000 },
  });
  try {
    await until(() => cache.health().redis);
    await measure(cache, server.url);
  } finally {
    cache.close();
    client.disconnect();
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(cache: SessionCache, url: string): Promise<void> {
  const redis = new Redis(url);
  const empty = await usedMemory(redis);
  await fillCopies(cache, 0, SESSIONS);
  const names = Array.from({ length: SESSIONS }, (_, number) => nameOf(hashOf(number)));
  const copies = await usedMemory(redis);
  const kept = await redis.dbsize();
  if (kept < SESSIONS) throw new Error(`only ${kept} of ${SESSIONS} sessions were written`);
  const one = await averageCopy(redis, names.slice(0, BATCH));
  for (let start = 0; start < SESSIONS; start += BATCH) {
    const touches = names.slice(start, start + BATCH).flatMap((name) => [Date.now(), name]);
    await redis.zadd(`hf:${keys.touched}`, ...touches);
  }
  const touched = await usedMemory(redis);
  const others = Array.from({ length: SESSIONS }, (_, number) => ({ tokenHash: hashOf(SESSIONS + number) }));
  await cache.invalidate(
    others.map((one) => ({ ...one, reason: 'logged_out' as const })),
    TOMBSTONE_MS,
  );
  const tombstones = (await usedMemory(redis)) - touched;
  const version = /^(?:valkey|redis)_version:(\S+)/m.exec(await redis.info('server'))?.[1];
  redis.disconnect();

  const perSession = (from: number, to: number) => String(Math.round((to - from) / SESSIONS));
  const rows = [
    ['a copy (`MEMORY USAGE`)', String(Math.round(one))],
    ['a session with what leads from its owner to it, of the memory in use (`used_memory`)', perSession(empty, copies)],
    ['the same while every one of them was used in the last five seconds', perSession(empty, touched)],
    ['a tombstone of a session that another Redis has', String(Math.round(tombstones / SESSIONS))],
  ];
  const measured = `${circumstances()} · Redis ${version} · ${SESSIONS.toLocaleString('en')} sessions\n\n${table(['', 'bytes'], rows)}`;
  process.stdout.write(`${measured}\n`);
  writeInto('docs/restart.md', 'sessions', measured);
  if ((copies - empty) / SESSIONS > AIM_BYTES) process.exitCode = 1;
}

async function averageCopy(redis: Redis, names: readonly string[]): Promise<number> {
  const sizes = await Promise.all(names.map((name) => redis.call('MEMORY', 'USAGE', `hf:${keys.session(name)}`)));
  return sizes.reduce<number>((sum, size) => sum + Number(size), 0) / sizes.length;
}

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}

// What a restricted page costs while all around it grows: sessions in both stores, events in the log. In one run, each time
// beside the limit, whose share of the machine is the same.
import path from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { until } from '../../harness/until.ts';
import { createLog } from '../../src/core/platform/log.ts';
import { openRedis } from '../../src/core/platform/redis.ts';
import { createSessionCache } from '../../src/core/sessions/session-cache.ts';
import { startLog } from '../audit/log.ts';
import { circumstances, table } from '../report.ts';
import { fillCopies, fillRows, nothingEnded } from '../sessions/fill.ts';
import { type Holdfast, startHoldfast, statements } from './holdfast.ts';
import { pace, percentile, saturate } from './load.ts';
import { CONNECTIONS, commandsOf, series } from './measure.ts';
import { cpuSeconds } from './processes.ts';
import { installPeers, PEERS, type Stack, sessionOf, startPeer, writeTemplate } from './stacks.ts';

export interface Growth {
  readonly sessions: readonly number[];
  readonly events: readonly number[];
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmUp: number;
}

export const LARGE: Growth = {
  ...{ sessions: [1_000, 100_000, 1_000_000], events: [10_000, 10_000_000] },
  ...{ rounds: 5, roundMs: 2_000, warmUp: 20_000 },
};
export const SMALL: Growth = {
  ...{ sessions: [1_000, 5_000], events: [1_000, 10_000] },
  ...{ rounds: 3, roundMs: 500, warmUp: 3_000 },
};

const PEOPLE = 20_000;
/** Requests a second of the measured times: far below what any machine can do, so that it is the page that is timed. */
const PACE = 500;

const HEAD = [
  'sessions stored',
  'events in the log',
  'pages per second of processor time',
  'against the limit',
  'p50, ms',
  'p99, ms',
  'Redis commands a page',
  'SQL statements a page',
];

/** Grows the sessions, then the log, and returns a table with a line for each size. */
export async function measureGrowth(growth: Growth, folder: string): Promise<string> {
  installPeers();
  const holdfast = await startHoldfast(1);
  const { servers } = holdfast.installation;
  const redis = new Redis(servers.redisUrl);
  const pool = new pg.Pool({ connectionString: servers.database.ownerUrl });
  const viewsDir = path.join(folder, 'views');
  let limit: Stack | undefined;
  try {
    writeTemplate(viewsDir, holdfast.work);
    const session = sessionOf(holdfast.work);
    limit = await startPeer(PEERS.limit, { redisUrl: servers.redisUrl, viewsDir, session });
    const stacks = { holdfast, limit, redis };
    for (const { target } of [limit, { target: holdfast.pages.profile }]) {
      await saturate(target, { connections: CONNECTIONS, durationMs: 10_000, answers: growth.warmUp });
    }
    const rows: string[][] = [];
    let stored = 0;
    for (const sessions of growth.sessions) {
      say(`${sessions.toLocaleString('en')} sessions`);
      await growSessions(holdfast, stored, sessions);
      stored = sessions;
      rows.push(await measureStep(stacks, growth, [stored, 0]));
    }
    // What fills the log's index of text would run beside the page for an hour, and is not what is measured.
    process.kill(holdfast.installation.worker().pid, 'SIGTERM');
    await holdfast.installation.worker().exited;
    const log = await startLog(pool, { events: Math.max(...growth.events), people: PEOPLE });
    for (const events of growth.events) {
      say(`${events.toLocaleString('en')} events`);
      await log.growTo(events);
      rows.push(await measureStep(stacks, growth, [stored, events]));
    }
    return `${circumstances()} · times at ${PACE} pages a second\n\n${table(HEAD, rows)}`;
  } finally {
    redis.disconnect();
    await pool.end();
    await limit?.close();
    await holdfast.installation.close();
  }
}

async function growSessions({ installation: { servers } }: Holdfast, from: number, to: number): Promise<void> {
  await fillRows(servers.database.superuserUrl, from, to);
  const log = createLog({ level: 'warn', name: 'bench' });
  const client = openRedis({ address: { url: servers.redisUrl }, role: 'sessions', log });
  const cache = createSessionCache({
    redis: client,
    table: nothingEnded(),
    signingKeys: ['a bench'],
    log,
    alone: { member: 60_000, operator: 60_000 },
  });
  try {
    await until(() => cache.health().redis);
    await fillCopies(cache, from, to);
  } finally {
    cache.close();
    client.disconnect();
  }
  const redis = new Redis(servers.redisUrl);
  const kept = await redis.dbsize();
  redis.disconnect();
  if (kept < to) throw new Error(`only ${kept} of ${to} sessions are in Redis`);
}

async function measureStep(
  { holdfast, limit, redis }: { holdfast: Holdfast; limit: Stack; redis: Redis },
  { rounds, roundMs }: Growth,
  [sessions, events]: [number, number],
): Promise<string[]> {
  const { installation, pages } = holdfast;
  const [pid = 0] = installation.webPids();
  const costs = series();
  const counts = async () => ({ redis: await commandsOf(redis), sql: await statements(installation) });
  let [answered, commands, sql] = [0, 0, 0];
  for (let round = 0; round < rounds; round += 1) {
    const before = { ...(await counts()), cpu: cpuSeconds(pid) };
    const own = await saturate(pages.profile, { connections: CONNECTIONS, durationMs: roundMs });
    costs.add('holdfast', own.answers / (cpuSeconds(pid) - before.cpu));
    const after = await counts();
    answered += own.answers;
    commands += after.redis - before.redis;
    sql += after.sql - before.sql;
    const limitBefore = cpuSeconds(limit.pid);
    const bare = await saturate(limit.target, { connections: CONNECTIONS, durationMs: roundMs });
    costs.add('limit', bare.answers / (cpuSeconds(limit.pid) - limitBefore));
  }
  const timed = { connections: CONNECTIONS, durationMs: roundMs * 2, perSecond: PACE };
  const { latencies } = await pace(pages.profile, timed);
  const [own, bare] = [costs.of('holdfast').median, costs.of('limit').median];
  return [
    sessions.toLocaleString('en'),
    events.toLocaleString('en'),
    Math.round(own).toLocaleString('en'),
    (own / bare).toFixed(2),
    percentile(latencies, 0.5).toFixed(2),
    percentile(latencies, 0.99).toFixed(2),
    (commands / answered).toFixed(2),
    (sql / answered).toFixed(3),
  ];
}

function say(what: string): void {
  process.stderr.write(`${what} …\n`);
}

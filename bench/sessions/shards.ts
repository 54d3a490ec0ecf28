// What a page costs a web process with its sessions in three Redis, against all in one: two whole Holdfasts by turns, each asked
// by as many people at once, so that the machine's share is the same.
import { Redis } from 'ioredis';
import { type Installation, install } from '../../harness/installation.ts';
import { query } from '../../harness/query.ts';
import { type SessionShards, startSessionShards } from '../../harness/session-shards.ts';
import { until } from '../../harness/until.ts';
import { hashToken } from '../../src/core/credentials/random-token.ts';
import { createLog } from '../../src/core/platform/log.ts';
import { openRedis } from '../../src/core/platform/redis.ts';
import { nameOf } from '../../src/core/sessions/cache-entry.ts';
import { placeOf } from '../../src/core/sessions/placement.ts';
import { createSessionCache } from '../../src/core/sessions/session-cache.ts';
import { circumstances, table } from '../report.ts';
import { fetchPage, PASSWORD, submit } from '../speed/browser.ts';
import { saturate, type Target } from '../speed/load.ts';
import { commandsOf, series } from '../speed/measure.ts';
import { cpuSeconds, pin, processTree } from '../speed/processes.ts';
import { get } from '../speed/stacks.ts';
import { fillRows, hashOf, nothingEnded } from './fill.ts';

const PLACES = 3;
const PEOPLE = 24;
const ROUNDS = 9;
const ROUND_MS = 1_500;
const WARM_UP_MS = 6_000;
/** Connections of each of them. */
const CROWDS = [
  { name: '24 connections', connections: 1 },
  { name: '96 connections', connections: 4 },
] as const;
const AIM = 1.05;
const ROWS = 100_000;
const ENDINGS = 1_000;
const ENDING_BATCHES = 30;

interface Measured {
  readonly installation: Installation;
  readonly pages: readonly Target[];
  readonly redis: readonly Redis[];
}

/** Returns a table, and whether three cost no more than a twentieth more. */
export async function measureShards(): Promise<{ readonly text: string; readonly isKept: boolean }> {
  const shards = await startSessionShards(PLACES);
  const installations: Installation[] = [];
  const clients: Redis[] = [];
  const start = async (
    env: Record<string, string>,
    urlsOf: (one: Installation) => readonly string[],
  ): Promise<Measured> => {
    const installation = await install({ webProcesses: 1, env: { SECOND_FACTOR: 'nobody', ...env } });
    installations.push(installation);
    const redis = urlsOf(installation).map((url) => new Redis(url));
    clients.push(...redis);
    const { servers } = installation;
    const elsewhere = [servers.postgres().pid, servers.redis().pid, installation.worker().pid];
    for (const pid of elsewhere.flatMap(processTree)) pin(pid, 'elsewhere');
    for (const pid of installation.webPids()) pin(pid, 'server');
    return { installation, redis, pages: await registerPeople(installation.port) };
  };
  try {
    pin(process.pid, 'elsewhere');
    for (let place = 0; place < PLACES; place += 1) pin(shards.server(place).pid, 'elsewhere');
    const one = await start({}, ({ servers }) => [servers.redisUrl]);
    const three = await start({ REDIS_SESSION_URLS: shards.list() }, () => urlsOf(shards));
    for (const measured of [one, three]) await ask(measured, CROWDS[1].connections, WARM_UP_MS);
    const rows: string[][] = [];
    let isKept = true;
    for (const crowd of CROWDS) {
      process.stderr.write(`${crowd.name} …\n`);
      const { cells, ratio } = await compare(one, three, crowd);
      rows.push(cells);
      isKept &&= ratio <= AIM;
    }
    const rowBytes = await measureRows(one.installation);
    const tells = await measureEndings();
    const head = [
      ...['of 24 people', 'one Redis: µs of processor time a page', 'three', 'three against one, median of the rounds'],
      ...['Redis commands a page: one', 'three'],
    ];
    const how = `${ROUNDS} rounds of ${ROUND_MS / 1_000} s each by turns, one web process`;
    const text = `${circumstances()} · ${how}\n\n${table(head, rows)}\n\n${table(['beside it', ''], [rowBytes, ...tells])}`;
    return { text, isKept };
  } finally {
    for (const client of clients) client.disconnect();
    for (const installation of installations) await installation.close();
    await shards.close();
  }
}

async function compare(one: Measured, three: Measured, { name, connections }: (typeof CROWDS)[number]) {
  const figures = series();
  for (let round = 0; round < ROUNDS; round += 1) {
    const [first, second] = [await ask(one, connections, ROUND_MS), await ask(three, connections, ROUND_MS)];
    figures.add('one', first.micros);
    figures.add('three', second.micros);
    figures.add('ratio', second.micros / first.micros);
    figures.add('commands of one', first.commands);
    figures.add('commands of three', second.commands);
  }
  const median = (key: string) => figures.of(key).median;
  const { least, most } = figures.of('ratio');
  const cells = [
    ...[name, median('one').toFixed(1), median('three').toFixed(1)],
    `${median('ratio').toFixed(3)} (${least.toFixed(3)} to ${most.toFixed(3)})`,
    ...[median('commands of one').toFixed(2), median('commands of three').toFixed(2)],
  ];
  return { cells, ratio: median('ratio') };
}

async function ask({ installation, pages, redis }: Measured, connections: number, durationMs: number) {
  const [pid = 0] = installation.webPids();
  const commands = async () => (await Promise.all(redis.map(commandsOf))).reduce((sum, count) => sum + count, 0);
  const before = { cpu: cpuSeconds(pid), commands: await commands() };
  const results = await Promise.all(pages.map((page) => saturate(page, { connections, durationMs })));
  const answers = results.reduce((sum, result) => sum + result.answers, 0);
  return {
    micros: ((cpuSeconds(pid) - before.cpu) * 1e6) / answers,
    commands: ((await commands()) - before.commands) / answers,
  };
}

async function measureRows({ servers }: Installation): Promise<string[]> {
  await fillRows(servers.database.superuserUrl, 0, ROWS);
  const [row] = await query<{ bytes: number }>(
    servers.database.superuserUrl,
    `SELECT pg_total_relation_size('session')::float8 / count(*) AS bytes FROM session`,
  );
  return [
    'bytes of a row of `session` in PostgreSQL, its indexes included',
    String(Math.round(row?.bytes ?? Number.NaN)),
  ];
}

/** What it costs the worker to tell Redis of a sealed ending. */
async function measureEndings(): Promise<string[][]> {
  const shards = await startSessionShards(PLACES);
  const [alone = '', ...others] = urlsOf(shards);
  const lists = { 'one Redis': [alone.replace(/0$/, '1')], three: [alone, ...others] };
  try {
    const rows: string[][] = [];
    for (const [what, urls] of Object.entries(lists)) {
      const micros = await tellEndings(urls);
      rows.push([`µs of the worker’s processor time for a sealed ending, ${what}`, micros.toFixed(1)]);
    }
    return rows;
  } finally {
    await shards.close();
  }
}

/** The median of the batches. */
async function tellEndings(urls: readonly string[]): Promise<number> {
  const log = createLog({ level: 'warn', name: 'bench' });
  const clients = urls.map((url) => openRedis({ address: { url }, role: 'sessions', log }));
  const [redis] = clients;
  if (!redis) throw new Error('no Redis was given');
  let sealed = 0;
  const sealedSoFar = async () => ({ ...(await nothingEnded().newest()), ending: sealed });
  const cache = createSessionCache({
    redis,
    sessionRedis: clients,
    table: { ...nothingEnded(), newest: sealedSoFar },
    signingKeys: ['a bench'],
    log,
    alone: { member: 60_000, operator: 60_000 },
  });
  try {
    await until(() => cache.health().redis);
    const figures = series();
    for (let batch = 0; batch < ENDING_BATCHES; batch += 1) {
      const endings = Array.from({ length: ENDINGS }, (_, number) => ({
        tokenHash: hashOf(sealed + number),
        reason: 'logged_out' as const,
      }));
      const previousSeq = sealed;
      sealed += ENDINGS;
      const before = process.cpuUsage();
      await cache.replay(endings, { previousSeq, endingSeq: sealed, epoch: null });
      const { user, system } = process.cpuUsage(before);
      figures.add('micros', (user + system) / ENDINGS);
    }
    return figures.of('micros').median;
  } finally {
    cache.close();
    for (const client of clients) client.disconnect();
  }
}

/** The page of each of them; as many in each place, so that each Redis has its share. */
async function registerPeople(port: number): Promise<Target[]> {
  const room = Array.from({ length: PLACES }, () => PEOPLE / PLACES);
  const pages: Target[] = [];
  for (let number = 0; pages.length < PEOPLE; number += 1) {
    const form = await fetchPage(port, '/register');
    const fields = { email: `visitor${number}@example.org`, password: PASSWORD, _csrf: form.csrf };
    const cookie = await submit(port, '/register', form, fields);
    const token = cookie.slice(cookie.indexOf('=') + 1).split('.')[0] ?? '';
    const place = placeOf(nameOf(hashToken(token)), PLACES);
    if (room[place] === 0) continue;
    room[place] = (room[place] ?? 0) - 1;
    pages.push({ port, status: 200, request: get(port, '/profile', cookie) });
  }
  return pages;
}

function urlsOf(shards: SessionShards): string[] {
  return shards.list().split(' ');
}

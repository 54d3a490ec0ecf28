// `npm run bench check`: the check of a request to an application, as it is shipped, beside others that say whose session a
// request is of. Prints ratios and renews their block in docs/performance.md. `-- --short` takes half a minute and writes nothing.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { hashApplicationToken, hashToken } from '../../src/core/credentials/random-token.ts';
import { KEY_PREFIX, keys } from '../../src/core/platform/redis.ts';
import { circumstances, table, writeInto } from '../report.ts';
import { fetchPage } from '../speed/browser.ts';
import { startHoldfast, statements } from '../speed/holdfast.ts';
import { saturate, type Target } from '../speed/load.ts';
import { CONNECTIONS, commandsOf, series, warmUp } from '../speed/measure.ts';
import { cpuSeconds, residentMb } from '../speed/processes.ts';
import { installPeers, type Peer, startPeer } from '../speed/stacks.ts';
import { checkOf, enter, fillApplication, registerApplication } from './enter.ts';

const { values } = parseArgs({ options: { short: { type: 'boolean' } } });
const SIZE = values.short
  ? { rounds: 1, roundMs: 1_000, warmUp: 5_000, counted: 2_000, sessions: 1_000 }
  : { rounds: 15, roundMs: 1_000, warmUp: 20_000, counted: 10_000, sessions: 10_000 };

const PEERS: Readonly<Record<string, Peer & { readonly path: string }>> = {
  limit: { name: 'the limit: node:http, one GET, five headers', script: 'check-limit.mjs', path: '/' },
  koa: { name: 'Koa 3, koa-session, koa-redis', script: 'check-koa.mjs', path: '/' },
  betterAuth: {
    name: 'better-auth, asked for the session over HTTP',
    script: 'check-better-auth.mjs',
    path: '/api/auth/get-session',
  },
};

/** How many times as many other sessions are checked after one another. */
const OTHERS = 5;

/** Holdfast's, for a person without groups. */
const ASSERTION_LENGTH = 690;

interface Contestant {
  readonly name: string;
  readonly pid: number;
  readonly target: Target;
}

installPeers();
const holdfast = await startHoldfast(1);
const { installation } = holdfast;
const { port, servers } = installation;
const redis = new Redis(servers.redisUrl);
const viewsDir = mkdtempSync(path.join(tmpdir(), 'holdfast-bench-'));
const closing: (() => Promise<void>)[] = [];
try {
  const host = await registerApplication(servers.database.superuserUrl, port);
  const entered = await enter(port, host, holdfast.cookie);
  const target = checkOf(port, host, entered);
  const [pid = 0] = installation.webPids();
  const contestants = new Map<string, Contestant>([['holdfast', { name: 'Holdfast, as it is shipped', pid, target }]]);
  for (const [key, peer] of Object.entries(PEERS)) contestants.set(key, await startContestant(peer, target));
  const parts = [
    circumstances(),
    await compare(contestants),
    await countOf(target),
    await memoryOf(pid, host, target),
    await bytesEach(entered),
  ];
  const text = parts.join('\n\n');
  process.stdout.write(`\n${text}\n`);
  if (!values.short) writeInto('docs/performance.md', 'checks', text);
} finally {
  redis.disconnect();
  await Promise.all(closing.map((close) => close()));
  await installation.close();
  rmSync(viewsDir, { recursive: true, force: true });
}

/** It is asked with every header of Holdfast's check, but for its own path and cookie: a proxy passes them on to whatever it asks. */
async function startContestant(
  { path: asked, ...peer }: Peer & { readonly path: string },
  check: Target,
): Promise<Contestant> {
  const assertion = 'a'.repeat(ASSERTION_LENGTH);
  const session = {
    userId: '01989f4e-7f3c-7000-8000-000000000000',
    email: 'somebody@example.org',
    groups: '',
    assertion,
  };
  const started = await startPeer(peer, { redisUrl: servers.redisUrl, viewsDir, session: JSON.stringify(session) });
  closing.push(() => started.close());
  const [cookie = ''] = /^Cookie: .*$/m.exec(started.target.request.toString()) ?? [];
  const text = check.request
    .toString()
    .replace(/^GET \S+/, `GET ${asked}`)
    .replace(/^Cookie: .*$/m, cookie);
  const request = Buffer.from(text);
  return { name: peer.name, pid: started.pid, target: { ...started.target, request } };
}

/**
 * Answers for a second of processor time, in rounds that take turns. What else the machine does changes from round to round: the
 * ratio is the median of those within one.
 */
async function compare(contestants: ReadonlyMap<string, Contestant>): Promise<string> {
  const [costs, ratios] = [series(), series()];
  for (const { target } of contestants.values()) await warmUp(target, CONNECTIONS, SIZE.warmUp);
  for (let round = 0; round < SIZE.rounds; round += 1) {
    let own = Number.NaN;
    for (const [key, { pid, target }] of contestants) {
      const before = cpuSeconds(pid);
      const { answers } = await saturate(target, { connections: CONNECTIONS, durationMs: SIZE.roundMs });
      const cost = answers / (cpuSeconds(pid) - before);
      if (key === 'holdfast') own = cost;
      costs.add(key, cost);
      ratios.add(key, own / cost);
    }
  }
  const rows = [...contestants].map(([key, { name }]) => {
    const { median, least, most } = costs.of(key);
    const spread = [least, most].map((one) => Math.round(one).toLocaleString('en')).join('–');
    const ratio = key === 'holdfast' ? '' : `${ratios.of(key).median.toFixed(2)} ×`;
    return [name, Math.round(median).toLocaleString('en'), spread, ratio];
  });
  return table(['', 'checks for a second of processor time', 'from – to', 'Holdfast against it'], rows);
}

/** What the stores do for each check. */
async function countOf(target: Target): Promise<string> {
  const before = { redis: await commandsOf(redis), sql: await statements(installation) };
  const { answers } = await saturate(target, { connections: 8, durationMs: 60_000, answers: SIZE.counted });
  const commands = ((await commandsOf(redis)) - before.redis) / answers;
  const sql = (await statements(installation)) - before.sql;
  return `Over ${answers.toLocaleString('en')} checks: ${commands.toFixed(3)} Redis commands each, ${sql} SQL statements in all.`;
}

/** Of a web process, while there are few sessions and many. */
async function memoryOf(pid: number, host: string, target: Target): Promise<string> {
  const cookies = await fillApplication(servers.database.superuserUrl, host, OTHERS * SIZE.sessions + 1);
  const residentWith = async (some: readonly string[]): Promise<string> => {
    const requests = some.map((cookie) => checkOf(port, host, cookie).request);
    let asked = 0;
    const inTurn = {
      ...target,
      get request() {
        asked += 1;
        return requests[asked % requests.length] ?? target.request;
      },
    };
    await saturate(inTurn, { connections: CONNECTIONS, durationMs: 120_000, answers: 3 * SIZE.sessions });
    return `${residentMb(pid).toFixed(0)} MB`;
  };
  const one = await residentWith(cookies.slice(0, 1));
  const after: string[] = [];
  for (let group = 0; group < OTHERS; group += 1)
    after.push(await residentWith(cookies.slice(1 + group * SIZE.sessions, 1 + (group + 1) * SIZE.sessions)));
  const count = SIZE.sessions.toLocaleString('en');
  return `The web process holds ${one} while one session is checked, and after ${OTHERS} times ${count} others ${after.join(', ')}.`;
}

/** Of copies in Redis, with their keys. */
async function bytesEach(entered: string): Promise<string> {
  const own = keyOf(holdfast.cookie, hashToken);
  // Its measured copy was filled up to an agreed size.
  await query(servers.database.superuserUrl, `UPDATE session SET data = '{}' WHERE data ? 'note'`);
  await redis.del(own);
  await fetchPage(port, '/profile', holdfast.cookie);
  await until(async () => (await redis.exists(own)) === 1);
  const [ordinary, atApplication] = [await bytesOf(own), await bytesOf(keyOf(entered, hashApplicationToken))];
  return `In Redis a session at an application takes ${atApplication} bytes with its key, its person's own ${ordinary}.`;
}

function keyOf(cookie: string, hash: (token: string) => Buffer): string {
  const token = cookie.slice(cookie.indexOf('=') + 1).split('.')[0] ?? '';
  return KEY_PREFIX + keys.session(hash(token).toString('base64url'));
}

async function bytesOf(key: string): Promise<number> {
  return Number(await redis.call('MEMORY', 'USAGE', key));
}

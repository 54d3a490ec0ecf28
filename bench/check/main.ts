// `npm run bench check`: the check of a request to an application, as it is shipped, beside others that say whose session a
// request is of. Prints ratios and renews their block in docs/performance.md. `-- --short` takes half a minute and writes nothing.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { circumstances, table, writeInto } from '../report.ts';
import { startHoldfast, statements } from '../speed/holdfast.ts';
import { saturate, type Target } from '../speed/load.ts';
import { CONNECTIONS, commandsOf, series, warmUp } from '../speed/measure.ts';
import { cpuSeconds } from '../speed/processes.ts';
import { installPeers, type Peer, startPeer } from '../speed/stacks.ts';
import { checkOf, enter, registerApplication } from './enter.ts';

const { values } = parseArgs({ options: { short: { type: 'boolean' } } });
const SIZE = values.short
  ? { rounds: 1, roundMs: 1_000, warmUp: 5_000, counted: 2_000 }
  : { rounds: 7, roundMs: 2_000, warmUp: 20_000, counted: 10_000 };

const PEERS: Readonly<Record<string, Peer & { readonly path: string }>> = {
  limit: { name: 'the limit: node:http, one GET, five headers', script: 'check-limit.mjs', path: '/' },
  koa: { name: 'Koa 3, koa-session, koa-redis', script: 'check-koa.mjs', path: '/' },
  betterAuth: {
    name: 'better-auth, asked for the session over HTTP',
    script: 'check-better-auth.mjs',
    path: '/api/auth/get-session',
  },
};

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
  const target = checkOf(port, host, await enter(port, host, holdfast.cookie));
  const [pid = 0] = installation.webPids();
  const contestants = new Map<string, Contestant>([['holdfast', { name: 'Holdfast, as it is shipped', pid, target }]]);
  for (const [key, peer] of Object.entries(PEERS)) contestants.set(key, await startContestant(peer));
  const text = `${circumstances()}\n\n${await compare(contestants)}\n\n${await countOf(target)}`;
  process.stdout.write(`\n${text}\n`);
  if (!values.short) writeInto('docs/performance.md', 'checks', text);
} finally {
  redis.disconnect();
  await Promise.all(closing.map((close) => close()));
  await installation.close();
  rmSync(viewsDir, { recursive: true, force: true });
}

async function startContestant({ path: asked, ...peer }: Peer & { readonly path: string }): Promise<Contestant> {
  const assertion = 'a'.repeat(520); // about what Holdfast's has
  const session = {
    userId: '01989f4e-7f3c-7000-8000-000000000000',
    email: 'somebody@example.org',
    groups: '',
    assertion,
  };
  const started = await startPeer(peer, { redisUrl: servers.redisUrl, viewsDir, session: JSON.stringify(session) });
  closing.push(() => started.close());
  const request = Buffer.from(started.target.request.toString().replace('GET /profile', `GET ${asked}`));
  return { name: peer.name, pid: started.pid, target: { ...started.target, request } };
}

/** Answers for a second of processor time, in rounds that take turns. */
async function compare(contestants: ReadonlyMap<string, Contestant>): Promise<string> {
  const costs = series();
  for (const { target } of contestants.values()) await warmUp(target, CONNECTIONS, SIZE.warmUp);
  for (let round = 0; round < SIZE.rounds; round += 1) {
    for (const [key, { pid, target }] of contestants) {
      const before = cpuSeconds(pid);
      const { answers } = await saturate(target, { connections: CONNECTIONS, durationMs: SIZE.roundMs });
      costs.add(key, answers / (cpuSeconds(pid) - before));
    }
  }
  const own = costs.of('holdfast').median;
  const rows = [...contestants].map(([key, { name }]) => {
    const { median, least, most } = costs.of(key);
    const spread = [least, most].map((one) => Math.round(one).toLocaleString('en')).join('–');
    return [
      name,
      Math.round(median).toLocaleString('en'),
      spread,
      key === 'holdfast' ? '' : `${(own / median).toFixed(2)} ×`,
    ];
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

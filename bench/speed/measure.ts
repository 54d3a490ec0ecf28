// One run: every server on the same work, in interleaved rounds, then what is measured of Holdfast alone.
import path from 'node:path';
import { Redis } from 'ioredis';
import { circumstances } from '../report.ts';
import { type Holdfast, startHoldfast, statements } from './holdfast.ts';
import { pace, percentile, saturate, type Target } from './load.ts';
import { canPin, cpuSeconds, residentMb } from './processes.ts';
import { installPeers, PEERS, type Stack, sessionOf, startPeer, writeTemplate } from './stacks.ts';

export interface Size {
  readonly rounds: number;
  readonly roundMs: number;
  /** Requests until a server's code is compiled as well as it ever will be. */
  readonly warmUp: number;
  readonly pacedMs: number;
  readonly pageMs: number;
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface StackResult {
  readonly name: string;
  readonly perSecond: Spread;
  /** Requests for each second of processor time that the server's process used. */
  readonly perCpuSecond: Spread;
  readonly restMb: number;
  readonly loadedMb: number;
  readonly readyMs: number;
  /** Commands that Redis carried out for each request. */
  readonly redisCommands: number;
  /** Milliseconds at 70 % of its own highest rate. */
  readonly p50: Spread;
  readonly p99: Spread;
}

export interface PageResult {
  readonly name: string;
  readonly perSecond: number;
  readonly perCpuSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly redisCommands: number;
  readonly sqlStatements: number;
}

export interface Results {
  readonly circumstances: string;
  readonly pinned: boolean;
  readonly pageBytes: number;
  readonly sessionBytes: number;
  /** Of a session in Redis, with its key, as Redis counts it. */
  readonly bytesInRedis: number;
  readonly stacks: Readonly<Record<string, StackResult>>;
  readonly pages: readonly PageResult[];
  /** Requests for each second of processor time, with two web processes and with one. */
  readonly twoProcesses: { readonly one: number; readonly two: number; readonly loadedMb: number };
}

export const CONNECTIONS = 64;
export const FEW = 8;
/** Half of what one account holds places for in the hash queue: those of a round before may still be under way. */
export const LOG_INS = 2;
const LONGEST_WARM_UP_MS = 10_000;
export const SHARE_OF_TOP = 0.7;

export async function measure(size: Size, folder: string): Promise<Results> {
  installPeers();
  say('starting');
  const holdfast = await startHoldfast(1);
  const stacks = new Map<string, Stack>();
  try {
    const viewsDir = path.join(folder, 'views');
    writeTemplate(viewsDir, holdfast.work);
    stacks.set('holdfast', asStack(holdfast));
    const session = sessionOf(holdfast.work);
    for (const [key, peer] of Object.entries(PEERS)) {
      stacks.set(key, await startPeer(peer, { redisUrl: holdfast.installation.servers.redisUrl, viewsDir, session }));
    }
    const results = await measureStacks(stacks, holdfast, size);
    const pages = await measurePages(holdfast, size);
    await closeAll(stacks, holdfast);
    return {
      circumstances: circumstances(),
      pinned: canPin,
      pageBytes: Buffer.byteLength(holdfast.work.html),
      sessionBytes: holdfast.work.sessionBytes,
      bytesInRedis: holdfast.work.bytesInRedis,
      stacks: results,
      pages,
      twoProcesses: await measureTwo(results['holdfast']?.perCpuSecond.median ?? Number.NaN, size),
    };
  } finally {
    await closeAll(stacks, holdfast);
  }
}

async function closeAll(stacks: Map<string, Stack>, { installation }: Holdfast): Promise<void> {
  const open = [...stacks.values()];
  if (open.length === 0) return;
  stacks.clear();
  await Promise.all(open.map((stack) => stack.close()));
  await installation.close();
}

function asStack({ installation, pages, readyMs }: Holdfast): Stack {
  const [pid = 0] = installation.webPids();
  return { name: 'Holdfast, as it is shipped', pid, readyMs, target: pages.profile, close: async () => undefined };
}

async function measureStacks(
  stacks: ReadonlyMap<string, Stack>,
  { installation }: Holdfast,
  { rounds, roundMs, warmUp: answers, pacedMs }: Size,
): Promise<Record<string, StackResult>> {
  const rest = new Map([...stacks].map(([key, { pid }]) => [key, residentMb(pid)]));
  const [rates, costs, p50, p99, commands] = [series(), series(), series(), series(), series()];
  const redis = new Redis(installation.servers.redisUrl);
  for (const [, stack] of stacks) {
    say(`warming up ${stack.name}`);
    await warmUp(stack.target, CONNECTIONS, answers);
  }
  for (let round = 1; round <= rounds; round += 1) {
    say(`round ${round} of ${rounds}`);
    for (const [key, { pid, target }] of stacks) {
      const before = { cpu: cpuSeconds(pid), commands: await commandsOf(redis) };
      const measured = await saturate(target, { connections: CONNECTIONS, durationMs: roundMs });
      rates.add(key, measured.answers / measured.seconds);
      costs.add(key, measured.answers / (cpuSeconds(pid) - before.cpu));
      commands.add(key, ((await commandsOf(redis)) - before.commands) / measured.answers);
    }
  }
  for (let round = 1; round <= Math.min(rounds, 3); round += 1) {
    for (const [key, { target }] of stacks) {
      if (key !== 'holdfast' && key !== 'limit') continue;
      say(`answers at ${SHARE_OF_TOP * 100} % of the highest rate, round ${round}`);
      const perSecond = rates.of(key).median * SHARE_OF_TOP;
      const { latencies } = await pace(target, { connections: CONNECTIONS, durationMs: pacedMs, perSecond });
      p50.add(key, percentile(latencies, 0.5));
      p99.add(key, percentile(latencies, 0.99));
    }
  }
  redis.disconnect();
  const entries = [...stacks].map(([key, { name, pid, readyMs }]): [string, StackResult] => [
    key,
    {
      name,
      perSecond: rates.of(key),
      perCpuSecond: costs.of(key),
      restMb: rest.get(key) ?? Number.NaN,
      loadedMb: residentMb(pid),
      readyMs,
      redisCommands: commands.of(key).median,
      p50: p50.of(key),
      p99: p99.of(key),
    },
  ]);
  return Object.fromEntries(entries);
}

/** Asks until the server's code is compiled. */
export async function warmUp(target: Target, connections: number, answers: number): Promise<void> {
  await saturate(target, { connections, durationMs: LONGEST_WARM_UP_MS, answers });
}

async function measurePages({ installation, pages }: Holdfast, { pageMs }: Size): Promise<PageResult[]> {
  const [pid = 0] = installation.webPids();
  const redis = new Redis(installation.servers.redisUrl);
  const names: readonly [string, Target, number][] = [
    ['a restricted page', pages.profile, CONNECTIONS],
    ['the log-in page, to an anonymous visitor', pages.login, CONNECTIONS],
    ['logging in', pages.logIn, LOG_INS],
    ['the newest page of the audit log', pages.audit, FEW],
  ];
  const now = async () => ({
    cpu: cpuSeconds(pid),
    redis: await commandsOf(redis),
    sql: await statements(installation),
  });
  const results: PageResult[] = [];
  for (const [name, target, connections] of names) {
    say(name);
    await saturate(target, { connections, durationMs: pageMs / 4 });
    const before = await now();
    const { answers, seconds, latencies } = await saturate(target, { connections, durationMs: pageMs });
    const after = await now();
    results.push({
      name,
      perSecond: answers / seconds,
      perCpuSecond: answers / (after.cpu - before.cpu),
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
      redisCommands: (after.redis - before.redis) / answers,
      sqlStatements: (after.sql - before.sql) / answers,
    });
  }
  redis.disconnect();
  return results;
}

/**
 * Two web processes where there may be only two cores, which they then share with what loads them: what counts is how many
 * pages they make of a second of processor time, against one alone.
 */
async function measureTwo(one: number, { roundMs, warmUp: answers, rounds }: Size): Promise<Results['twoProcesses']> {
  say('two web processes');
  const { installation, pages } = await startHoldfast(2);
  try {
    const pids = installation.webPids();
    const cpu = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    await warmUp(pages.profile, CONNECTIONS, 2 * answers);
    const costs = series();
    for (let round = 0; round < rounds; round += 1) {
      const before = cpu();
      const measured = await saturate(pages.profile, { connections: CONNECTIONS, durationMs: roundMs });
      costs.add('two', measured.answers / (cpu() - before));
    }
    return { one, two: costs.of('two').median, loadedMb: Math.max(...pids.map(residentMb)) };
  } finally {
    await installation.close();
  }
}

/** Commands that Redis has carried out for its clients, those of this bench left out. */
export async function commandsOf(redis: Redis): Promise<number> {
  const calls = [...(await redis.info('commandstats')).matchAll(/^cmdstat_([^:|]+)(?:\|\w+)?:calls=(\d+)/gm)];
  return calls.filter(([, name]) => name !== 'info').reduce((sum, [, , count]) => sum + Number(count), 0);
}

/** Figures by name, in rounds. */
export function series(): { add(key: string, value: number): void; of(key: string): Spread } {
  const values = new Map<string, number[]>();
  return {
    add: (key, value) => void values.set(key, [...(values.get(key) ?? []), value]),
    of(key) {
      const sorted = (values.get(key) ?? []).toSorted((a, b) => a - b);
      const at = (index: number) => sorted[index] ?? Number.NaN;
      return { median: at(Math.floor(sorted.length / 2)), least: at(0), most: at(sorted.length - 1) };
    },
  };
}

function say(what: string): void {
  process.stderr.write(`${what} …\n`);
}

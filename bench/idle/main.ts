// `npm run bench idle -- --against PATH` (or a commit): what Holdfast takes while nobody asks for anything, beside another build
// of it in the same minute: two web processes, supervisor and worker as they are shipped. Prints a table and writes nothing.
// `--seconds N` instead of 60; `--starts N` instead of 5.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { circumstances, table } from '../report.ts';
import { build } from '../speed/against.ts';
import { type Holdfast, readyAfter, startHoldfast } from '../speed/holdfast.ts';
import { CONNECTIONS, FEW, warmUp } from '../speed/measure.ts';
import { cpuSeconds, pin, processTree, proportionalMb } from '../speed/processes.ts';

/** What a start still does, until it is at rest. */
const SETTLE_MS = 20_000;
const PAGES = 20_000;

type Figures = Readonly<Record<string, number>>;
type Pair = { readonly here: Figures; readonly there: Figures };

const { values } = parseArgs({
  options: {
    against: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    starts: { type: 'string', default: '5' },
  },
});
if (values.against === undefined) throw new Error('--against names the build to compare with: a checkout or a commit');
const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-bench-'));
const started: Holdfast[] = [];
try {
  const here = await start(projectRoot);
  const there = await start(build(values.against, folder));
  const ready = await startAgain(here, there, Number(values.starts));
  await delay(SETTLE_MS);
  const rest = await inBoth(here, there, (one) => atRest(one, Number(values.seconds)));
  await load(here);
  await load(there);
  const loaded = { here: loadedMb(here), there: loadedMb(there) };
  process.stdout.write(`\n${circumstances()} · against ${values.against}\n\n${inMarkdown([ready, rest, loaded])}\n`);
} finally {
  await Promise.all(started.map(({ installation }) => installation.close()));
  rmSync(folder, { recursive: true, force: true });
}

async function start(root: string): Promise<Holdfast> {
  const holdfast = await startHoldfast(2, root);
  started.push(holdfast);
  for (const pid of [process.pid, ...Object.values(pidsOf(holdfast)).flat()]) pin(pid, 'anywhere');
  return holdfast;
}

function pidsOf({ installation }: Holdfast) {
  const { servers } = installation;
  const webs = installation.webPids();
  return {
    webs,
    worker: [installation.worker().pid],
    supervisor: [installation.supervisor().pid],
    stores: [servers.postgres().pid, servers.redis().pid].flatMap(processTree),
  };
}

/** Starts each a few times, beside its worker, in turns; the medians of the slower web process. */
async function startAgain(here: Holdfast, there: Holdfast, times: number): Promise<Pair> {
  const took: { here: number[]; there: number[] } = { here: [], there: [] };
  for (let time = 0; time < times; time += 1) {
    took.here.push(await startedIn(here));
    took.there.push(await startedIn(there));
  }
  // Of the same age from here on.
  await Promise.all([here, there].map(({ installation }) => installation.stop()));
  await Promise.all([here, there].map(({ installation }) => installation.start()));
  const name = 'ready after a start beside the worker, ms';
  return { here: { [name]: median(took.here) }, there: { [name]: median(took.there) } };
}

async function startedIn({ installation }: Holdfast): Promise<number> {
  await installation.stop();
  const before = installation.logOf('web').length;
  await installation.start();
  return readyAfter(installation.logOf('web').slice(before));
}

async function inBoth(here: Holdfast, there: Holdfast, measure: (one: Holdfast) => Promise<Figures>): Promise<Pair> {
  const [one, other] = await Promise.all([measure(here), measure(there)]);
  return { here: one, there: other };
}

async function atRest(holdfast: Holdfast, seconds: number): Promise<Figures> {
  const pids = pidsOf(holdfast);
  // Of PostgreSQL's processes some end meanwhile.
  const used = () => Object.values(pids).map((each) => sum(each.map(cpuSeconds).filter((seconds) => seconds >= 0)));
  const redis = new Redis(holdfast.installation.servers.redisUrl);
  const [before, commandsBefore] = [used(), await commandsOf(redis)];
  await delay(seconds * 1_000);
  const [webs = 0, worker = 0, supervisor = 0, stores = 0] = used().map(
    (after, index) => ((after - (before[index] ?? 0)) / seconds) * 100,
  );
  const commands = (await commandsOf(redis)) - commandsBefore;
  redis.disconnect();
  const [websMb, workerMb, supervisorMb] = [pids.webs, pids.worker, pids.supervisor].map((each) =>
    sum(each.map(proportionalMb)),
  );
  return {
    'of a core at rest, %': webs + worker + supervisor,
    'web processes': webs,
    worker,
    supervisor,
    'PostgreSQL and Redis beside them': stores,
    'Redis commands a second': commands / seconds,
    'PSS at rest, MB': sum([websMb, workerMb, supervisorMb].map((mb) => mb ?? Number.NaN)),
    'a web process': (websMb ?? Number.NaN) / 2,
    'the worker': workerMb ?? Number.NaN,
    'the supervisor': supervisorMb ?? Number.NaN,
  };
}

async function load({ pages }: Holdfast): Promise<void> {
  await warmUp(pages.profile, CONNECTIONS, PAGES);
  await warmUp(pages.login, CONNECTIONS, PAGES);
  await warmUp(pages.audit, FEW, PAGES / 100);
  await warmUp(pages.profile, CONNECTIONS, PAGES);
}

function loadedMb({ installation }: Holdfast): Figures {
  const webs = installation.webPids().map(proportionalMb);
  return { 'PSS of a web process after load, MB': sum(webs) / webs.length };
}

async function commandsOf(redis: Redis): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1]);
}

function inMarkdown(pairs: readonly Pair[]): string {
  const rows = pairs.flatMap(({ here, there }) =>
    Object.keys(here).map((name) => {
      const [one = Number.NaN, other = Number.NaN] = [here[name], there[name]];
      return [name, one.toFixed(2), other.toFixed(2), (one / other).toFixed(2)];
    }),
  );
  return table(['', 'this build', 'the other', 'ratio'], rows);
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0);
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;
}

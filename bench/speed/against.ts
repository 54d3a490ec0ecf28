// This build beside another of the same program: both started as they are shipped, the same work in interleaved rounds. What
// counts are the ratios, each of two figures that were measured within seconds of each other.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { startLog } from '../audit/log.ts';
import { circumstances, table } from '../report.ts';
import { type Holdfast, startHoldfast } from './holdfast.ts';
import { pace, percentile, saturate } from './load.ts';
import { CONNECTIONS, FEW, LOG_INS, SHARE_OF_TOP, type Size, type Spread, series, warmUp } from './measure.ts';
import { cpuSeconds, residentMb } from './processes.ts';

const WORK = [
  { name: 'a restricted page', page: 'profile', connections: CONNECTIONS },
  { name: 'the log-in page, to an anonymous visitor', page: 'login', connections: CONNECTIONS },
  { name: 'logging in', page: 'logIn', connections: LOG_INS },
  { name: 'the newest page of the audit log', page: 'audit', connections: FEW },
] as const;

const PEOPLE = 20_000;

type Work = (typeof WORK)[number];

interface Comparison {
  readonly name: string;
  readonly unit: string;
  /** Medians of the rounds, and of what this build has for each of the other's. */
  readonly here: number;
  readonly there: number;
  readonly ratio: Spread;
}

/** Measures this build against that of a checkout, or of a commit of this one, each with a log of so many events; returns a table. */
export async function measureAgainst(asked: string, size: Size, folder: string, events: number): Promise<string> {
  const root = build(asked, folder);
  const started: Holdfast[] = [];
  const start = async (of: string) => {
    const holdfast = await startHoldfast(1, of);
    started.push(holdfast);
    if (events > 0) await growLog(holdfast, events);
    return holdfast;
  };
  try {
    const rows = await compare(await start(projectRoot), await start(root), size);
    return `${circumstances()} · against ${asked} · ${events.toLocaleString('en')} events more in the log\n\n${inMarkdown(rows)}`;
  } finally {
    await Promise.all(started.map(({ installation }) => installation.close()));
  }
}

/** Builds a checkout, or a commit of this one in the folder; returns where it is. */
export function build(asked: string, folder: string): string {
  const root = existsSync(asked) ? path.resolve(asked) : checkOut(asked, path.join(folder, 'peer'));
  say(`building ${root}`);
  execFileSync(process.execPath, ['scripts/bootstrap.mjs', 'build'], { cwd: root, stdio: 'inherit' });
  return root;
}

/** Without the worker, whose index of the text would be filled beside the pages. */
async function growLog({ installation }: Holdfast, events: number): Promise<void> {
  say(`growing a log of ${events.toLocaleString('en')} events`);
  const worker = installation.worker();
  process.kill(worker.pid, 'SIGTERM');
  await worker.exited;
  const pool = new pg.Pool({ connectionString: installation.servers.database.ownerUrl });
  try {
    await (await startLog(pool, { events, people: PEOPLE })).growTo(events);
  } finally {
    await pool.end();
  }
}

/** The files of a commit in a folder of their own, with this checkout's packages if they are the same. */
function checkOut(commit: string, folder: string): string {
  const archive = execFileSync('git', ['archive', commit], { cwd: projectRoot, maxBuffer: 2 ** 30 });
  mkdirSync(folder);
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  const lock = (root: string) => readFileSync(path.join(root, 'package-lock.json'), 'utf8');
  const packages = path.join(projectRoot, 'node_modules');
  if (lock(folder) === lock(projectRoot)) symlinkSync(packages, path.join(folder, 'node_modules'));
  return folder;
}

async function compare(here: Holdfast, there: Holdfast, size: Size): Promise<Comparison[]> {
  const rows: Comparison[] = [];
  for (const work of WORK) {
    say(`warming up: ${work.name}`);
    for (const { pages } of [here, there]) await warmUp(pages[work.page], work.connections, size.warmUp);
    rows.push(...(await compareWork(work, here, there, size)));
  }
  const memory = { here: residentMb(webPid(here)), there: residentMb(webPid(there)) };
  const ratio = memory.here / memory.there;
  const spread = { median: ratio, least: ratio, most: ratio };
  return [...rows, { name: 'memory of the web process after all that', unit: 'MB', ...memory, ratio: spread }];
}

async function compareWork(work: Work, here: Holdfast, there: Holdfast, size: Size): Promise<Comparison[]> {
  const { name, page, connections } = work;
  const { rounds, roundMs, pacedMs } = size;
  const rates = series();
  const rate = async (build: Holdfast) => {
    const { answers, seconds } = await saturate(build.pages[page], { connections, durationMs: roundMs });
    return answers / seconds;
  };
  const costs = await inTurns(rounds, here, there, async (build, key) => {
    const before = cpuSeconds(webPid(build));
    const { answers, seconds } = await saturate(build.pages[page], { connections, durationMs: roundMs });
    rates.add(key, answers / seconds);
    return answers / (cpuSeconds(webPid(build)) - before);
  });
  // The same rate for both, or the quicker one would be asked for more.
  const perSecond = SHARE_OF_TOP * Math.min(rates.of('here').median, rates.of('there').median);
  const late = await inTurns(rounds, here, there, async (build) => {
    const { latencies } = await pace(build.pages[page], { connections, durationMs: pacedMs, perSecond });
    return percentile(latencies, 0.99);
  });
  // Most of what this page costs is PostgreSQL's time.
  const whole = page === 'audit' ? [{ name, unit: 'a second', ...(await inTurns(rounds, here, there, rate)) }] : [];
  return [
    ...whole,
    { name, unit: 'a second of processor time', ...costs },
    { name: `${name}, ${Math.round(perSecond)} a second`, unit: 'p99, ms', ...late },
  ];
}

/** Measures one after the other, each first in every other round. */
async function inTurns(
  rounds: number,
  here: Holdfast,
  there: Holdfast,
  measure: (build: Holdfast, key: 'here' | 'there') => Promise<number>,
): Promise<Pick<Comparison, 'here' | 'there' | 'ratio'>> {
  const figures = series();
  for (let round = 0; round < rounds; round += 1) {
    let one = Number.NaN;
    let other = Number.NaN;
    if (round % 2 === 0) one = await measure(here, 'here');
    other = await measure(there, 'there');
    if (round % 2 === 1) one = await measure(here, 'here');
    figures.add('here', one);
    figures.add('there', other);
    figures.add('ratio', one / other);
  }
  return { here: figures.of('here').median, there: figures.of('there').median, ratio: figures.of('ratio') };
}

function inMarkdown(rows: readonly Comparison[]): string {
  const head = ['', '', 'this build', 'the other', 'ratio', 'least–most'];
  const figure = (value: number) => (value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en'));
  const cells = rows.map(({ name, unit, here, there, ratio }) => [
    name,
    unit,
    figure(here),
    figure(there),
    ratio.median.toFixed(3),
    `${ratio.least.toFixed(3)}–${ratio.most.toFixed(3)}`,
  ]);
  return table(head, cells);
}

function webPid({ installation }: Holdfast): number {
  return installation.webPids()[0] ?? 0;
}

function say(what: string): void {
  process.stderr.write(`${what} …\n`);
}

// `npm run bench restart`: every fault of docs/restart.md on a whole Holdfast under load, one after another. Prints a table
// and writes it into docs/restart.md; ends with 1 when a promise was not kept. `-- --short` takes less than a minute and
// writes nothing; `-- --only <words>` runs the scenarios whose name has these words, `-- --only proxies` the applications behind
// proxies alone, which have a table of their own.
import { parseArgs } from 'node:util';
import { type Installation, install } from '../../harness/installation.ts';
import { type ProxyLoad, type ProxyRow, reloadBehindProxies } from '../../harness/restart/behind-proxies.ts';
import { type Crowd, registerReaders } from '../../harness/restart/crowd.ts';
import { openLedger } from '../../harness/restart/ledger.ts';
import { isKept, type Row, runScenario, slowness } from '../../harness/restart/run.ts';
import { type Extent, type Scenario, scenarios } from '../../harness/restart/scenarios.ts';
import { circumstances, table, writeInto } from '../report.ts';

const WEB_PROCESSES = 2;
const SHOWN_FAILURES = 10;

interface Size {
  readonly extent: Extent;
  readonly crowd: Crowd;
  readonly aroundMs: number;
  readonly proxies: ProxyLoad;
}

/** A row, and what `audit verify` said after it. */
type Verified = Row & { readonly verified: string };

const FULL: Size = {
  extent: { reloads: 20, kills: 5, awayMs: 30_000 },
  crowd: { keepAlive: 32, fresh: 8, people: 6, thinkTimeMs: 150 },
  aroundMs: 3_000,
  proxies: { reloads: 20, clients: 12, thinkTimeMs: 60 },
};
const SHORT: Size = {
  extent: { reloads: 3, kills: 1, awayMs: 5_000 },
  crowd: { keepAlive: 16, fresh: 4, people: 3, thinkTimeMs: 100 },
  aroundMs: 500,
  proxies: { reloads: 2, clients: 4, thinkTimeMs: 100 },
};

const { values } = parseArgs({ options: { short: { type: 'boolean' }, only: { type: 'string' } } });
const size = values.short ? SHORT : FULL;
const { short = false, only = '' } = values;
const chosen = scenarios(size.extent).filter(({ name }) => name.includes(only));
const behindProxies = only === '' || only === 'proxies';

const installation = await install({ webProcesses: WEB_PROCESSES });
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void installation.close().finally(() => process.exit(1)));
}
try {
  if (chosen.length > 0) {
    const rows = await runAll(installation, chosen);
    const measured = render(rows);
    process.stdout.write(`\n${measured}\n`);
    if (!short && only === '') writeInto('docs/restart.md', 'measured', measured);
    if (!rows.every(isRight)) process.exitCode = 1;
  }
  if (behindProxies) {
    const rows = await reloadBehindProxies(installation, size.proxies);
    const measured = renderProxies(rows);
    process.stdout.write(`\n${measured}\n`);
    if (!short) writeInto('docs/restart.md', 'proxies', measured);
    for (const { name, wrong, lost } of rows) {
      for (const what of [...wrong, ...lost].slice(0, SHOWN_FAILURES)) process.stderr.write(`  ${name}: ${what}\n`);
    }
    if (rows.some(({ wrong, lost }) => wrong.length + lost.length > 0)) process.exitCode = 1;
  }
} finally {
  await installation.close();
}

async function runAll(installation: Installation, all: readonly Scenario[]): Promise<Verified[]> {
  const { crowd, aroundMs } = size;
  const ledger = openLedger();
  const readers = await registerReaders(installation.port, ledger, crowd.keepAlive + crowd.fresh);
  const rows: Verified[] = [];
  for (const scenario of all) {
    process.stderr.write(`${scenario.name} …`);
    const startedAt = performance.now();
    const measured = await runScenario(scenario, { installation, ledger, crowd, readers, aroundMs });
    const row = { ...measured, verified: await installation.verify() };
    rows.push(row);
    process.stderr.write(` ${seconds(performance.now() - startedAt)} s${isRight(row) ? '' : ', NOT KEPT'}\n`);
    if (installation.worker().process.exitCode !== null) {
      process.stderr.write(`  the worker has ended:\n${installation.logOf('worker').slice(-2_000)}\n`);
    }
    for (const { what } of row.failures.slice(0, SHOWN_FAILURES)) process.stderr.write(`  ${what}\n`);
  }
  return rows;
}

function isRight(row: Verified): boolean {
  return isKept(row) && row.verified.includes('is intact');
}

function render(rows: readonly Verified[]): string {
  const head = [
    'while under load',
    'requests',
    'failed',
    '99 % within, ms',
    'slowest, ms',
    'sessions before',
    'after: expected',
    'live',
    'ended ones revived',
    'events expected',
    'found',
    'twice',
    '`audit verify`',
  ];
  const cells = rows.map((row) => [
    row.name,
    String(row.requests),
    failed(row),
    row.usualMs.toFixed(0),
    row.slowestMs.toFixed(0),
    String(row.sessionsBefore),
    String(row.sessionsWanted),
    String(row.sessions.live),
    String(row.sessions.revived),
    String(row.events.expected),
    String(row.events.found),
    String(row.events.twice),
    row.verified.includes('is intact') ? 'intact' : `**${row.verified}**`,
  ]);
  const { keepAlive, fresh, people, thinkTimeMs } = size.crowd;
  const who = `${WEB_PROCESSES} web processes, a worker; ${keepAlive} readers on kept-alive connections, ${fresh} on fresh ones, ${people} people registering, logging in and out; up to ${thinkTimeMs} ms between two requests of one client`;
  return `${circumstances()}\n\n${who}.\n\n${table(head, cells)}`;
}

function renderProxies(rows: readonly ProxyRow[]): string {
  const head = [
    'in front',
    'checks',
    'answers but the right one',
    'without an answer',
    '99 % within, ms',
    'slowest, ms',
  ];
  const all = { name: 'all', checks: 0, wrong: [] as string[], lost: [] as string[], durations: [] as number[] };
  for (const { checks, wrong, lost, durations } of rows) {
    all.checks += checks;
    all.wrong.push(...wrong);
    all.lost.push(...lost);
    for (const one of durations) all.durations.push(one);
  }
  const cells = [...rows, all].map(({ name, checks, wrong, lost, durations }) => {
    const { usualMs, slowestMs } = slowness(durations);
    return [name, ...[checks, wrong.length, lost.length].map(String), usualMs.toFixed(0), slowestMs.toFixed(0)];
  });
  const { reloads, clients, thinkTimeMs } = size.proxies;
  const who = `${reloads} rolling reloads of ${WEB_PROCESSES} web processes, with all proxies in front at once; ${clients} clients at each, half of them on kept-alive connections, up to ${thinkTimeMs} ms between two requests of one client`;
  return `${circumstances()}\n\n${who}.\n\n${table(head, cells)}`;
}

function failed({ failures, inKilledProcess, refused }: Row): string {
  const notes = [
    inKilledProcess > 0 ? `${inKilledProcess} in hand in the killed process` : '',
    refused > 0 ? `${refused} log-ins refused with 503` : '',
  ].filter((note) => note !== '');
  return [String(failures.length), ...(notes.length > 0 ? [`(+ ${notes.join(', ')})`] : [])].join(' ');
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

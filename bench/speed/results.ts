// The results of a run in words: tables in Markdown, and the bars of the chart.
import { table } from '../report.ts';
import type { Bar } from './chart.ts';
import type { Results, Spread, StackResult } from './measure.ts';

/** What issue after issue was promised, as ratios of one run. */
export function aims(
  results: Results,
): readonly (readonly [aim: string, wanted: string, measured: string, met: boolean])[] {
  const { stacks, twoProcesses } = results;
  const cost = (key: string) => stacks[key]?.perCpuSecond.median ?? Number.NaN;
  const own = cost('holdfast');
  const p99 = (key: string) => stacks[key]?.p99.median ?? Number.NaN;
  const times = (value: number) => `${value.toFixed(2)} ×`;
  const least = (name: string, value: number, wanted: number) =>
    [name, `≥ ${wanted} ×`, times(value), value >= wanted] as const;
  const memory = Math.max(stacks['holdfast']?.loadedMb ?? Number.NaN, twoProcesses.loadedMb);
  const ready = stacks['holdfast']?.readyMs ?? Number.NaN;
  const late = p99('holdfast') / p99('limit');
  return [
    least('a restricted page against the limit', own / cost('limit'), 0.6),
    least('against Fastify’s stack', own / cost('fastify'), 1.8),
    least('against Express’s stack', own / cost('express'), 4.3),
    least('against Koa’s with defaults', own / cost('koa'), 3.9),
    ['99th percentile at 70 % of its own highest rate, against the limit’s', '≤ 2 ×', times(late), late <= 2],
    least('two web processes against one', (2 * twoProcesses.two) / twoProcesses.one, 1.8),
    ['memory of a web process under load', '≤ 120 MB', `${memory.toFixed(0)} MB`, memory <= 120],
    ['ready after its start', '≤ 1.5 s', `${(ready / 1_000).toFixed(2)} s`, ready <= 1_500],
  ];
}

export function inMarkdown(results: Results): string {
  const { pinned, pageBytes, sessionBytes, bytesInRedis } = results;
  const where = pinned
    ? 'The server has one core, its load, Redis and PostgreSQL have the others.'
    : 'There is one core, or no `taskset`, so the server shares its core with what loads it.';
  return [
    results.circumstances,
    `A page of ${pageBytes.toLocaleString('en')} bytes; a session of ${sessionBytes} bytes, ${bytesInRedis} in Redis with its key. 64 connections. ${where}`,
    table(
      ['what was aimed at', 'aim', 'measured', ''],
      aims(results).map(([aim, wanted, measured, met]) => [aim, wanted, measured, met ? 'met' : '**not met**']),
    ),
    stackTable(results),
    pageTable(results),
  ].join('\n\n');
}

export function bars({ stacks }: Results): readonly Bar[] {
  const limit = stacks['limit']?.perCpuSecond.median ?? Number.NaN;
  return Object.entries(stacks)
    .map(([key, { name, perCpuSecond }]) => ({
      name,
      value: perCpuSecond.median / limit,
      least: perCpuSecond.least / limit,
      most: perCpuSecond.most / limit,
      own: key === 'holdfast',
    }))
    .sort((a, b) => b.value - a.value);
}

function stackTable({ stacks }: Results): string {
  const limit = stacks['limit'];
  const head = [
    '',
    'pages per second of processor time',
    'least–most',
    'against the limit',
    'pages/s',
    'against the limit',
    'Redis commands a page',
    'MB at rest',
    'MB under load',
    'ready after, s',
  ];
  const row = ({ name, perCpuSecond, perSecond, redisCommands, restMb, loadedMb, readyMs }: StackResult) => [
    name,
    count(perCpuSecond.median),
    range(perCpuSecond),
    (perCpuSecond.median / (limit?.perCpuSecond.median ?? Number.NaN)).toFixed(2),
    count(perSecond.median),
    (perSecond.median / (limit?.perSecond.median ?? Number.NaN)).toFixed(2),
    redisCommands.toFixed(2),
    restMb.toFixed(0),
    loadedMb.toFixed(0),
    (readyMs / 1_000).toFixed(2),
  ];
  const rows = Object.values(stacks).toSorted((a, b) => b.perCpuSecond.median - a.perCpuSecond.median);
  return table(head, rows.map(row));
}

function pageTable({ pages }: Results): string {
  const head = [
    'Holdfast',
    'a second',
    'per second of processor time',
    'p50, ms',
    'p99, ms',
    'Redis commands',
    'SQL statements',
  ];
  return table(
    head,
    pages.map((page) => [
      page.name,
      count(page.perSecond),
      count(page.perCpuSecond),
      page.p50.toFixed(1),
      page.p99.toFixed(1),
      page.redisCommands.toFixed(1),
      page.sqlStatements.toFixed(1),
    ]),
  );
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function range({ least, most }: Spread): string {
  return `${count(least)}–${count(most)}`;
}

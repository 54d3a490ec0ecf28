// `npm run bench audit`: the audit log at ten million events. Starts its own PostgreSQL, grows a log in it, queries it at each
// size, seals, exports, verifies, drops a month, plays a night's story of an operator in a browser among them, and writes the
// figures into docs/audit-performance.md. `-- --events 100000` takes a smaller log; `-- --dry` writes no page;
// `-- --only draining`, `sealing` or `story` measures that alone.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { migrateFrom, urlsOf } from '../../harness/migrated-postgres.ts';
import { createAuditLog } from '../../src/core/audit/reading/audit-log.ts';
import { createHistogram } from '../../src/core/audit/reading/histogram.ts';
import { EVERY_EVENT } from '../../src/core/audit/reading/query.ts';
import { createTextIndex } from '../../src/core/audit/reading/text-index.ts';
import type { Database } from '../../src/core/platform/database.ts';
import { migrate } from '../../src/core/platform/migrations/migrate.ts';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { type Postgres, startPostgres } from '../../src/launcher/servers/postgres.ts';
import { type RedisServer, startRedis } from '../../src/launcher/servers/redis.ts';
import { circumstances, table, writeInto } from '../report.ts';
import { measureDraining } from './draining.ts';
import { bytesPerEvent, startLog } from './log.ts';
import { type Measured, measureQueries } from './queries.ts';
import { measureSealing } from './sealing.ts';
import { measureStory } from './story.ts';
import { measureTree } from './tree.ts';

const PAGE = 'docs/audit-performance.md';
const SIZES = [10_000, 1_000_000, 10_000_000];
const PEOPLE = 20_000;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000000' },
    dry: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const most = Number(values.events);
const sizes = [...SIZES.filter((size) => size < most), most];
if (!['', 'draining', 'sealing', 'story'].includes(values.only))
  throw new Error('--only takes draining, sealing or story');
const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-audit-'));
chmodSync(folder, 0o711);
const dataDir = path.join(folder, 'postgres');
let postgres: Postgres | undefined;
let redis: RedisServer | undefined;
const children = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => void cleanUp().finally(() => process.exit(1)));

try {
  if (values.only === '') tell('measured', await measureAll());
  else if (values.only === 'story') await growLog();
  else tell('', await measureOne(values.only));
  if (values.only === '' || values.only === 'story') tell('story', await storyText());
} finally {
  await cleanUp();
}
process.exit(process.exitCode ?? 0);

async function cleanUp(): Promise<void> {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all([postgres?.kill(), redis?.kill()]).catch(() => undefined);
  rmSync(folder, { recursive: true, force: true });
}

function tell(block: string, text: string): void {
  process.stdout.write(`\n${text}\n`);
  if (!values.dry && block !== '') writeInto(PAGE, block, text);
}

/** Among the log that was grown, whose server is stopped for it. */
async function storyText(): Promise<string> {
  await postgres?.stop();
  const stories = await measureStory({ events: most, files: dataDir, say });
  const [story] = stories;
  if (!story) throw new Error('no story was told');
  const all = (of: (one: (typeof stories)[number]) => number) => {
    const each = stories.map(of);
    return `${Math.round(median(each))} ms (${each.map(Math.round).join(', ')})`;
  };
  return [
    `${circumstances()} · ${most.toLocaleString('en')} events, one web process, the worker and Chromium on the same machine`,
    table(
      ['what', 'median, and each of five', 'aim'],
      [
        ...story.parts.map(([name], index) => [name, all(({ parts }) => parts[index]?.[1] ?? 0), '']),
        ['`audit verify --file` on it', all(({ verifyMs }) => verifyMs), ''],
        ['altogether', all(({ ms, verifyMs }) => ms + verifyMs), '4,000 ms'],
        ['clicks', String(Math.max(...stories.map(({ clicks }) => clicks))), '5'],
      ],
    ),
    `It said: ${story.verdict}`,
  ].join('\n\n');
}

async function startServers(): Promise<Postgres> {
  redis = await startRedis({
    dataDir: path.join(folder, 'redis'),
    serversDir: path.join(projectRoot, '.data/servers'),
    searchPath: process.env['PATH'] ?? '',
    config: { appendonly: 'no' },
  });
  postgres = await startPostgres({ dataDir, durable: true });
  await migrateFrom(projectRoot, urlsOf(postgres));
  return postgres;
}

async function measureOne(only: string): Promise<string> {
  await startServers();
  return table(['what', 'measured', 'aim'], only === 'draining' ? await draining() : await sealing());
}

async function growLog(): Promise<void> {
  const { ownerUrl } = await startServers();
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 3 });
  const log = await startLog(pool, { events: most, people: PEOPLE });
  say(`${most.toLocaleString('en')} events are there after ${Math.round(await log.growTo(most))} s`);
  await pool.end();
}

async function measureAll(): Promise<string> {
  const { ownerUrl } = await startServers();
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 3 });
  const database = { pool } as unknown as Database;
  const log = await startLog(pool, { events: most, people: PEOPLE });
  const bySize: { size: number; queries: Measured[]; chartMs: number }[] = [];
  let loadSeconds = 0;
  for (const size of sizes) {
    loadSeconds += await log.growTo(size);
    while ((await createTextIndex({ database }).keepUp()) > 0);
    await pool.query('VACUUM ANALYZE audit_text');
    say(`${size.toLocaleString('en')} events are there`);
    bySize.push({ size, queries: await measureQueries(pool), chartMs: await measureChart(database) });
    say('the queries are measured');
  }
  const bytes = await bytesPerEvent(pool, most);
  const exported = await measureExport(ownerUrl);
  say('exported');
  const verified = await measureVerify(exported.file);
  say('verified');
  const sealed = await sealing();
  say('sealing measured');
  const drained = await draining();
  say('draining measured');
  await pool.end();
  // The log itself stays as it is, for the story.
  const tree = await inDatabase('tree', ({ pool: copy }) => measureTree(copy), 'holdfast');
  say('the tree measured');
  const dropMs = await inDatabase('dropping', ({ pool: copy }) => measureDrop(copy), 'holdfast');
  say('dropping measured');
  const months = bytes.reduce((sum, [, each]) => sum + each, 0);
  return [
    `${circumstances()} · PostgreSQL 18, its settings as shipped · ${most.toLocaleString('en')} events in four months, loaded in ${loadSeconds.toFixed(0)} s`,
    queriesTable(bySize),
    'Pages of 8 KB that a query touches, warm: what must not grow with the log.',
    pagesTable(bySize),
    table(
      ['what', 'measured', 'aim'],
      [
        ...sealed,
        ...drained,
        ['verifying an NDJSON export', `${rate(verified.rate)} events/s`, '200,000'],
        ['exporting NDJSON', `${rate(exported.rate)} rows/s`, '50,000'],
        [
          'memory while exporting, first half and second',
          `${exported.memory.map((one) => `${one} MB`).join(' and ')} at most`,
          'flat',
        ],
        ['building the tree over the log', `${rate(tree.rate)} events/s`, 'measured'],
        ['the tree on disk', `${tree.bytesAnEvent.toFixed(1)} bytes an event`, '40'],
        [
          'proving one event and checking the proof, of 200: median, slowest',
          `${tree.usualMs.toFixed(1)} ms, ${tree.slowestMs.toFixed(1)} ms`,
          '50',
        ],
        ['the proof', `${tree.mostBytes.toLocaleString('en')} bytes at most`, '3,000'],
        ['dropping the oldest month', `${dropMs.toFixed(0)} ms`, '1,000'],
        ['on disk, without the tree', `${months.toFixed(0)} bytes an event`, '480'],
      ],
    ),
    table(
      ['bytes an event', ''],
      bytes.map(([name, each]) => [`\`${name}\``, each.toFixed(1)]),
    ),
  ].join('\n\n');
}

async function draining(): Promise<string[][]> {
  const { catchingUp, lag, sealed } = await inDatabase('draining', ({ pool, ownerUrl: databaseUrl }) =>
    measureDraining({
      ...{ pool, databaseUrl, redisUrl: redis?.url ?? '', folder },
      ...{ events: Math.min(most, 300_000), seconds: 20 },
    }),
  );
  const late = [lag.median, lag.p99, lag.most].map((one) => `${Math.round(one)} ms`);
  return [
    ['a drain to a local HTTPS receiver, catching up', `${rate(catchingUp)} events/s`, '20,000'],
    [
      `the same while ${rate(sealed)} events/s are sealed: from sealed to received`,
      `${late.join(', ')} (median, 99th percentile, most)`,
      '2,000 ms',
    ],
  ];
}

async function sealing(): Promise<string[][]> {
  const { sealed, bare } = await inDatabase('sealing', ({ pool, superuser }) =>
    measureSealing({ pool, superuser }, { events: Math.min(most, 200_000), rounds: 3 }),
  );
  return [
    [
      'sealing, from outbox to log',
      `${rate(median(sealed))} events/s (rounds: ${sealed.map(rate).join(', ')})`,
      '10,000',
    ],
    [
      'the same against a bare insert of the same rows',
      `${median(sealed.map((one, index) => one / (bare[index] ?? 1))).toFixed(2)} (bare: ${bare.map(rate).join(', ')})`,
      '0.60',
    ],
  ];
}

async function inDatabase<T>(
  name: string,
  work: (of: { pool: pg.Pool; superuser: pg.Client; ownerUrl: string }) => Promise<T>,
  template = 'template1',
): Promise<T> {
  const at = (url: string) => url.replace(/\/[^/]*$/, `/${name}`);
  const admin = new pg.Client({ connectionString: postgres?.superuserUrl });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name} OWNER holdfast TEMPLATE ${template} STRATEGY file_copy`);
  if (template === 'template1') await migrate(at(postgres?.ownerUrl ?? ''));
  const pool = new pg.Pool({ connectionString: at(postgres?.ownerUrl ?? ''), max: 3 });
  const superuser = new pg.Client({ connectionString: at(postgres?.superuserUrl ?? '') });
  await superuser.connect();
  try {
    return await work({ pool, superuser, ownerUrl: at(postgres?.ownerUrl ?? '') });
  } finally {
    await Promise.all([pool.end(), superuser.end()]);
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  }
}

async function measureChart(database: Database): Promise<number> {
  const auditLog = createAuditLog({ database });
  const counts = createHistogram({ database, auditLog });
  const times: number[] = [];
  for (let run = 0; run < 6; run += 1) {
    const began = performance.now();
    await counts.over(EVERY_EVENT, new Date(), await auditLog.glance());
    times.push(performance.now() - began);
  }
  return median(times.slice(1));
}

async function measureExport(ownerUrl: string): Promise<{ file: string; rate: number; memory: number[] }> {
  const file = path.join(folder, 'export.ndjson');
  const began = performance.now();
  const child = command(['audit', 'export', '--output', file, '--reason', 'a measurement'], {
    DATABASE_URL: ownerUrl,
    REDIS_URL: redis?.url ?? '',
  });
  const samples: number[] = [];
  let running = true;
  const exited = ended(child).finally(() => {
    running = false;
  });
  while (running) {
    samples.push(residentMb(child.pid ?? 0));
    await Promise.race([exited, delay(100)]);
  }
  await exited;
  const seconds = (performance.now() - began) / 1_000;
  const half = Math.ceil(samples.length / 2);
  const memory = [samples.slice(0, half), samples.slice(half)].map((part) => Math.round(Math.max(0, ...part)));
  return { file, rate: most / seconds, memory };
}

async function measureVerify(file: string): Promise<{ rate: number }> {
  const began = performance.now();
  await ended(command(['audit', 'verify', '--file', file], {}));
  const rate = most / ((performance.now() - began) / 1_000);
  say(`${Math.round(statSync(file).size / most)} bytes a line`);
  return { rate };
}

/** The oldest month that holds events, dropped as the worker drops it. */
async function measureDrop(pool: pg.Pool): Promise<number> {
  const { rows: months } = await pool.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'audit_event'::regclass ORDER BY 1`,
  );
  for (const { name } of months) {
    const { rows } = await pool.query<{ seq: string; hash: Buffer; sealed_at: Date }>(
      `SELECT seq, hash, sealed_at FROM ${name} ORDER BY seq DESC LIMIT 1`,
    );
    const [last] = rows;
    if (last)
      await pool.query(
        `INSERT INTO audit_checkpoint (seq, made_at, reason, hash, sealed_at, key_id, signature)
         VALUES ($1, now(), 'retention', $2, $3, 'bench', '\\x00')`,
        [last.seq, last.hash, last.sealed_at],
      );
    const began = performance.now();
    const month = name.slice('audit_event_'.length).replace('_', '-');
    await pool.query('SELECT * FROM audit_drop_month($1::timestamp)', [`${month}-01`]);
    if (last) return performance.now() - began;
  }
  throw new Error('there is no month to drop');
}

function command(args: readonly string[], env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [path.join(projectRoot, 'dist/src/cli/main.js'), ...args], {
    env: { PATH: process.env['PATH'], NODE_ENV: 'test', ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.add(child);
  return child;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => {
      children.delete(child);
      if (code === 0) resolve();
      else reject(new Error(`a command ended with ${code}`));
    });
  });
}

function residentMb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
  } catch {
    return 0; // it has ended, or this is no Linux
  }
}

function queriesTable(bySize: readonly { size: number; queries: Measured[]; chartMs: number }[]): string {
  const last = bySize.at(-1);
  const rows = (last?.queries ?? []).map(({ name, targetMs, plan }, index) => [
    name,
    ...bySize.flatMap(({ queries }) => [`${ms(queries[index]?.firstMs)} / ${ms(queries[index]?.warmMs)}`]),
    String(targetMs),
    plan,
  ]);
  rows.push([
    'counts for the picture of a month',
    ...bySize.map(({ chartMs }) => `– / ${ms(chartMs)}`),
    '300',
    'audit_hour',
  ]);
  const heads = bySize.map(({ size }) => `${size.toLocaleString('en')}: first / warm, ms`);
  return table(['query', ...heads, 'aim, ms', 'how'], rows);
}

function pagesTable(bySize: readonly { size: number; queries: Measured[] }[]): string {
  const names = bySize.at(-1)?.queries ?? [];
  return table(
    ['query', ...bySize.map(({ size }) => size.toLocaleString('en'))],
    names.map(({ name }, index) => [name, ...bySize.map(({ queries }) => String(queries[index]?.pages ?? ''))]),
  );
}

function ms(value: number | undefined): string {
  return value === undefined ? '' : value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function rate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en');
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

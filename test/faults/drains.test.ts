// A drain whose worker is killed, whose PostgreSQL is restarted, or whose Redis is gone: its receiver gets every event of the
// log, in order.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { FILL } from '../support/filled-log.ts';
import { type LogReceiver, startLogReceiver } from '../support/log-receiver.ts';
import { type RunningWorker, startWorkerProcess } from '../support/worker-process.ts';

const WITHIN_MS = 60_000;

let servers: OwnServers;
let receiver: LogReceiver;
let folder: string;
let running: RunningWorker[];
let filled: number;

beforeEach(async () => {
  [servers, receiver] = await Promise.all([startOwnServers(), startLogReceiver()]);
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-drained-'));
  const { url, secretFile, caFile } = receiver;
  const drains = [
    { name: 'siem', to: url, secretFile, caFile },
    { name: 'archive', to: `file:${folder}/audit.ndjson` },
  ];
  writeFileSync(path.join(folder, 'drains.yaml'), JSON.stringify({ drains }));
  [running, filled] = [[], 0];
});

afterEach(async () => {
  for (const worker of running) worker.process.kill('SIGKILL');
  await Promise.all(running.map(({ exited }) => exited));
  await receiver?.close();
  await servers?.close();
  rmSync(folder, { recursive: true, force: true });
});

function startWorker(): RunningWorker {
  const env = { AUDIT_DRAINS_FILE: path.join(folder, 'drains.yaml') };
  const worker = startWorkerProcess({ database: servers.database, redisUrl: servers.redisUrl, env });
  running.push(worker);
  return worker;
}

const sql = <Row>(text: string, values: unknown[] = []) => query<Row>(servers.database.superuserUrl, text, values);

async function fill(count: number): Promise<void> {
  await sql(FILL, [count, filled + 1]);
  filled += count;
}

/** Waits until both receivers have everything that there is. */
async function caughtUp(): Promise<number> {
  let head = 0;
  await until(async () => {
    const [row] = await sql<{ head: string; done: boolean }>(
      `SELECT (SELECT seq FROM audit_head) AS head, (SELECT count(*) FROM outbox) = 0
         AND count(*) = 2 AND bool_and(d.seq = (SELECT seq FROM audit_head)) AS done FROM audit_drain AS d`,
    ).catch(() => []);
    head = Number(row?.head);
    return row?.done === true && head >= filled;
  }, WITHIN_MS);
  return head;
}

async function expectWhole(): Promise<void> {
  const head = await caughtUp();
  const all = Array.from({ length: head }, (_, index) => index + 1);
  const taken = receiver.seqs().filter((seq) => seq <= head); // what was sealed since may be there as well
  expect(taken).toEqual(all);
  const { readFileSync } = await import('node:fs');
  const lines = readFileSync(path.join(folder, 'audit.ndjson'), 'utf8').split('\n').slice(0, -1);
  const written = lines.map((line) => (JSON.parse(line) as { seq: number }).seq).filter((seq) => seq <= head);
  expect([...new Set(written)]).toEqual(all);
}

test('kill -9 of the worker, again and again, and another that takes over', async () => {
  await fill(5_000);
  for (const after of [1, 4, 8]) {
    const worker = startWorker();
    await until(() => receiver.taken.length >= after, WITHIN_MS);
    worker.process.kill('SIGKILL');
    await worker.exited;
    await fill(3_000);
    // Its lease would run out by itself a quarter of a minute later.
    await sql(`UPDATE audit_drain SET held_until = clock_timestamp()`);
  }
  const [last, other] = [startWorker(), startWorker()];
  await expectWhole();
  // A worker that stops as it is told lets go, and the other goes on at once.
  const before = receiver.taken.length;
  last.process.kill('SIGTERM');
  expect(await last.exited).toBe(0);
  await fill(10);
  await until(() => receiver.taken.length > before, 12_000);
  expect(other.process.exitCode).toBeNull();
  await expectWhole();
});

test('PostgreSQL killed and started again while the log is drained', async () => {
  startWorker();
  await fill(8_000);
  for (const after of [2, 6]) {
    await until(() => receiver.taken.length >= after, WITHIN_MS);
    await servers.postgres().kill();
    await servers.startPostgresAgain();
    await fill(2_000);
  }
  await expectWhole();
});

test('Redis gone: the log is sealed and drained all the same', async () => {
  startWorker();
  await fill(100);
  await caughtUp();
  await servers.redis().kill();
  await fill(2_000);
  await expectWhole();
});

test('a worker whose file makes no sense does not start, and says why', async () => {
  writeFileSync(path.join(folder, 'drains.yaml'), 'drains: [{ name: siem, to: "http://siem.example.org" }]');
  const worker = startWorker();
  expect(await worker.exited).toBe(1);
  expect(worker.log()).toContain('siem: to: only https://');
});

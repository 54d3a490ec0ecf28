// The worker as it is shipped, a process of its own on real stores: it seals what the web process records, wherever it is
// killed and whatever Redis forgets, and stops in order when it is told to.
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { until } from '../../harness/until.ts';
import { type AuditEventType, NO_ORIGIN } from '../../src/core/audit/events.ts';
import { openQueues } from '../../src/core/platform/queues.ts';
import { QUEUE_PREFIX } from '../../src/core/platform/redis.ts';
import { type RunningWorker, startWorkerProcess } from '../support/worker-process.ts';
import { world } from '../support/world.ts';

const { stores, web, redis, sql } = await world();
const running: RunningWorker[] = [];

afterEach(async () => {
  for (const worker of running.splice(0)) {
    worker.process.kill('SIGKILL');
    await worker.exited;
  }
});

function startWorker(): RunningWorker {
  const worker = startWorkerProcess(stores);
  running.push(worker);
  return worker;
}

/** A worker that takes jobs, and has sealed what was there. */
async function startedWorker(): Promise<RunningWorker> {
  const worker = startWorker();
  const isReady = async () => worker.log().includes('"msg":"ready"') && (await left()) === 0;
  await until(isReady).catch((error) => {
    throw new Error(`${error.message}\n${worker.log()}`);
  });
  return worker;
}

const left = async () => Number((await sql<{ count: string }>('SELECT count(*) FROM outbox'))[0]?.count);

async function countOf(type: string, pid?: number): Promise<number> {
  const rows = await sql(
    `SELECT seq FROM audit_event WHERE type = $1 AND ($2::int IS NULL OR (detail->>'pid')::int = $2)`,
    [type, pid ?? null],
  );
  return rows.length;
}

/** How long an event that the web process records takes to be in the log. */
async function sealedWithinMs(type: AuditEventType): Promise<number> {
  const before = await countOf(type);
  const startedAt = performance.now();
  await web.context.record({ type, outcome: 'success', actor: null, subject: null, origin: NO_ORIGIN });
  await until(async () => (await countOf(type)) === before + 1);
  return performance.now() - startedAt;
}

const fillOutbox = (count: number) =>
  sql(
    `INSERT INTO outbox (event)
     SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'occurredAt', '2026-11-23T19:07:05.123Z', 'type', 'authn_login_fail',
                               'outcome', 'failure', 'detail', jsonb_build_object('n', n))
       FROM generate_series(1, $1) AS n`,
    [count],
  );

describe('the worker', () => {
  test('seals what the web process records within two seconds', async () => {
    await startedWorker();
    await sealedWithinMs('sys_cleanup'); // beside each recurring job, all of which it runs as it starts
    for (let round = 0; round < 3; round += 1) expect(await sealedWithinMs('sys_cleanup')).toBeLessThan(2_000);
  });

  test('is nudged: it seals long before its schedule would', async () => {
    await redis.flushdb(); // a job that a killed worker had in hand would hold up the first
    await startedWorker();
    // It can't see any more what waits: without a nudge there is but the schedule, every ten seconds.
    await sql('ALTER TABLE securing_order RENAME TO securing_order_away');
    try {
      const times: number[] = [];
      for (let round = 0; round < 6; round += 1) {
        await delay(150);
        times.push(await sealedWithinMs('sys_cleanup'));
      }
      const median = times.sort((a, b) => a - b)[3] ?? 0;
      expect(median).toBeLessThan(3_000);
    } finally {
      await sql('ALTER TABLE securing_order_away RENAME TO securing_order');
    }
  });

  test('is nudged twice by a burst, however long it is, and not forgotten when the process ends', async () => {
    const jobs = async () => Number(await redis.get(`${QUEUE_PREFIX}:audit:id`));
    const before = await jobs();
    const connection = new Redis(stores.redisUrl, { maxRetriesPerRequest: null });
    const queues = openQueues(connection);
    await connection.ping();
    for (let asked = 0; asked < 100; asked += 1) queues.nudge('seal-events');
    await queues.close();
    await connection.quit();
    expect((await jobs()) - before).toBe(2);
  });

  test('seals without a nudge too', async () => {
    await startedWorker();
    const before = await countOf('authn_login_fail');
    await fillOutbox(5);
    await until(async () => (await countOf('authn_login_fail')) === before + 5);
  });

  test('shows for a quarter of an hour that a run of a recurring job failed, and for longer what was given up', async () => {
    const connection = new Redis(stores.redisUrl, { maxRetriesPerRequest: null });
    const queues = openQueues(connection);
    const failing = new Worker(
      'sessions',
      async () => {
        throw new Error('PostgreSQL is away');
      },
      { connection, prefix: QUEUE_PREFIX },
    );
    const queue = await queues.open('sessions');
    try {
      queues.nudge('flush-touches');
      await until(async () => (await queue.getFailedCount()) === 1);
      await queue.add('end-session', {}, { attempts: 1 });
      await until(async () => (await queue.getFailedCount()) === 2);
      for (const { id } of await queue.getFailed())
        await redis.hset(`${QUEUE_PREFIX}:sessions:${id}`, 'finishedOn', Date.now() - 16 * 60_000);
      queues.nudge('flush-touches');
      await until(async () => (await queue.getFailedCount()) === 3);
    } finally {
      await failing.close();
    }
    await startedWorker();
    await until(async () => (await queue.getFailedCount()) === 2);
    expect((await queue.getFailed()).map(({ name }) => name).sort()).toEqual(['end-session', 'flush-touches']);
    await queues.close();
    await connection.quit();
  });

  test('goes on when Redis has forgotten everything, its schedule too', async () => {
    await startedWorker();
    await redis.flushdb();
    const before = await countOf('authn_login_fail');
    await fillOutbox(5);
    await until(async () => (await countOf('authn_login_fail')) === before + 5);
    await until(async () => (await redis.keys(`${QUEUE_PREFIX}:*:repeat:*`)).length >= 6);
    expect(await sealedWithinMs('sys_cleanup')).toBeLessThan(2_000);
  });

  test('killed in the middle, again and again, loses nothing and seals nothing twice', async () => {
    const before = await countOf('authn_login_fail');
    const count = 20_000;
    await fillOutbox(count);
    for (let kills = 0; kills < 2; kills += 1) {
      const worker = startWorker();
      const start = await left();
      await until(async () => (await left()) < start - 500);
      worker.process.kill('SIGKILL');
      await worker.exited;
      expect(await left()).toBeGreaterThan(0);
    }
    // A killed worker's job is another's once its lock has run out.
    startWorker();
    await until(async () => (await left()) === 0);
    expect(await countOf('authn_login_fail')).toBe(before + count);
    const [row] = await sql<{ twice: number; numbers: number }>(
      `SELECT count(*)::int - count(DISTINCT id)::int AS twice, count(DISTINCT detail->>'n')::int AS numbers
         FROM (SELECT id, detail FROM audit_event WHERE type = 'authn_login_fail' ORDER BY seq DESC LIMIT $1) AS filled`,
      [count],
    );
    expect(row).toEqual({ twice: 0, numbers: count });
    expect((await web.context.verification.verify()).intact).toBe(true);
  });

  test('stops in order when told to: exits 0, and says so in the log', async () => {
    const worker = await startedWorker();
    worker.process.kill('SIGTERM');
    worker.process.kill('SIGTERM');
    expect(await worker.exited).toBe(0);
    const waiting = await sql<{ event: { type: string; detail: { pid: number } } }>('SELECT event FROM outbox');
    const told = waiting.filter(
      ({ event }) => event.type === 'sys_shutdown' && event.detail.pid === worker.process.pid,
    );
    expect(told.length + (await countOf('sys_shutdown', worker.process.pid))).toBe(1);
    expect(worker.log()).toContain('the worker has stopped');
    expect(worker.log()).not.toContain('"level":50');
  });

  test('stops in order before it has done anything', async () => {
    const worker = startWorker();
    await until(() => worker.log().includes('the worker has started'));
    worker.process.kill('SIGINT');
    expect(await worker.exited).toBe(0);
  });
});

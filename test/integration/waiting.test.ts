// The look of the worker: it finds each job that has work, and no other.
import { expect, test } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { until } from '../../harness/until.ts';
import type { JobName } from '../../src/core/platform/queues.ts';
import { keys } from '../../src/core/platform/redis.ts';
import { createLookForWork } from '../../worker/waiting.ts';
import { world } from '../support/world.ts';

const { worker, redis, sql } = await world({ webs: 0, worker: true });
const look = createLookForWork(worker);
const later = "clock_timestamp() + interval '30 seconds'";

/** What Redis says counts at the next look. */
async function found(): Promise<JobName[]> {
  await look();
  await redis.ping();
  return [...(await look())].sort();
}

async function workAll(): Promise<void> {
  await worker.sealing.seal();
  await worker.alerting.follow();
  await worker.lastLogins.keepUp();
  await worker.sealing.seal();
  if ((await found()).length > 0) await workAll();
}

test('nothing is found where nothing waits, whatever is to be done later', async () => {
  await workAll();
  const mail = `INSERT INTO mail (id, recipient, template, language, attempts, due_at) VALUES ($1, 'a@example.org', 'unknown', 'en', 1, ${later})`;
  await sql(mail, [uuidv7()]);
  expect(await found()).toEqual([]);
  expect(worker.sealing.silentMs()).toBeLessThan(1_000);
});

test.each<[JobName, () => Promise<unknown>]>([
  [
    'send-mails',
    () =>
      sql(`INSERT INTO mail (id, recipient, template, language) VALUES ($1, 'a@example.org', 'unknown', 'en')`, [
        uuidv7(),
      ]),
  ],
  [
    'end-everybody',
    () =>
      sql(`INSERT INTO everybody_ended (id, asked_at, reason) VALUES ($1, clock_timestamp(), 'a test')`, [uuidv7()]),
  ],
  ['secure-accounts', () => sql(`INSERT INTO securing_order (id, reason) VALUES ($1, 'a test')`, [uuidv7()])],
  [
    'follow-log',
    () =>
      sql(
        `INSERT INTO alert (id, rule, about, count, happened_at, closes_at)
                            VALUES ($1, 'sealing_behind', '', 2, clock_timestamp(), clock_timestamp())`,
        [uuidv7()],
      ),
  ],
  ['flush-touches', () => redis.zadd(`hf:${keys.touched}`, 1, 'somebody')],
  ['fold-refusals', () => redis.hset(`hf:${keys.throttleRefused}`, 'a block:1', 1)],
])('finds %s', async (name, begin) => {
  expect(await found()).not.toContain(name);
  await begin();
  await until(async () => (await found()).includes(name)); // Redis may answer after PostgreSQL
});

test('finds an event to seal, and once it is sealed those who read the log', async () => {
  await worker.record({
    type: 'sys_cleanup',
    outcome: 'success',
    actor: null,
    subject: null,
    origin: { ip: null, userAgent: null, requestId: null },
  });
  expect(await found()).toContain('seal-events');
  await worker.sealing.seal();
  const after = await found();
  expect(after).not.toContain('seal-events');
  expect(after).toEqual(expect.arrayContaining(['follow-log', 'index-details']));
});

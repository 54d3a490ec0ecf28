// Made-up events: sealed like real ones, spread over months and people, marked, and kept out of a log that is in use.
import { describe, expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { makeUp } from '../../src/core/seed/made-up-events.ts';
import { createRandom } from '../../src/core/seed/made-up-people.ts';
import { seed } from '../../src/core/seed/seed.ts';
import { openWorker } from '../support/app.ts';
import { world } from '../support/world.ts';

const { stores, sql, openAs } = await world({ webs: 0 });
const owner = await openAs('owner');

const OPTIONS = { events: 12_000, people: 300, months: 4, intoUsedLog: false };

describe('what is made up', () => {
  const from = new Date('2026-07-01T00:00:00Z');
  const to = new Date('2026-11-01T00:00:00Z');
  const make = (seed: number) => [
    ...makeUp({ random: createRandom(seed), events: 20_000, people: 200, from, to }).hours,
  ];

  test('is the same for the same seed, in order, within the span, and as many as were asked for', () => {
    const events = make(7).flat();
    expect(events).toHaveLength(20_000);
    expect(JSON.stringify(make(7).flat().slice(0, 500))).toBe(JSON.stringify(events.slice(0, 500)));
    const times = events.map(({ event }) => event.occurredAt.getTime());
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(from.getTime() - 60_000);
    expect(times.at(-1)).toBeLessThan(to.getTime());
    expect(events.every(({ event }) => event.detail['made_up'] === true)).toBe(true);
  });

  test('has a peak on Monday mornings, quiet nights, and an attack', () => {
    const hours = make(8);
    const at = (day: number, hour: number) =>
      hours.flatMap((events, index) => {
        const time = new Date(from.getTime() + index * 3_600_000);
        return time.getUTCDay() === day && time.getUTCHours() === hour ? [events.length] : [];
      });
    const mean = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0) / counts.length;
    expect(mean(at(1, 8))).toBeGreaterThan(2 * mean(at(3, 8)));
    expect(mean(at(3, 8))).toBeGreaterThan(5 * mean(at(3, 3)));
    const fails = hours.map((events) => events.filter(({ event }) => event.type === 'authn_login_fail').length);
    const worst = fails.indexOf(Math.max(...fails));
    expect(fails[worst]).toBeGreaterThan(400);
    expect(Math.abs(worst / hours.length - 0.62)).toBeLessThan(0.01);
  });
});

test('is sealed as the worker seals, when it happened, with a partition for each month', async () => {
  const progress: number[] = [];
  const result = await seed(owner, OPTIONS, (done) => progress.push(done));
  expect(result).toEqual({ ok: true, events: 12_000, firstSeq: 1, lastSeq: 12_000 });
  expect(progress.at(-1)).toBe(12_000);
  expect(await owner.verification.verify()).toMatchObject({ intact: true, count: 12_001 });
  const months = await sql<{ fits: boolean }>(
    `SELECT bool_and(date_trunc('month', occurred_at - interval '1 minute', 'UTC') <= date_trunc('month', sealed_at, 'UTC')
                 AND sealed_at - occurred_at < interval '31 days') AS fits
       FROM audit_event WHERE detail ? 'made_up' GROUP BY tableoid`,
  );
  expect(months.length).toBeGreaterThanOrEqual(4);
  expect(months.every(({ fits }) => fits)).toBe(true);
  const [told] = await sql<{ detail: object }>(`SELECT detail FROM audit_event WHERE type = 'sys_made_up_events'`);
  expect(told?.detail).toEqual({ events: 12_000, people: 300 });
  const [counted] = await sql<{ sum: string }>('SELECT sum(events) FROM audit_summary');
  expect(Number(counted?.sum)).toBe(12_001);
  expect(await sql(`SELECT id FROM user_account WHERE role = 'operator'`)).toEqual([]);
});

test('is refused where people have logged in, unless it is asked for all the same', async () => {
  expect(await seed(owner, OPTIONS, () => undefined)).toEqual({ ok: false, reason: 'log_in_use' });
  await owner.record({ type: 'sys_startup', outcome: 'success', actor: null, subject: null, origin: NO_ORIGIN });
  const more = await seed(owner, { ...OPTIONS, events: 100, intoUsedLog: true }, () => undefined);
  expect(more).toMatchObject({ ok: true, events: 100 });
  expect((await owner.verification.verify()).intact).toBe(true);
});

test('needs the rights of the owner of the schema', async () => {
  const worker = await openWorker(stores);
  try {
    await expect(seed(worker, { ...OPTIONS, intoUsedLog: true }, () => undefined)).rejects.toThrow(/permission denied/);
  } finally {
    await worker.close();
  }
});

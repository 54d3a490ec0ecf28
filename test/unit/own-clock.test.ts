// Recurring jobs that the queues bring no more are run by the worker's own clock.
import type { JobName } from '../../src/core/platform/queues.ts';
import { createOwnClock } from '../../worker/own-clock.ts';

function clockAt(run: (name: string) => Promise<unknown> = async () => undefined) {
  const time = { now: 0 };
  const ran: string[] = [];
  const asked: string[] = [];
  const said: string[] = [];
  const say = (message: unknown) => void said.push(String(message));
  const clock = createOwnClock({
    run: (name) => {
      ran.push(name);
      return run(name);
    },
    nudge: (name) => void asked.push(name),
    look: async () => new Set(),
    log: { info: say, warn: say, debug: () => undefined } as never,
    now: () => time.now,
  });
  /** Looks at a moment, and finds work for some jobs; what it runs. */
  const at = async (now: number, ...waiting: JobName[]) => {
    time.now = now;
    ran.length = 0;
    await Promise.all(clock.tick(new Set(waiting)));
    return [...ran];
  };
  /** What it has asked the queues for since the last time. */
  const nudges = () => asked.splice(0);
  return { clock, at, nudges, said, time };
}

test('a job that a queue brings is left to it', async () => {
  const { clock, at } = clockAt();
  for (let now = 1_000; now < 60_000; now += 1_000) {
    for (const name of ['seal-events', 'send-mails', 'look-for-trouble']) clock.brought(name)();
    expect(await at(now, 'seal-events', 'send-mails')).toEqual([]);
  }
});

test('the queues are asked for what has work, as often as it should run and no more', async () => {
  const { at, nudges, clock } = clockAt();
  await at(1_000);
  expect(nudges()).toEqual([]);
  await at(2_000, 'seal-events', 'send-mails');
  expect(nudges()).toEqual(['seal-events', 'send-mails']);
  const end = clock.brought('seal-events');
  await at(3_000, 'seal-events', 'send-mails');
  expect(nudges()).toEqual([]);
  end();
  await at(4_000, 'seal-events', 'send-mails');
  expect(nudges()).toEqual(['seal-events', 'send-mails']);
});

test('what has work and is not brought is run two of its intervals after that was seen, then at once', async () => {
  const { clock, at } = clockAt();
  expect(await at(8_000, 'seal-events')).toEqual([]);
  expect(await at(9_000, 'seal-events', 'send-mails')).toEqual([]);
  expect(await at(10_000, 'seal-events', 'send-mails')).toEqual(['seal-events']);
  expect(await at(11_000, 'seal-events')).toEqual(['seal-events']);
  expect(await at(12_000)).toEqual([]);
  clock.brought('seal-events')();
  expect(await at(13_000, 'seal-events')).toEqual([]);
});

test('one that is late by three intervals runs without a queue, then as often as it should, until it is brought again', async () => {
  const { clock, at } = clockAt();
  expect(await at(29_000)).toEqual([]);
  expect(await at(31_000)).toEqual(['seal-events']);
  expect(await at(36_000)).toEqual([]);
  expect(await at(42_000)).toEqual(['seal-events']);
  clock.brought('seal-events')();
  expect(await at(59_000)).toEqual([]);
  expect(await at(61_000)).toEqual(['look-for-trouble']);
});

test('one that was brought and takes long is not late before it has ended', async () => {
  const { clock, at } = clockAt();
  const end = clock.brought('seal-events');
  expect(await at(59_000, 'seal-events')).toEqual([]);
  end();
  expect(await at(60_000, 'seal-events')).toEqual([]);
  expect(await at(61_000)).toEqual(['look-for-trouble']);
  expect(await at(88_000)).toEqual(['look-for-trouble']);
  expect(await at(90_000)).toEqual(['seal-events']);
});

test('it is not run twice at once, and goes on after a failure', async () => {
  let fail: (error: Error) => void = () => undefined;
  const { clock, time } = clockAt(
    () =>
      new Promise((_, reject) => {
        fail = reject;
      }),
  );
  const waiting = new Set<JobName>(['seal-events']);
  clock.tick(waiting);
  time.now = 2_000;
  const [running] = clock.tick(waiting);
  time.now = 5_000;
  expect(clock.tick(waiting)).toHaveLength(0);
  fail(new Error('PostgreSQL is away'));
  await running;
  time.now = 6_000;
  expect(clock.tick(waiting)).toHaveLength(1);
});

test('it says once that the queues are silent, and once that they are back', async () => {
  const { clock, at, said } = clockAt();
  for (let now = 0; now < 120_000; now += 1_000) await at(now);
  expect(said).toEqual(['the queues bring no jobs: the recurring ones run by the worker’s own clock']);
  clock.brought('seal-events');
  clock.brought('seal-events');
  expect(said.slice(1)).toEqual(['the queues bring jobs again']);
});

// Recurring jobs that the queues bring no more are run by the worker's own clock.
import { createOwnClock } from '../../worker/own-clock.ts';

function clockAt(run: (name: string) => Promise<unknown> = async () => undefined) {
  const time = { now: 0 };
  const ran: string[] = [];
  const said: string[] = [];
  const say = (message: unknown) => void said.push(String(message));
  const clock = createOwnClock({
    run: (name) => {
      ran.push(name);
      return run(name);
    },
    log: { info: say, warn: say, debug: () => undefined } as never,
    now: () => time.now,
  });
  const at = async (now: number) => {
    time.now = now;
    ran.length = 0;
    await Promise.all(clock.tick());
    return [...ran];
  };
  return { clock, at, said, time };
}

test('a job that a queue brings is left to it', async () => {
  const { clock, at } = clockAt();
  for (let now = 1_000; now < 60_000; now += 1_000) {
    for (const name of [
      'seal-events',
      'sign-exports',
      'grow-tree',
      'flush-touches',
      'send-mails',
      'end-everybody',
      'secure-accounts',
      'fold-refusals',
      'index-details',
      'follow-log',
      'post-alerts',
    ])
      clock.brought(name)();
    expect(await at(now)).toEqual([]);
  }
});

test('one that is late by three intervals runs without a queue, then as often as it should, until it is brought again', async () => {
  const { clock, at } = clockAt();
  expect(await at(2_900)).toEqual([]);
  expect(await at(3_100)).toEqual(['seal-events']);
  expect(await at(3_600)).toEqual([]);
  expect(await at(4_200)).toEqual(['seal-events']);
  clock.brought('seal-events')();
  expect(await at(7_000)).toEqual(['send-mails']);
});

test('one that was brought and takes long is not late before it has ended', async () => {
  const { clock, at } = clockAt();
  const end = clock.brought('seal-events');
  expect(await at(5_900)).toEqual([]);
  end();
  expect(await at(6_100)).toEqual(['send-mails']);
  expect(await at(8_800)).toEqual(['send-mails']);
  expect(await at(9_000)).toEqual(['seal-events']);
});

test('it is not run twice at once, and goes on after a failure', async () => {
  let fail: (error: Error) => void = () => undefined;
  const { clock, time } = clockAt(
    () =>
      new Promise((_, reject) => {
        fail = reject;
      }),
  );
  time.now = 3_100;
  const [running] = clock.tick();
  time.now = 5_900;
  expect(clock.tick()).toHaveLength(0);
  fail(new Error('PostgreSQL is away'));
  await running;
  time.now = 7_500;
  expect(clock.tick().length).toBeGreaterThan(0);
});

test('it says once that the queues are silent, and once that they are back', async () => {
  const { clock, at, said } = clockAt();
  for (let now = 0; now < 60_000; now += 500) await at(now);
  expect(said).toEqual(['the queues bring no jobs: the recurring ones run by the worker’s own clock']);
  clock.brought('seal-events');
  clock.brought('seal-events');
  expect(said.slice(1)).toEqual(['the queues bring jobs again']);
});

// What keeps a process of the launcher running: what it starts again, and what it leaves to whoever took its place.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { keepRunning } from '../../src/launcher/keep-running.ts';
import type { Exit } from '../../src/launcher/machine/process.ts';
import { saySeldom } from '../../src/launcher/say-seldom.ts';

interface Made {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  die(): void;
}

function made(pid: number): Made {
  const death = new AbortController();
  const exited = once(death.signal, 'abort').then((): Exit => ({ code: 1, signal: null }));
  return { pid, exited, die: () => death.abort() };
}

function keep(first: Made, start: (previous: Made, signal: AbortSignal) => Promise<Made>) {
  const ended: number[] = [];
  const said: string[] = [];
  const kept = keepRunning<Made>({
    name: 'it',
    first,
    start,
    end: ({ pid }) => ended.push(pid),
    say: (line) => said.push(line),
    onRestart: () => undefined,
  });
  return { kept, ended, said };
}

test('what was put in the place of one that waits to be started again stays, and is minded', async () => {
  const first = made(1);
  const started: Made[] = [];
  const { kept } = keep(first, async () => {
    const again = made(100 + started.length);
    started.push(again);
    return again;
  });
  first.die(); // young: it is started again after a pause
  await delay(10);
  const next = made(2);
  kept.replaceBy(next);
  await delay(600);
  expect(started).toEqual([]);
  expect(kept.current().pid).toBe(2);
  next.die();
  await until(() => started.length === 1);
  expect(kept.current().pid).toBe(100);
  await kept.letGo();
});

test('whoever puts another in its place is given what it replaced, also where that had come back meanwhile', async () => {
  const first = made(1);
  const { kept } = keep(first, async () => made(100));
  first.die();
  await until(() => kept.current().pid === 100);
  expect(kept.replaceBy(made(2)).pid).toBe(100);
  await kept.letGo();
});

test('what is started while another is put in its place is ended, and takes no place', async () => {
  const first = made(1);
  const start = new AbortController();
  let starts = 0;
  const { kept, ended } = keep(first, async () => {
    starts += 1;
    await once(start.signal, 'abort');
    return made(100);
  });
  first.die();
  await until(() => starts === 1);
  kept.replaceBy(made(2));
  start.abort();
  await until(() => ended.length > 0);
  expect([ended, kept.current().pid]).toEqual([[100], 2]);
  await kept.letGo();
});

test('a start that would take for ever is ended by whoever lets go, and is called no failure', async () => {
  const first = made(1);
  let starts = 0;
  const { kept, said } = keep(first, async (_previous, signal) => {
    starts += 1;
    await once(signal, 'abort');
    throw new Error('ended');
  });
  first.die();
  await until(() => starts === 1);
  expect((await kept.letGo()).pid).toBe(1);
  expect(said).toEqual(['it died (exit code 1) and is started again']);
});

test('one that fails, and fails again, is said to be back', async () => {
  const first = made(1);
  let starts = 0;
  const { kept, said } = keep(first, async () => {
    starts += 1;
    if (starts < 4) throw new Error(`no room, ${starts}`);
    return made(100);
  });
  first.die();
  await until(() => kept.current().pid === 100, 10_000);
  await kept.letGo();
  const failures = ["it can't be started again yet: no room, 1", "it can't be started again yet: no room, 2"];
  expect(said).toEqual(['it died (exit code 1) and is started again', ...failures, 'it is back']);
});

test('what goes on all night is said twice in ten minutes, with the number of what was left out', () => {
  let now = 5_000;
  const said: string[] = [];
  const say = saySeldom(
    (line) => said.push(line),
    () => now,
  );
  for (; now < 605_000; now += 10_000) say('failure', 'no room');
  expect(said).toEqual(['no room', 'no room']);
  say('death', 'died');
  say('failure', 'no room');
  expect(said.slice(2)).toEqual(['died', '(58 more like this since the last one) no room']);
});

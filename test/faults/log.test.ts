// Nothing waits for a line of the log: with a pipe or socket that nobody reads, or a full disk, a web process answers pages,
// lets people in and stops as it was told.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { GENEROUS } from '../../harness/generous-throttle.ts';
import { until } from '../../harness/until.ts';
import { createHeldLines } from '../../src/core/platform/logging/held-lines.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { Browser, newEmail } from '../support/app.ts';
import { world } from '../support/world.ts';

/** A line each: more than a pipe or a socket takes. */
const REQUESTS = 4_000;
const AT_ONCE = 50;

const { stores } = await world({ webs: 0 });
const ending: (() => void)[] = [];

afterEach(() => {
  for (const end of ending.splice(0).reverse()) end();
});

async function startWeb(stdout: number | 'pipe'): Promise<{ child: ChildProcess; url: string }> {
  const port = await freePort();
  const child = spawn(process.execPath, [path.resolve('dist/src/web/main.js')], {
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'test',
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: stores.database.webUrl,
      REDIS_URL: stores.redisUrl,
      SESSION_KEYS: 'a-key-for-tests-that-is-long-enough',
      SECRETS_KEYS: 'another-key-for-tests-that-is-long-enough',
      DATABASE_POOL: '4',
      ...GENEROUS,
    },
    stdio: ['ignore', stdout, 'inherit'],
  });
  ending.push(() => child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  const isReady = () =>
    fetch(`${url}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    );
  await until(isReady);
  return { child, url };
}

async function askOften(url: string): Promise<number[]> {
  const statuses: number[] = [];
  for (let asked = 0; asked < REQUESTS; asked += AT_ONCE) {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => fetch(`${url}/login`)));
    for (const answer of answers) await answer.body?.cancel();
    statuses.push(...answers.map(({ status }) => status));
  }
  return statuses;
}

/** A named pipe of which this process holds the reading end. */
function pipe(): { reading: number; writing: number } {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'holdfast-pipe-')), 'pipe');
  execFileSync('mkfifo', [file]);
  const reading = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const writing = openSync(file, constants.O_WRONLY);
  ending.push(() => {
    for (const fd of [reading, writing]) closeSync(fd);
    rmSync(path.dirname(file), { recursive: true });
  });
  return { reading, writing };
}

async function expectAnswers({ child, url }: { child: ChildProcess; url: string }): Promise<void> {
  expect(new Set(await askOften(url))).toEqual(new Set([200]));
  const browser = new Browser(url);
  expect((await browser.register(newEmail())).status).toBe(303);
  expect(await browser.profile()).toBe(200);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
}

test('a pipe that nobody reads', async () => {
  await expectAnswers(await startWeb(pipe().writing));
});

test('a socket that nobody reads', async () => {
  await expectAnswers(await startWeb('pipe'));
});

test('a full disk', async () => {
  const full = openSync('/dev/full', 'w');
  ending.push(() => closeSync(full));
  await expectAnswers(await startWeb(full));
});

test('a pipe that is read again gets the lines that were held, whole and in order', async () => {
  const { reading, writing } = pipe();
  const { url } = await startWeb(writing);
  await askOften(url);
  const last = await fetch(`${url}/after-all-others`);
  expect(last.status).toBe(404);
  let text = '';
  const piece = Buffer.alloc(65_536);
  await until(() => {
    try {
      for (let count = 1; count > 0; text += piece.toString('utf8', 0, count)) count = readSync(reading, piece);
    } catch {
      // nothing to read right now
    }
    return text.includes('/after-all-others') && text.endsWith('\n');
  }, 20_000);
  const lines = text.trim().split('\n');
  const paths = lines.map((line) => (JSON.parse(line) as { path?: string }).path);
  expect(paths.filter((one) => one === '/login')).toHaveLength(REQUESTS);
});

test('lines beyond what is held are dropped, and how many is said after those that were held', () => {
  const held = createHeldLines((count) => `${count} lost\n`);
  const line = 'x'.repeat(1_024 * 1_024);
  for (let count = 0; count < 20; count += 1) held.add(line);
  let text = '';
  for (let chunk = held.chunk(); chunk !== null; chunk = held.chunk()) {
    text += chunk.toString();
    held.written(chunk.length);
  }
  expect(text.length).toBe(16 * line.length + '4 lost\n'.length);
  expect(text.endsWith('4 lost\n')).toBe(true);
  expect(held.isEmpty()).toBe(true);
});

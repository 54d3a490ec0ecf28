// A web process whose clock is off neither ends nor extends anybody's session: PostgreSQL's and Redis's clocks decide.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { query } from '../../harness/query.ts';
import type { TestStores } from '../../harness/stores.ts';
import { until } from '../../harness/until.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { Browser, newEmail } from '../support/app.ts';
import { openTestStores } from '../support/stores.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let stores: TestStores;
let redis: Redis;
const processes: ChildProcess[] = [];

beforeAll(async () => {
  stores = await openTestStores();
  redis = new Redis(stores.redisUrl);
});

afterAll(async () => {
  redis?.disconnect();
  await Promise.all(
    processes.map(async (child) => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }),
  );
  await stores?.close();
});

async function startShifted(shiftMs: number): Promise<string> {
  const port = await freePort();
  const child = spawn(process.execPath, ['--import', './test/support/shift-clock.mjs', 'dist/src/web/main.js'], {
    env: {
      ...process.env,
      NODE_ENV: 'test',
      CLOCK_SHIFT_MS: String(shiftMs),
      PORT: String(port),
      DATABASE_URL: stores.database.webUrl,
      REDIS_URL: stores.redisUrl,
      SESSION_KEYS: 'a-key-for-tests-that-is-long-enough',
      LOG_LEVEL: 'silent',
    },
    stdio: 'inherit',
  });
  processes.push(child);
  const url = `http://127.0.0.1:${port}`;
  await until(() =>
    fetch(`${url}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  return url;
}

test.each([
  ['ahead by two days', 2 * DAY_MS],
  ['behind by two days', -2 * DAY_MS],
])('a process whose clock is %s', async (_name, shiftMs) => {
  const url = await startShifted(shiftMs);
  const browser = new Browser(url);
  const email = newEmail();
  expect((await browser.register(email)).status).toBe(303);
  const [row] = await query<{ id: string; token_hash: Buffer; idle: number; absolute: number }>(
    stores.database.superuserUrl,
    `SELECT s.id, token_hash, extract(epoch FROM idle_deadline - now())::float8 * 1000 AS idle,
            extract(epoch FROM absolute_deadline - now())::float8 * 1000 AS absolute
       FROM session s JOIN user_account u ON u.id = user_id WHERE email = $1`,
    [email],
  );
  if (!row) throw new Error('no session');
  const key = `hf:s:${row.token_hash.toString('base64url')}`;
  expect(Math.abs(row.idle - DAY_MS)).toBeLessThan(60_000);
  expect(Math.abs(row.absolute - 7 * DAY_MS)).toBeLessThan(60_000);
  expect(Math.abs((await redis.pttl(key)) - DAY_MS)).toBeLessThan(60_000);

  expect(await browser.profile()).toBe(200);
  await redis.del(key);
  expect(await browser.profile()).toBe(200);
  await until(async () => (await redis.pttl(key)) > 0);
  expect(Math.abs((await redis.pttl(key)) - DAY_MS)).toBeLessThan(60_000);

  await query(
    stores.database.superuserUrl,
    `UPDATE session SET idle_deadline = now() - interval '1 second' WHERE id = $1`,
    [row.id],
  );
  await redis.del(key);
  expect(await browser.profile()).toBe(303);
});

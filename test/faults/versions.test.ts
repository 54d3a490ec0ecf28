// Old beside new: what a version before or after this one wrote is read, kept and carried out.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { query } from '../../harness/query.ts';
import type { TestStores } from '../../harness/stores.ts';
import { until } from '../../harness/until.ts';
import type { Context } from '../../src/core/context.ts';
import type { EndSessionJob } from '../../src/core/platform/queues.ts';
import { handlers } from '../../worker/handlers.ts';
import {
  Browser,
  newEmail,
  openWorker,
  SESSION_COOKIE,
  setCookie,
  startWeb,
  type TestProcess,
} from '../support/app.ts';
import { openTestStores } from '../support/stores.ts';

const HEADER_LENGTH = 27;

let stores: TestStores;
let web: TestProcess;
let worker: Context;
let redis: Redis;

beforeAll(async () => {
  stores = await openTestStores();
  [web, worker] = await Promise.all([startWeb(stores), openWorker(stores)]);
  redis = new Redis(stores.redisUrl);
});

afterAll(async () => {
  redis?.disconnect();
  await Promise.all([web?.close(), worker?.close()]);
  await stores?.close();
});

async function registered() {
  const browser = new Browser(web.url);
  const email = newEmail();
  const response = await browser.register(email);
  const token =
    setCookie(response, SESSION_COOKIE)
      ?.slice(SESSION_COOKIE.length + 1)
      .split('.')[0] ?? '';
  const key = `hf:s:${createHash('sha256').update(token).digest('base64url')}`;
  const value = (await redis.get(key)) ?? '';
  const header = value.slice(0, HEADER_LENGTH);
  const copy = JSON.parse(value.slice(HEADER_LENGTH)) as { owner: Record<string, unknown> } & Record<string, unknown>;
  return { browser, email, token, key, header, copy };
}

test('a copy with fields that a newer version added is read, and keeps them when it is written again', async () => {
  const { browser, token, key, header, copy } = await registered();
  const owner = { ...copy.owner, factor: 'passkey' };
  const newer = JSON.stringify({ ...copy, device: { trusted: true }, owner, data: { theme: 'dark' } });
  const old = `L${Number(header.slice(1, 14)) - 5 * 60_000}${header.slice(14)}`;
  await redis.set(key, old + newer, 'KEEPTTL');
  expect(await browser.profile()).toBe(200);
  await until(async () => !(await redis.get(key))?.startsWith(old)); // it was seen
  expect((await redis.get(key))?.slice(HEADER_LENGTH)).toBe(newer);
  expect(await web.context.sessionCache.read(token)).toMatchObject({ state: 'live', data: { theme: 'dark' } });
});

test('a copy without the fields that an older version did not write yet has defaults for them', async () => {
  const { browser, key, header, copy } = await registered();
  const { id, userId, email, role } = copy.owner;
  await redis.set(
    key,
    header + JSON.stringify({ v: 1, owner: { id, userId, email, role }, idleTimeoutMs: 60_000 }),
    'KEEPTTL',
  );
  const page = await browser.get('/profile');
  expect(page.status).toBe(200);
  expect(page.text).toContain(String(email));
});

test('a copy of a version that can not be read at all is left alone, and PostgreSQL answers', async () => {
  const { browser, key, header, copy } = await registered();
  const foreign = header + JSON.stringify({ ...copy, v: 99 });
  await redis.set(key, foreign, 'KEEPTTL');
  expect(await browser.profile()).toBe(200);
  expect(await redis.get(key)).toBe(foreign);
});

test.each([
  [
    'with fields that a newer version added',
    { note: 'from the future', origin: { ip: null, userAgent: null, requestId: null } },
  ],
  ['without the fields that an older version did not write yet', {}],
])('a job %s is carried out', async (_name, fields) => {
  const { browser, email } = await registered();
  const [row] = await query<{ id: string }>(
    stores.database.superuserUrl,
    'SELECT s.id FROM session s JOIN user_account u ON u.id = user_id WHERE email = $1',
    [email],
  );
  await handlers['end-session'](worker, {
    sessionId: row?.id,
    reason: 'revoked',
    ...fields,
  } as unknown as EndSessionJob);
  expect(await browser.profile()).toBe(303);
});

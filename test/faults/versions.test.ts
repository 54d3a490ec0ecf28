// Old beside new: what a version before or after this one wrote is read, kept and carried out.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { query } from '../../harness/query.ts';
import type { TestStores } from '../../harness/stores.ts';
import { until } from '../../harness/until.ts';
import type { Context } from '../../src/core/context.ts';
import type { EndSessionJob } from '../../src/core/platform/queues.ts';
import { epochMark, oldOwnerKey } from '../../src/core/sessions/cache-entry.ts';
import { createCopySeal } from '../../src/core/sessions/copy-seal.ts';
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
import { asOldCopy, copyOf, entryOf, setSeen, unsealed } from '../support/copies.ts';
import { openTestStores } from '../support/stores.ts';

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
  const older = await asOldCopy(redis, key, web.context.sessionCache.epochs.newest());
  return { browser, email, token, key, ...older };
}

/** Sets a later version's copy in the place of one: with fields of its own in the JSON, and sealed like this version's. */
async function addLater(key: string, later: Readonly<Record<string, unknown>>): Promise<string> {
  const bytes = Buffer.from(await unsealed(redis, key), 'latin1');
  const body = Buffer.concat([bytes, Buffer.of(0), Buffer.from(`${JSON.stringify(later).slice(0, -1)},`)]);
  const seal = createCopySeal(web.config.sessionKeys).of(key.slice('hf:s:'.length), body.subarray(13));
  const value = Buffer.concat([body, Buffer.from(`"m":"${seal}"}`)]);
  await redis.set(key, value, 'KEEPTTL');
  return value.toString('latin1');
}

/** How often PostgreSQL was asked for a session. */
function countFinds() {
  const asked = jest.spyOn(web.context.database.pool, 'query');
  return {
    count: () =>
      asked.mock.calls.filter(([one]) => (one as unknown as { name?: string }).name === 'session-find').length,
    end: () => asked.mockRestore(),
  };
}

const SEEN_BEFORE_MS = 5 * 60_000;
const withoutSeen = (value: string) => value[0] + value.slice(7);

test('a copy with fields that a newer version added is read, and keeps them when it is touched', async () => {
  const { browser, token, key } = await registered();
  const value = await addLater(key, { device: { trusted: true }, data: { theme: 'dark' } });
  const { seenAt } = await copyOf(redis, key);
  await setSeen(redis, key, seenAt - SEEN_BEFORE_MS);
  await until(async () => (await browser.profile()) === 200 && (await copyOf(redis, key)).seenAt >= seenAt); // it was seen
  expect(withoutSeen(await entryOf(redis, key))).toBe(withoutSeen(value));
  expect(await web.context.sessionCache.read(token)).toMatchObject({ state: 'live', data: { theme: 'dark' } });
});

test('a copy of the version before has no seal: PostgreSQL is asked once, and the copy written anew', async () => {
  const { browser, key } = await registered();
  const sealed = await entryOf(redis, key);
  const older = await unsealed(redis, key);
  expect(older.length).toBeLessThan(sealed.length);
  await redis.set(key, Buffer.from(older, 'latin1'), 'KEEPTTL');
  const finds = countFinds();
  expect(await browser.profile()).toBe(200);
  await until(async () => (await entryOf(redis, key)).length === sealed.length);
  expect((await entryOf(redis, key)).slice(13)).toBe(sealed.slice(13));
  expect(await browser.profile()).toBe(200);
  expect(finds.count()).toBe(1);
  finds.end();
  expect((await browser.logOut()).status).toBe(303);
  expect(await redis.get(key)).toBe('Elogged_out');
});

test('a copy of a version that can not be read at all is left alone: PostgreSQL answers, and hears of its use', async () => {
  const { browser, key, header, copy } = await registered();
  const foreign = header + JSON.stringify({ ...copy, v: 99 });
  await redis.set(key, foreign, 'KEEPTTL');
  const id = copy.owner['id'];
  await query(
    stores.database.superuserUrl,
    `UPDATE session SET last_seen_at = now() - interval '1 hour' WHERE id = $1`,
    [id],
  );
  expect(await browser.profile()).toBe(200);
  expect(await redis.get(key)).toBe(foreign);
  const isUsed = `SELECT FROM session WHERE id = $1 AND last_seen_at > now() - interval '1 minute'`;
  await until(async () => (await query(stores.database.superuserUrl, isUsed, [id])).length === 1);
});

test('sessions are not half ended while PostgreSQL is away where one has a copy that can not be read', async () => {
  const { key, header, copy } = await registered();
  const userId = String(copy.owner['userId']);
  const { sessionCache } = web.context;
  expect(await sessionCache.copiesOf(userId)).toHaveLength(1);
  await redis.set(key, header + JSON.stringify({ ...copy, v: 99 }), 'KEEPTTL');
  expect(await sessionCache.copiesOf(userId)).toBeNull();
});

test('the copies that the version before listed are found beside those of this one', async () => {
  const { key, header, copy } = await registered();
  const userId = String(copy.owner['userId']);
  const list = (await redis.keys('hf:o:*')).length;
  await redis.set(key, header + JSON.stringify(copy), 'KEEPTTL');
  for (const one of await redis.keysBuffer('hf:o:*')) await redis.del(one);
  expect(list).toBeGreaterThan(0);
  expect(await web.context.sessionCache.copiesOf(userId)).toEqual([]);
  const name = key.slice('hf:s:'.length);
  await redis.zadd(`hf:${oldOwnerKey(userId)}`, Date.now() + 600_000, name);
  expect(await web.context.sessionCache.copiesOf(userId)).toEqual([
    expect.objectContaining({ sessionId: copy.owner['id'], tokenHash: Buffer.from(name, 'base64url') }),
  ]);
});

test('so is a copy of an older form, also where it names no epoch', async () => {
  const { browser, key, header, copy } = await registered();
  const { e, ...older } = copy;
  expect(e).toBe(web.context.sessionCache.epochs.newest());
  await redis.set(key, header + JSON.stringify(older), 'KEEPTTL');
  const finds = countFinds();
  expect(await browser.profile()).toBe(200);
  await until(async () => (await redis.get(key))?.startsWith('S') ?? false);
  const { mark, owner } = await copyOf(redis, key);
  expect(mark).toBe(epochMark(String(e)));
  expect(owner).toMatchObject(copy.owner);
  expect(await browser.profile()).toBe(200);
  expect(finds.count()).toBe(1);
  finds.end();
});

test('a mark of an older version has no epoch: it is completed, and an older worker may raise it', async () => {
  const { browser } = await registered();
  const epoch = await redis.get('hf:epoch');
  await redis.del('hf:epoch');
  expect(await browser.profile()).toBe(200);
  await until(async () => (await redis.get('hf:epoch')) === epoch);
  await redis.set('hf:endings', Number(await redis.get('hf:endings')) + 5); // knows nothing of epochs
  expect(await browser.profile()).toBe(200);
});

test('a Redis whose mark is of an older version, and which has missed endings, is told of them before that version may trust it', async () => {
  const [leaves, reads] = [await registered(), await registered()];
  await worker.sealing.seal();
  const [mark, epoch] = await redis.mget('hf:endings', 'hf:epoch');
  expect((await leaves.browser.logOut()).status).toBe(303);
  await worker.sealing.seal();
  await query(
    stores.database.superuserUrl,
    `UPDATE session SET created_at = created_at - interval '1 hour', ended_at = ended_at - interval '5 minutes' WHERE id = $1`,
    [leaves.copy.owner['id']],
  );
  const { e: _, ...older } = leaves.copy;
  const back = redis
    .multi()
    .del('hf:epoch')
    .set('hf:endings', mark ?? '0');
  await back.set(leaves.key, leaves.header + JSON.stringify(older), 'PX', 600_000).exec();
  expect(await reads.browser.profile()).toBe(200);
  await until(async () => (await redis.get('hf:epoch')) === epoch);
  expect(await redis.get(leaves.key)).toBe('Elogged_out');
});

test('a use that Redis alone knows of counts when a copy of an older version is held against its row', async () => {
  const { browser, key, header, copy } = await registered();
  const { e: _, ...older } = copy;
  await query(
    stores.database.superuserUrl,
    `UPDATE session SET last_seen_at = now() - interval '30 days', idle_deadline = now() - interval '1 hour' WHERE id = $1`,
    [copy.owner['id']],
  );
  const used = redis.multi().zadd('hf:touched', Date.now(), key.slice('hf:s:'.length));
  await used.set(key, header + JSON.stringify(older), 'KEEPTTL').exec();
  expect(await browser.profile()).toBe(200);
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

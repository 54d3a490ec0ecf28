// Sessions shared out over three Redis: everything goes on as with one, each has its share, and every one hears of every ending.
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { startSessionShards } from '../../harness/session-shards.ts';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { isCopy } from '../../src/core/sessions/cache-entry.ts';
import { placeOf } from '../../src/core/sessions/placement.ts';
import { PASSWORD, startWeb, type TestProcess } from '../support/app.ts';
import { setSeen } from '../support/copies.ts';
import { browserOf, crowd, each, statusesOf, statusOf, type Visitor, visitor } from '../support/shared-out.ts';
import { world } from '../support/world.ts';

const PLACES = [0, 1, 2];

const shards = await startSessionShards(PLACES.length);
const apart = { REDIS_SESSION_URLS: shards.list() };
const { stores, web, other, worker, sql, redis, openWorker, newOperator } = await world({
  webs: [apart, apart],
  worker: apart,
});
afterAll(() => shards.close());

const placed = ({ name }: Visitor) => placeOf(name, PLACES.length);
const entriesOf = ({ name }: Visitor) => Promise.all(PLACES.map((place) => shards.client(place).get(`hf:s:${name}`)));

test('a copy is in one Redis, its owner’s list beside it, and nothing of sessions is in that of REDIS_URL', async () => {
  for (const one of await crowd(web, PLACES.length, 2)) {
    const entries = await entriesOf(one);
    expect(entries.map(isCopy)).toEqual(PLACES.map((place) => place === placed(one)));
    const lists = await Promise.all(PLACES.map((place) => shards.client(place).keys('hf:o:*')));
    expect(lists[placed(one)]?.length).toBeGreaterThan(0);
  }
  expect([...(await redis.keys('hf:s:*')), ...(await redis.keys('hf:o:*'))]).toEqual([]);
});

test('a page is one command, to the Redis of its session, and no question to PostgreSQL', async () => {
  const people = await crowd(web, PLACES.length, 1);
  await statusesOf(people, web);
  const reads = web.context.sessionRedis.map((client) => jest.spyOn(client, 'mgetBuffer'));
  const asked = jest.spyOn(web.context.database.pool, 'query');
  const ofPages = () => reads.map(({ mock }) => mock.calls.filter(([key]) => String(key).startsWith('s:')).length);
  for (const one of people) {
    const before = ofPages();
    expect(await statusOf(one, web)).toBe(200);
    expect(ofPages()).toEqual(before.map((count, place) => count + Number(place === placed(one))));
  }
  const finds = asked.mock.calls.filter(([query]) => (query as unknown as { name?: string }).name === 'session-find');
  expect(finds).toEqual([]);
  for (const spy of [...reads, asked]) spy.mockRestore();
});

test('a use is noted in the Redis of its session, and the worker writes down those of all', async () => {
  const people = await crowd(web, PLACES.length, 1);
  await sql(
    `UPDATE session SET last_seen_at = now() - interval '10 hours', idle_deadline = now() + interval '14 hours'`,
  );
  for (const one of people) await setSeen(shards.client(placed(one)), `hf:s:${one.name}`, Date.now() - 300_000);
  expect(await statusesOf(people, web)).toEqual(each(people, 200));
  const noted = (one: Visitor) => shards.client(placed(one)).zscore('hf:touched', one.name);
  await until(async () => (await Promise.all(people.map(noted))).every((score) => score !== null));
  await worker.sessionCache.flushTouches();
  const rows = await sql<{ late: number }>(
    `SELECT extract(epoch FROM now() - last_seen_at)::float8 AS late FROM session WHERE token_hash = ANY ($1)`,
    [people.map(({ tokenHash }) => tokenHash)],
  );
  expect(rows).toHaveLength(people.length);
  for (const { late } of rows) expect(late).toBeLessThan(60);
  expect(await Promise.all(people.map(noted))).toEqual(people.map(() => null));
});

describe('sessions end, wherever they are, everywhere at once', () => {
  test('by logging out; sealed, every Redis has heard of it, and the journal of its own alone', async () => {
    const people = await crowd(web, PLACES.length, 1);
    expect(await statusesOf(people, other)).toEqual(each(people, 200));
    for (const { browser } of people) expect((await browser.logOut()).status).toBe(303);
    for (const on of [web, other]) expect(await statusesOf(people, on)).toEqual(each(people, 303));
    for (const one of people) expect((await entriesOf(one))[placed(one)]).toBe('Elogged_out');
    await worker.sealing.seal();
    const [head] = await sql<{ seq: string }>('SELECT ending_seq AS seq FROM audit_head');
    for (const place of PLACES) expect(await shards.client(place).get('hf:endings')).toBe(head?.seq);
    for (const one of people) {
      expect(await entriesOf(one)).toEqual(each(PLACES, 0).map(() => 'Elogged_out'));
      const journals = PLACES.map((place) => shards.client(place).zscore('hf:journal', `${one.name}logged_out`));
      expect((await Promise.all(journals)).map((score) => score !== null)).toEqual(
        PLACES.map((place) => place === placed(one)),
      );
    }
  });

  test.each([
    [
      'by “end the others”',
      (one: Visitor) => one.browser.submit('/account/sessions/revoke-others', {}, '/account/sessions'),
    ],
    [
      'by a change of the password',
      (one: Visitor) =>
        one.browser.submit('/account/password', { current: PASSWORD, password: 'another long password' }),
    ],
  ])('%s', async (_, end) => {
    const first = await visitor(web);
    const others = await crowd(other, PLACES.length, 1, first.email);
    expect((await end(first)).status).toBe(303);
    for (const on of [web, other]) expect(await statusesOf(others, on)).toEqual(each(others, 303));
    expect(await first.browser.profile()).toBe(200);
  });

  test('by the end of all: also where the copies have not ended yet', async () => {
    const people = await crowd(web, PLACES.length, 1);
    expect(await statusesOf(people, other)).toEqual(each(people, 200));
    await web.context.endAllSessions.ask({ actor: null, origin: NO_ORIGIN, reason: 'a leak', kept: null });
    expect(await statusesOf(people, web)).toEqual(each(people, 303));
    for (const place of PLACES) expect(await shards.client(place).get('hf:everybody')).not.toBeNull();
    await until(async () => (await statusesOf(people, other)).every((status) => status === 303));
    await worker.endAllSessions.endRemaining();
    for (const one of people) expect((await entriesOf(one))[placed(one)]).toBe('Erevoked_by_operator');
    const after = await visitor(other);
    expect(await statusOf(after, web)).toBe(200);
  });
});

describe('the list of addresses changes', () => {
  const withList = (places: readonly number[]): Record<string, string> =>
    places.length === 0 ? {} : { REDIS_SESSION_URLS: shards.list(places) };

  async function during<T>(places: readonly number[], work: (on: TestProcess) => Promise<T>): Promise<T> {
    const on = await startWeb(stores, withList(places));
    return work(on).finally(on.close);
  }

  /** Ten minutes have passed: what replaced the copies is gone. */
  async function loseTombstones(): Promise<void> {
    for (const client of [redis, ...PLACES.map(shards.client)])
      for (const key of await client.keys('hf:s:*'))
        if ((await client.get(key))?.startsWith('E')) await client.del(key);
  }

  test.each([
    ['one more', [0, 1], [0, 1, 2]],
    ['one less', [0, 1, 2], [0, 1]],
    ['several instead of one', [], [0, 1, 2]],
    ['another order', [0, 1, 2], [2, 0, 1]],
  ])('%s, and back: nobody is logged out, and nobody who ended comes back', async (_, before, after) => {
    const people = await during(before, async (on) => {
      const all = await crowd(on, PLACES.length, 4);
      expect(await statusesOf(all, on)).toEqual(each(all, 200));
      return all;
    });
    const stay = people.filter((__, index) => index % 3 === 0);
    const leave = people.filter((__, index) => index % 3 === 1);
    const leaveLate = people.filter((__, index) => index % 3 === 2);
    await during(after, async (on) => {
      expect(await statusesOf(people, on)).toEqual(each(people, 200));
      const sealing = await openWorker(withList(after));
      for (const one of leave) expect((await browserOf(one, on).logOut()).status).toBe(303);
      await sealing.sealing.seal();
      await loseTombstones();
      for (const one of leaveLate) expect((await browserOf(one, on).logOut()).status).toBe(303);
    });
    await during(before, async (on) => {
      expect(await statusesOf([...leave, ...leaveLate], on)).toEqual(each([...leave, ...leaveLate], 303));
      expect(await statusesOf(stay, on)).toEqual(each(stay, 200));
    });
  });
});

test('the overview asks each of them, and names the one that does not answer', async () => {
  const { sessionStores } = await web.context.readOverview();
  const answering = { name: expect.stringMatching(/^sessions-\d$/), ms: expect.any(Number) };
  expect(sessionStores).toEqual(PLACES.map(() => answering));
  const { browser } = await newOperator();
  expect((await browser.get('/operator')).text).toContain('3 answer');
  await shards.client(1).call('CLIENT', 'PAUSE', '4000', 'ALL');
  const { text } = await browser.get('/operator');
  expect(text).toContain('1 of 3 away');
  expect(text).toContain('sessions-2: pages go on from PostgreSQL');
  await shards.client(1).ping();
});

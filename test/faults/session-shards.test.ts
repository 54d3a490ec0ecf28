// One of three Redis with sessions is killed, emptied, stopped or replaced while people come: nobody is refused, nobody who has
// ended is believed, and the sessions of the others never notice.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { type SessionShards, startSessionShards } from '../../harness/session-shards.ts';
import { until } from '../../harness/until.ts';
import type { Context } from '../../src/core/context.ts';
import { isCopy } from '../../src/core/sessions/cache-entry.ts';
import { placeOf } from '../../src/core/sessions/placement.ts';
import { openWorker, startWeb, type TestProcess, waitForStores } from '../support/app.ts';
import { BELIEVED_MS, crowd, each, startLoad, statusesOf, type Visitor } from '../support/shared-out.ts';

const PLACES = 3;
const HURT = 1;

let servers: OwnServers;
let shards: SessionShards;
let web: TestProcess;
let other: TestProcess;
let worker: Context;

beforeAll(async () => {
  [servers, shards] = await Promise.all([startOwnServers(), startSessionShards(PLACES)]);
  const apart = { REDIS_SESSION_URLS: shards.list() };
  [web, other, worker] = await Promise.all([
    startWeb(servers, apart),
    startWeb(servers, apart),
    openWorker(servers, apart),
  ]);
});

beforeEach(async () => {
  await Promise.all([web.context, other.context, worker].map(waitForStores));
});

afterAll(async () => {
  await Promise.all([web?.close(), other?.close(), worker?.close()]);
  await Promise.all([servers?.close(), shards?.close()]);
});

const placed = ({ name }: Visitor) => placeOf(name, PLACES);
const inPlace = (all: readonly Visitor[], place: number) => all.filter((one) => placed(one) === place);

const FAULTS: readonly [string, () => Promise<unknown>, () => Promise<unknown>][] = [
  ['is killed and comes back with what it had', () => shards.server(HURT).kill(), () => shards.startAgain(HURT)],
  ['is replaced by an empty one', () => shards.server(HURT).kill(), () => shards.startAgain(HURT, { empty: true })],
  ['is emptied', () => shards.client(HURT).flushall(), async () => undefined],
  [
    'hangs for a while',
    async () => process.kill(shards.server(HURT).pid, 'SIGSTOP'),
    async () => process.kill(shards.server(HURT).pid, 'SIGCONT'),
  ],
];

test.each(FAULTS)(
  'under load, one of them %s: nobody is refused, nobody who ended is believed',
  async (_, cause, mend) => {
    const people = await crowd(web, PLACES, 4);
    const leaving = [0, 1, 2].flatMap((place) => inPlace(people, place).slice(0, 3));
    const [before, during, after] = [0, 1, 2].map((turn) => leaving.filter((__, index) => index % 3 === turn));
    const load = startLoad(
      { webs: [web, other], worker },
      people.filter((one) => !leaving.includes(one)),
    );
    try {
      const more = (count: number) => {
        const already = load.pages();
        return until(() => load.pages() > already + count);
      };
      await more(50);
      for (const one of before ?? []) await load.logOut(one);
      await cause();
      for (const one of during ?? []) await load.logOut(one);
      await Promise.all([more(100), delay(BELIEVED_MS)]);
      await mend();
      for (const one of after ?? []) await load.logOut(one);
      await Promise.all([web.context, other.context, worker].map(waitForStores));
      await Promise.all([more(100), delay(BELIEVED_MS + 500)]);
    } finally {
      const { refused, believed } = await load.stop();
      expect(refused).toEqual([]);
      expect(believed).toEqual([]);
    }
  },
);

describe('one of them is away', () => {
  let people: readonly Visitor[];

  beforeEach(async () => {
    people = await crowd(web, PLACES, 2);
    await shards.server(HURT).kill();
    const processes = [web.context, other.context, worker];
    await until(() => processes.every(({ sessionCache }) => !sessionCache.health().redis));
  });

  afterEach(() => shards.startAgain(HURT));

  test('PostgreSQL answers for its sessions, and is not asked for the others', async () => {
    const asked = jest.spyOn(web.context.database.pool, 'query');
    const finds = () =>
      asked.mock.calls.filter(([query]) => (query as unknown as { name?: string }).name === 'session-find').length;
    const untouched = people.filter((one) => placed(one) !== HURT);
    expect(await statusesOf(untouched, web)).toEqual(each(untouched, 200));
    expect(finds()).toBe(0);
    expect(await statusesOf(inPlace(people, HURT), web)).toEqual(each(inPlace(people, HURT), 200));
    expect(finds()).toBe(inPlace(people, HURT).length);
    asked.mockRestore();
  });

  test('which probes and metrics name; a process that starts serves without it', async () => {
    const late = await startWeb(servers, { REDIS_SESSION_URLS: shards.list() }, { waits: false });
    try {
      const ready = await fetch(`${web.url}/readyz`);
      expect([ready.status, await ready.json()]).toEqual([200, { status: 'ok', without: ['sessions-2'] }]);
      const up = { redis: true, 'sessions-1': true, 'sessions-2': false, 'sessions-3': true, postgres: true };
      expect(web.context.sessionCache.stores()).toEqual(up);
      const { sessionCache } = late.context;
      await until(() => sessionCache.health().someSessions && sessionCache.health().postgres);
      expect(await statusesOf(people, late)).toEqual(each(people, 200));
    } finally {
      await late.close();
    }
  });

  test('the worker seals, writes down uses and cleans up for the others', async () => {
    const leaves = inPlace(people, 0)[0];
    await leaves?.browser.logOut();
    await worker.sealing.seal();
    const [head] = await query<{ seq: string }>(
      servers.database.superuserUrl,
      'SELECT ending_seq AS seq FROM audit_head',
    );
    expect(await shards.client(0).get('hf:endings')).toBe(head?.seq);
    await worker.sessionCache.flushTouches();
    await worker.repairSessions();
  });
});

describe('PostgreSQL is away', () => {
  test('people log out wherever their sessions are; with one Redis away too, the sessions of the others go on', async () => {
    const people = await crowd(web, PLACES, 3);
    expect(await statusesOf(people, other)).toEqual(each(people, 200));
    const leave = [0, 1, 2].flatMap((place) => inPlace(people, place).slice(0, 1));
    const stay = people.filter((one) => !leave.includes(one));
    await servers.postgres().kill();
    await until(() => !web.context.sessionCache.health().postgres && !other.context.sessionCache.health().postgres);
    for (const { browser } of leave) expect((await browser.logOut()).status).toBe(303);
    for (const on of [web, other]) expect(await statusesOf(leave, on)).toEqual(each(leave, 303));

    await shards.server(HURT).kill();
    await until(() => !other.context.sessionCache.health().redis);
    const [away, there] = [inPlace(stay, HURT), stay.filter((one) => placed(one) !== HURT)];
    expect(await statusesOf(there, other)).toEqual(each(there, 200));
    expect(await statusesOf(away, other)).toEqual(each(away, 503));
    const ready = await fetch(`${other.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ok', without: ['sessions-2', 'postgres'] }]);

    await Promise.all([servers.startPostgresAgain(), shards.startAgain(HURT)]);
    await Promise.all([web.context, other.context].map(waitForStores));
    expect(await statusesOf(stay, other)).toEqual(each(stay, 200));
    expect(await statusesOf(leave, other)).toEqual(each(leave, 303));
  });
});

test('the Redis of REDIS_URL is away: sessions go on from their own, and people log in', async () => {
  const people = await crowd(web, PLACES, 1);
  await servers.redis().kill();
  await until(() => !web.context.sessionCache.health().redis);
  const asked = jest.spyOn(web.context.database.pool, 'query');
  expect(await statusesOf(people, web)).toEqual(each(people, 200));
  const finds = asked.mock.calls.filter(([one]) => (one as unknown as { name?: string }).name === 'session-find');
  expect(finds).toEqual([]);
  asked.mockRestore();
  const again = await crowd(web, PLACES, 1, people[0]?.email);
  expect(await statusesOf(again, other)).toEqual(each(again, 200));
  await servers.startRedisAgain();
});

test('processes with different lists, as while the list changes: what one has ended the other believes for a moment at most', async () => {
  const fewer = await startWeb(servers, { REDIS_SESSION_URLS: shards.list([0, 1]) });
  try {
    const people = await crowd(web, PLACES, 4);
    for (const on of [web, fewer]) expect(await statusesOf(people, on)).toEqual(each(people, 200));
    for (const { browser } of people) expect((await browser.logOut()).status).toBe(303);
    await until(async () => (await statusesOf(people, fewer)).every((status) => status === 303));
    await worker.sealing.seal();
    const copies = await Promise.all(
      people.flatMap(({ name }) => [0, 1, 2].map((place) => shards.client(place).get(`hf:s:${name}`))),
    );
    expect(copies.filter(isCopy)).toEqual([]);
  } finally {
    await fewer.close();
  }
});

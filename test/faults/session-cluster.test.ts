// A Redis Cluster for sessions, whose nodes are killed, stopped and failed over, and whose slots move while people come: nobody is
// refused, nobody who has ended is believed, and a page stays one command.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { type SessionCluster, startSessionCluster } from '../../harness/session-cluster.ts';
import { until } from '../../harness/until.ts';
import type { Context } from '../../src/core/context.ts';
import { placeOf } from '../../src/core/sessions/placement.ts';
import type { RedisServer } from '../../src/launcher/servers/redis.ts';
import { openWorker, startWeb, type TestProcess, waitForStores } from '../support/app.ts';
import {
  BELIEVED_MS,
  browserOf,
  crowd,
  each,
  OUT_WITHIN_MS,
  startLoad,
  statusesOf,
  statusOf,
  type Visitor,
  visitor,
} from '../support/shared-out.ts';

const PARTS = 16;
/** Six servers and two processes share a machine with everybody who is in the crowd. */
const LONG_MS = 180_000;
/** The first part, whose node is hurt, and one on another node. */
const [HURT, UNHURT] = [0, 8];

let servers: OwnServers;
let cluster: SessionCluster;
let apart: { readonly REDIS_SESSION_URLS: string };
let web: TestProcess;
let other: TestProcess;
let worker: Context;
/** At least one in each part. */
let people: readonly Visitor[];

beforeAll(async () => {
  [servers, cluster] = await Promise.all([startOwnServers(), startSessionCluster()]);
  apart = { REDIS_SESSION_URLS: cluster.url };
  [web, other, worker] = await Promise.all([
    startWeb(servers, apart),
    startWeb(servers, apart),
    openWorker(servers, apart),
  ]);
  people = await crowd(web, PARTS, 1);
}, LONG_MS);

beforeEach(async () => {
  await cluster.untilWhole();
  await Promise.all([web.context, other.context, worker].map(waitForStores));
}, LONG_MS);

afterAll(async () => {
  await Promise.all([web?.close(), other?.close(), worker?.close()]);
  await Promise.all([servers?.close(), cluster?.close()]);
});

/** By docs/architecture.md. */
const slotOf = (part: number) => part * 1_024 + 512;
const partOf = ({ name }: Visitor) => placeOf(name, PARTS);
const findsOf = (asked: { readonly mock: { readonly calls: readonly (readonly unknown[])[] } }) =>
  asked.mock.calls.filter(([one]) => (one as { name?: string }).name === 'session-find').length;
const clientOf = (part: number) => {
  const client = web.context.sessionRedis[part];
  if (!client) throw new Error(`there is no part ${part}`);
  return client;
};

const others = (all: readonly Visitor[]) => all.filter((one) => partOf(one) !== HURT);

/** New visitors, until so many are in this part. */
async function crowdWith(part: number, count: number): Promise<Visitor[]> {
  const all: Visitor[] = [];
  while (all.filter((one) => partOf(one) === part).length < count)
    all.push(...(await Promise.all(Array.from({ length: 8 }, () => visitor(web)))));
  return all;
}

test('each part has a slot of its own, evenly apart, and all names of a session’s part are in it', async () => {
  expect(web.context.sessionRedis).toHaveLength(PARTS);
  for (const [part, { options }] of web.context.sessionRedis.entries())
    expect(await cluster.ask(0, 'CLUSTER', 'KEYSLOT', `${options.keyPrefix}s:x`)).toBe(slotOf(part));
  for (const one of people) {
    const names = (await cluster.ask(
      slotOf(partOf(one)),
      'CLUSTER',
      'GETKEYSINSLOT',
      String(slotOf(partOf(one))),
      '1000',
    )) as string[];
    const prefix = clientOf(partOf(one)).options.keyPrefix;
    expect(names).toEqual(expect.arrayContaining([`${prefix}s:${one.name}`, `${prefix}endings`, `${prefix}epoch`]));
  }
});

test('a page is one command, to the node of its session, and no question to PostgreSQL', async () => {
  await statusesOf(people, web);
  const reads = web.context.sessionRedis.map((client) => jest.spyOn(client, 'mgetBuffer'));
  const asked = jest.spyOn(web.context.database.pool, 'query');
  const ofPages = () => reads.map(({ mock }) => mock.calls.filter(([key]) => String(key).startsWith('s:')).length);
  for (const one of people) {
    const before = ofPages();
    expect(await statusOf(one, web)).toBe(200);
    expect(ofPages()).toEqual(before.map((count, part) => count + Number(part === partOf(one))));
  }
  expect(findsOf(asked)).toBe(0);
  for (const spy of [...reads, asked]) spy.mockRestore();
});

test('sealed, an ending is known to the part of its session alone, and all have the same mark', async () => {
  const one = await visitor(web);
  expect((await one.browser.logOut()).status).toBe(303);
  for (const on of [web, other]) expect(await statusOf(one, on)).toBe(303);
  await worker.sealing.seal();
  const [head] = await query<{ seq: string }>(
    servers.database.superuserUrl,
    'SELECT ending_seq AS seq FROM audit_head',
  );
  for (let part = 0; part < PARTS; part += 1) {
    expect(await clientOf(part).get('endings')).toBe(head?.seq);
    expect(await clientOf(part).get(`s:${one.name}`)).toBe(part === partOf(one) ? 'Elogged_out' : null);
  }
});

test('a sweep looks at the copies of every part, also where a node has several', async () => {
  const all = await crowdWith(HURT, 2);
  const without = all.filter((_, index) => index % 2 === 0);
  await query(servers.database.superuserUrl, 'DELETE FROM session WHERE token_hash = ANY ($1)', [
    without.map(({ tokenHash }) => tokenHash),
  ]);
  await worker.sessionCache.rewound.sweep();
  for (const one of all) {
    const entry = await clientOf(partOf(one)).get(`s:${one.name}`);
    expect(entry?.startsWith(without.includes(one) ? 'Eunknown' : 'S')).toBe(true);
  }
});

describe('under load', () => {
  let gone: RedisServer | null = null;
  const masterIsAnother = (old: RedisServer) =>
    until(async () => (await cluster.masterOf(slotOf(HURT)).catch(() => old)) !== old);
  const lose = (signal: 'SIGKILL' | 'SIGSTOP') => async () => {
    const master = await cluster.masterOf(slotOf(HURT));
    gone = master;
    if (signal === 'SIGKILL') await master.kill();
    else process.kill(master.pid, signal);
  };
  const replaced = async () => {
    if (gone) await masterIsAnother(gone);
  };

  const FAULTS: readonly [string, () => Promise<unknown>, () => Promise<unknown>][] = [
    [
      'a master is killed, and its replica takes over',
      lose('SIGKILL'),
      async () => {
        await replaced();
        if (gone) await cluster.startAgain(gone);
      },
    ],
    [
      'a master hangs, and its replica takes over',
      lose('SIGSTOP'),
      async () => {
        await replaced();
        if (gone) process.kill(gone.pid, 'SIGCONT');
      },
    ],
    ['CLUSTER FAILOVER', () => cluster.failOver(slotOf(HURT)), async () => undefined],
    [
      'a reshard of 300 slots, and back',
      () => cluster.moveSlots(slotOf(HURT) - 100, slotOf(HURT) + 199, slotOf(UNHURT)),
      () => cluster.moveSlots(slotOf(HURT) - 100, slotOf(HURT) + 199, slotOf(HURT + 1)),
    ],
    [
      'a master is killed whose replica has missed the last log-outs',
      async () => {
        await lose('SIGKILL')();
      },
      async () => {
        await replaced();
        if (gone) await cluster.startAgain(gone);
      },
    ],
  ];

  test.each(FAULTS)(
    '%s: nobody is refused, nobody who ended is believed',
    async (name, cause, mend) => {
      const all = await crowdWith(HURT, 4);
      const leaving = [...all.filter((one) => partOf(one) === HURT).slice(0, 3), ...others(all).slice(0, 9)];
      const [before, during, after] = [0, 1, 2].map((turn) => leaving.filter((_, index) => index % 3 === turn));
      for (const on of [web, other]) await statusesOf(all, on);
      const staying = all.filter((one) => !leaving.includes(one)).slice(-12);
      if (name.includes('missed')) await cluster.cutReplica(slotOf(HURT));
      const load = startLoad({ webs: [web, other], worker }, staying);
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
        await cluster.untilWhole();
        for (const one of after ?? []) await load.logOut(one);
        await Promise.all([web.context, other.context, worker].map(waitForStores));
        await Promise.all([more(100), delay(BELIEVED_MS + 500)]);
      } finally {
        const { refused, believed } = await load.stop();
        expect(refused).toEqual([]);
        expect(believed).toEqual([]);
      }
      const asked = jest.spyOn(web.context.database.pool, 'query');
      expect(await statusesOf(staying, web)).toEqual(each(staying, 200));
      expect(findsOf(asked)).toBe(0);
      asked.mockRestore();
    },
    LONG_MS,
  );
});

describe('a node is away, and nobody takes over', () => {
  test('PostgreSQL answers for its sessions alone; a process that starts serves without it', async () => {
    const unhurt = people.filter((one) => partOf(one) === UNHURT);
    const hurt = people.filter((one) => partOf(one) === HURT);
    const lost = await cluster.pairOf(slotOf(HURT));
    await Promise.all(lost.map((server) => server.kill()));
    const late = await startWeb(servers, apart, { waits: false });
    try {
      await until(() => !web.context.sessionCache.health().redis);
      const asked = jest.spyOn(web.context.database.pool, 'query');
      expect(await statusesOf(unhurt, web)).toEqual(each(unhurt, 200));
      expect(findsOf(asked)).toBe(0);
      expect(await statusesOf(hurt, web)).toEqual(each(hurt, 200));
      expect(findsOf(asked)).toBe(hurt.length);
      asked.mockRestore();
      const ready = await fetch(`${web.url}/readyz`);
      expect([ready.status, await ready.json()]).toEqual([200, { status: 'ok', without: ['sessions'] }]);
      expect(web.context.sessionCache.stores()).toEqual({ redis: true, sessions: false, postgres: true });
      const { sessionCache } = late.context;
      await until(() => sessionCache.health().someSessions && sessionCache.health().postgres);
      expect(await statusesOf(people, late)).toEqual(each(people, 200));
    } finally {
      await Promise.all(lost.map((server) => cluster.startAgain(server)));
      await until(() => late.context.sessionCache.health().redis);
      await late.close();
    }
  });
});

test('PostgreSQL is away: people log out, once a replica has it, and stay out when that one takes over', async () => {
  const all = await crowdWith(HURT, 4);
  const hurt = all.filter((one) => partOf(one) === HURT);
  const [leave, stay] = [
    [...hurt.slice(0, 2), ...others(all).slice(0, 2)],
    [...hurt.slice(2), ...others(all).slice(2)],
  ];
  expect(await statusesOf([...leave, ...stay], other)).toEqual(each([...leave, ...stay], 200));
  await servers.postgres().kill();
  await until(() => !web.context.sessionCache.health().postgres && !other.context.sessionCache.health().postgres);
  // A replica that is late is a 503, after which nothing has ended: people ask again.
  for (const { browser } of leave) await until(async () => (await browser.logOut()).status === 303);
  for (const on of [web, other]) expect(await statusesOf(leave, on)).toEqual(each(leave, 303));
  await cluster.failOver(slotOf(HURT));
  for (const on of [web, other]) {
    for (const status of await statusesOf(leave, on)) expect([303, 503]).toContain(status);
    for (const status of await statusesOf(stay, on)) expect([200, 503]).toContain(status);
  }
  await servers.startPostgresAgain();
  await Promise.all([web.context, other.context].map(waitForStores));
  for (const on of [web, other]) {
    expect(await statusesOf(leave, on)).toEqual(each(leave, 303));
    expect(await statusesOf(stay, on)).toEqual(each(stay, 200));
  }
});

test('from one Redis to a Cluster with a rolling change: nobody is logged out, and nobody who ended comes back', async () => {
  const before = await startWeb(servers);
  try {
    const all = await crowd(before, 1, 12);
    const [leaves, leavesToo, ...stay] = all as [Visitor, Visitor, ...Visitor[]];
    expect(await statusesOf(all, web)).toEqual(each(all, 200));
    expect((await leaves.browser.logOut()).status).toBe(303);
    expect((await browserOf(leavesToo, web).logOut()).status).toBe(303);
    const left = [leaves, leavesToo];
    for (const on of [web, other, before])
      await until(async () => (await statusesOf(left, on)).every((status) => status === 303), OUT_WITHIN_MS);
    await worker.sealing.seal();
    for (const on of [web, other, before]) {
      expect(await statusesOf(stay, on)).toEqual(each(stay, 200));
      expect(await statusesOf(left, on)).toEqual(each(left, 303));
    }
  } finally {
    await before.close();
  }
});

test('an address that leads to no Cluster is waited for, and the reason is said', async () => {
  const single = servers.redisUrl.replace(/^redis:/, 'redis+cluster:');
  const late = await startWeb(servers, { REDIS_SESSION_URLS: single }, { waits: false });
  try {
    const reasons: string[] = [];
    late.context.sessionRedis[0]?.on('error', ({ message }: Error) => reasons.push(message));
    // A node that is busy may answer nothing at first.
    const said = /no node of the Cluster says where its slots are: .*cluster support disabled/;
    await until(() => reasons.some((reason) => said.test(reason)));
    expect(late.context.sessionCache.health()).toMatchObject({ redis: false, someSessions: false });
  } finally {
    await late.close();
  }
});

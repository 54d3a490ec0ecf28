// PostgreSQL takes connections and says nothing, as when its host has vanished or its processes are stopped. That is found
// out once, not once a request; pages go on from Redis; when it is back, so is everything.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freeze } from '../../harness/freeze.ts';
import { type HoldingProxy, startHoldingProxy } from '../../harness/holding-proxy.ts';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import type { Context } from '../../src/core/context.ts';
import { isDatabaseOutage } from '../../src/core/platform/database.ts';
import { Browser, newEmail, openWorker, startWeb, type TestProcess } from '../support/app.ts';

let servers: OwnServers;
let proxy: HoldingProxy;
let web: TestProcess;
let worker: Context;

beforeEach(async () => {
  servers = await startOwnServers();
  proxy = await startHoldingProxy(servers.postgres());
  const { database } = servers;
  const through = { ...database, webUrl: proxy.through(database.webUrl), workerUrl: proxy.through(database.workerUrl) };
  const stores = { ...servers, database: through };
  [web, worker] = await Promise.all([startWeb(stores), openWorker(stores)]);
});

afterEach(async () => {
  await proxy?.close();
  await Promise.all([web?.close(), worker?.close()]);
  await servers?.close();
});

/** How each comes to be silent; what is returned ends it. */
const SILENCES: Readonly<Record<string, () => () => void>> = {
  'the network holds every byte': () => {
    proxy.hold();
    return () => proxy.release();
  },
  'its processes are stopped': () => freeze(servers.postgres()),
};

async function member(): Promise<{ browser: Browser; email: string }> {
  const browser = new Browser(web.url);
  const email = newEmail();
  expect((await browser.register(email)).status).toBe(303);
  return { browser, email };
}

async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const began = performance.now();
  const result = await work;
  return { result, ms: performance.now() - began };
}

/** Asks for a page of somebody who is logged in, again and again; returns what it was answered with. */
function keepAsking(browser: Browser): () => Promise<number[]> {
  let stopped = false;
  const statuses: number[] = [];
  const asking = (async () => {
    while (!stopped) statuses.push(await browser.profile());
  })();
  return async () => {
    stopped = true;
    await asking;
    return statuses;
  };
}

describe.each(Object.keys(SILENCES))('%s', (name) => {
  test('one log-in waits for it, the others are told at once, and pages of those inside go on', async () => {
    const { browser, email } = await member();
    const visitor = new Browser(web.url);
    const token = await visitor.token('/login');
    const logIn = () =>
      visitor.agent.post('/login').redirects(0).type('form').send({ email, password: 'wrong', _csrf: token });
    const end = SILENCES[name]?.();
    const pages = keepAsking(browser);
    const first = await timed(Promise.resolve(logIn()));
    expect([first.result.status, first.result.headers['retry-after']]).toEqual([503, '10']);
    expect(first.ms).toBeLessThan(8_000);
    expect(web.context.database.awayBecause()).not.toBeNull();
    for (let tries = 0; tries < 5; tries += 1) {
      const next = await timed(Promise.resolve(logIn()));
      expect(next.result.status).toBe(503);
      expect(next.ms).toBeLessThan(1_000); // less than it takes to ask once more
    }
    expect(web.context.database.pool.totalCount).toBe(0);
    end?.();
    await until(() => web.context.database.awayBecause() === null);
    expect((await new Browser(web.url).logIn(email)).status).toBe(303);
    expect(new Set(await pages())).toEqual(new Set([200]));
  });

  test('no job of the worker hangs, and nothing that was recorded is lost', async () => {
    const { browser } = await member();
    const end = SILENCES[name]?.();
    const sealing = await timed(worker.sealing.seal().then(String, (error: unknown) => error));
    expect(isDatabaseOutage(sealing.result)).toBe(true);
    expect(sealing.ms).toBeLessThan(8_000);
    const again = await timed(worker.sealing.seal().then(String, (error: unknown) => error));
    expect(isDatabaseOutage(again.result)).toBe(true);
    expect(again.ms).toBeLessThan(1_000);
    expect((await browser.logOut()).status).toBe(303);
    end?.();
    await until(() => worker.database.awayBecause() === null);
    await worker.sealing.seal();
    const { superuserUrl } = servers.database;
    expect(await query(superuserUrl, 'SELECT count(*)::int AS left FROM outbox')).toEqual([{ left: 0 }]);
    expect(await query(superuserUrl, `SELECT type FROM audit_event WHERE type = 'session_created'`)).toHaveLength(1);
  });
});

test('one that comes back with too much to do is found, though it answers late', async () => {
  const { database } = web.context;
  proxy.hold();
  await database.pool.query('SELECT 1').catch(() => undefined);
  await until(() => database.awayBecause() !== null);
  proxy.slow(200);
  proxy.release();
  await until(() => database.awayBecause() === null);
  proxy.slow(0);
});

test('a long query is no silence', async () => {
  const { pool } = web.context.database;
  const before = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid, pg_sleep(4)');
  expect(before.rows).toHaveLength(1);
  expect(rows).toHaveLength(1);
  expect(web.context.database.awayBecause()).toBeNull();
});

test('a process that was itself held up blames nobody', async () => {
  const { pool } = web.context.database;
  const asked = pool.query('SELECT pg_sleep(0.2)');
  const until = performance.now() + 4_000;
  while (performance.now() < until); // as a collection of garbage, or a laptop asleep
  await asked;
  expect(web.context.database.awayBecause()).toBeNull();
});

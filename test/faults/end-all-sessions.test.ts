// The end of everybody's sessions under faults: whichever store fails after the mark was made, no session that began before it
// comes back, in no process, and whoever logs in afterwards stays logged in.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import type { Context } from '../../src/core/context.ts';
import { Browser, newEmail, openWorker, startWeb, type TestProcess, waitForStores } from '../support/app.ts';
import { OUT_WITHIN_MS } from '../support/shared-out.ts';

let servers: OwnServers;
let web: TestProcess;
let other: TestProcess;
let worker: Context;

beforeAll(async () => {
  servers = await startOwnServers();
  [web, other, worker] = await Promise.all([startWeb(servers), startWeb(servers), openWorker(servers)]);
});

afterAll(async () => {
  await Promise.all([web?.close(), other?.close(), worker?.close()]);
  await servers?.close();
});

async function registered(on: TestProcess): Promise<{ browser: Browser; email: string }> {
  const browser = new Browser(on.url);
  const email = newEmail();
  expect((await browser.register(email)).status).toBe(303);
  expect(await browser.profile()).toBe(200);
  return { browser, email };
}

const endAll = () => web.context.endAllSessions.ask({ actor: null, origin: NO_ORIGIN, reason: 'a drill', kept: null });
const hasEnded = ({ browser }: { browser: Browser }) =>
  until(async () => (await browser.profile()) === 303, OUT_WITHIN_MS);
const notEndedYet = () => query(servers.database.superuserUrl, 'SELECT FROM session WHERE ended_at IS NULL');

/** The cookie of one process, shown to another. */
async function shownTo(on: TestProcess, { browser }: { browser: Browser }): Promise<number> {
  const jar = browser.agent.jar.getCookies({ domain: '127.0.0.1', path: '/', secure: false, script: false });
  const cookie = [...jar].map((one) => `${one.name}=${one.value}`).join('; ');
  return (await fetch(`${on.url}/profile`, { headers: { cookie }, redirect: 'manual' })).status;
}

test('PostgreSQL goes away before the other processes could ask it: they hear of the mark from Redis', async () => {
  const [here, there] = [await registered(web), await registered(other)];
  await endAll();
  await servers.postgres().kill();
  expect(await here.browser.profile()).toBe(303);
  await hasEnded(there);
  expect((await other.context.redis.get('everybody'))?.includes('"at"')).toBe(true);

  await servers.startPostgresAgain();
  await Promise.all([waitForStores(web.context), waitForStores(other.context), waitForStores(worker)]);
  expect(await shownTo(web, there)).toBe(303);
  expect((await there.browser.logIn(there.email)).status).toBe(303);
  expect(await there.browser.profile()).toBe(200);
});

test('a process that starts while the rows are not ended yet, with live copies in Redis, believes none of them', async () => {
  const before = await registered(other);
  await endAll();
  expect((await notEndedYet()).length).toBeGreaterThan(0);
  const late = await startWeb(servers);
  try {
    expect(await shownTo(late, before)).toBe(303);
    const after = await registered(late);
    expect(await shownTo(web, after)).toBe(200);
  } finally {
    await late.close();
  }
  await hasEnded(before);
});

test('Redis is emptied, then away, while the rows are not ended yet; the worker ends them when it is back', async () => {
  const before = await registered(other);
  await endAll();
  await hasEnded(before);
  const redis = new Redis(servers.redisUrl);
  await redis.flushall();
  redis.disconnect();
  expect(await before.browser.profile()).toBe(303);
  const after = await registered(other);
  await until(async () => (await web.context.redis.get('everybody')) !== null);

  await servers.redis().kill();
  expect(await shownTo(web, before)).toBe(303);
  expect(await shownTo(web, after)).toBe(200);
  await servers.startRedisAgain();
  await Promise.all([waitForStores(web.context), waitForStores(other.context), waitForStores(worker)]);
  await worker.endAllSessions.endRemaining();
  await worker.sealing.seal();
  expect(await shownTo(web, before)).toBe(303);
  expect(await shownTo(other, after)).toBe(200);
  expect(await notEndedYet()).toHaveLength(1);
});

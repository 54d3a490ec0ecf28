// A process that reaches Redis and not PostgreSQL can't know whether that Redis is still the one that everybody else asks: it
// believes it for REDIS_ALONE, and then nobody. DESIGN: the row "a process is alone with Redis, without PostgreSQL".
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { startHoldingProxy } from '../../harness/holding-proxy.ts';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { Browser, newEmail, startWeb, type TestProcess } from '../support/app.ts';

const MINUTE = 60_000;

let servers: OwnServers;
let web: TestProcess;
let passed = 0;

beforeEach(async () => {
  servers = await startOwnServers();
  web = await startWeb(servers);
  const now = performance.now.bind(performance);
  jest.spyOn(performance, 'now').mockImplementation(() => now() + passed);
});

afterEach(async () => {
  jest.restoreAllMocks();
  passed = 0;
  await web?.close();
  await servers?.close();
});

async function person(role: 'member' | 'operator'): Promise<Browser> {
  const [browser, email] = [new Browser(web.url), newEmail()];
  expect((await browser.register(email)).status).toBe(303);
  if (role === 'operator') {
    const user = await web.context.users.findByEmail(email);
    await web.context.users.setRole(user?.id ?? '', 'operator', { actor: null, origin: NO_ORIGIN });
    expect((await browser.logIn(email)).status).toBe(303);
  }
  expect(await browser.profile()).toBe(200);
  return browser;
}

test('operators get 503 after a minute and others after a quarter of an hour, and all are still logged in', async () => {
  const [member, operator] = [await person('member'), await person('operator')];
  const ready = async () => (await member.get('/readyz')).status;
  await servers.postgres().kill();
  await until(() => !web.context.sessionCache.health().postgres);
  expect([await member.profile(), await operator.profile(), await ready()]).toEqual([200, 200, 200]);

  passed = 2 * MINUTE;
  const refused = await operator.get('/profile');
  expect([refused.status, refused.headers['retry-after'], refused.headers['set-cookie']]).toEqual([
    503,
    '10',
    undefined,
  ]);
  expect(refused.text).toContain('Nobody is logged out by this');
  expect([await member.profile(), await ready()]).toEqual([200, 200]);

  passed = 16 * MINUTE;
  const last = await member.get('/profile');
  expect([last.status, last.headers['set-cookie']]).toEqual([503, undefined]);
  expect((await new Browser(web.url).get('/login')).status).toBe(200); // who has no session needs no store
  expect(await ready()).toBe(503);

  await servers.startPostgresAgain();
  await until(async () => (await member.profile()) === 200 && (await operator.profile()) === 200);
  expect(await ready()).toBe(200);
});

function cookieOf({ agent }: Browser): string {
  const jar = agent.jar.getCookies({ domain: '127.0.0.1', path: '/', secure: false, script: false });
  return [...jar].map((one) => `${one.name}=${one.value}`).join('; ');
}

test('a session that Redis knows has ended is refused as ever', async () => {
  const member = await person('member');
  const cookie = cookieOf(member);
  expect((await member.logOut()).status).toBe(303);
  await servers.postgres().kill();
  await until(() => !web.context.sessionCache.health().postgres);
  passed = 5 * MINUTE;
  const answer = await fetch(`${web.url}/profile`, { headers: { cookie }, redirect: 'manual' });
  expect(answer.status).toBe(303);
});

test('a process that was stopped for an hour asks PostgreSQL before it believes a copy', async () => {
  const member = await person('member');
  const { pool } = web.context.database;
  const queries = jest.spyOn(pool, 'query');
  web.context.sessionCache.close(); // or it may ask for endings before the page is asked for
  passed = 60 * MINUTE;
  expect(await member.profile()).toBe(200);
  expect(queries.mock.calls.some(([query]) => (query as unknown as { name?: string }).name === 'session-find')).toBe(
    true,
  );
});

test('a process that is cut off with Redis believes it for REDIS_ALONE, while a session ends on the other side', async () => {
  const [toRedis, toPostgres] = await Promise.all([
    startHoldingProxy(servers.redis()),
    startHoldingProxy(servers.postgres()),
  ]);
  const there = await startWeb({ ...servers, redisUrl: toRedis.through(servers.redisUrl) });
  const here = await startWeb(servers, { DATABASE_URL: toPostgres.through(servers.database.webUrl) });
  const statusHere = async (cookie: string) => {
    const answer = await fetch(`${here.url}/profile`, { headers: { cookie }, redirect: 'manual' });
    await answer.arrayBuffer();
    return answer.status;
  };
  try {
    const [browser, email] = [new Browser(here.url), newEmail()];
    expect((await browser.register(email)).status).toBe(303);
    const cookie = cookieOf(browser);
    const elsewhere = new Browser(there.url);
    expect((await elsewhere.logIn(email)).status).toBe(303);
    toRedis.hold(); // there: PostgreSQL alone
    toPostgres.hold(); // here: Redis alone
    expect((await elsewhere.submit('/account/sessions/revoke-others', {}, '/account/sessions')).status).toBe(303);
    passed = 14 * MINUTE;
    expect(await statusHere(cookie)).toBe(200);
    passed = 16 * MINUTE;
    expect(await statusHere(cookie)).toBe(503);
    toPostgres.release();
    toRedis.release();
    await until(async () => (await statusHere(cookie)) === 303);
  } finally {
    await Promise.all([here.close(), there.close()]);
    await Promise.all([toRedis.close(), toPostgres.close()]);
  }
});

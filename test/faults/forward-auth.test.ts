// The check and entering while stores fail: nobody inside is thrown out, nobody who is out gets in, and both away is a 503.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import type { Context } from '../../src/core/context.ts';
import { Browser, newEmail, openWorker, startWeb, type TestProcess } from '../support/app.ts';
import { addApplication, type TestApplication } from '../support/applications.ts';

let servers: OwnServers;
let web: TestProcess;
let other: TestProcess;
let worker: Context;
let application: TestApplication;

const PROXIED = { TRUSTED_PROXIES: '127.0.0.1' };
const PAGE = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
const sql = <Row>(text: string, values: unknown[] = []) => query<Row>(servers.database.superuserUrl, text, values);

beforeEach(async () => {
  servers = await startOwnServers();
  application = await addApplication(sql);
  [web, other, worker] = await Promise.all([
    startWeb(servers, PROXIED),
    startWeb(servers, PROXIED),
    openWorker(servers),
  ]);
});

afterEach(async () => {
  await Promise.all([web?.close(), other?.close(), worker?.close()]);
  await servers?.close();
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

function ask(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
  body?: string,
): Promise<Answer> {
  const { hostname, port, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const options = { hostname, port, path: pathname + search, method, headers, agent: false };
    const asking = httpRequest(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

const host = () => `${application.slug}.example.org`;
const cookieIn = ({ headers }: Answer) => headers['set-cookie']?.[0]?.split(';')[0] ?? '';

function check(cookie: string, on: TestProcess = web, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const told = { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/', cookie, ...headers };
  return ask(`${on.url}/forward-auth/forwarded/${application.slug}`, told);
}

const statuses = (cookie: string) => Promise.all([web, other].map(async (on) => (await check(cookie, on)).status));

async function enter(browser: Browser) {
  const start = await ask(`${web.url}/.holdfast/start?to=%2Fx`, { host: host() });
  const { pathname, search } = new URL(start.headers.location ?? '');
  const given = await browser.agent
    .get(pathname + search)
    .set('Sec-Fetch-Site', 'cross-site')
    .redirects(0);
  if (given.status !== 303) return { given, cookie: '', entered: null };
  const back = new URL(String(given.headers['location']));
  const entered = await ask(web.url + back.pathname + back.search, { host: host(), cookie: cookieIn(start) });
  return { given, entered, cookie: cookieIn(entered) };
}

async function inside() {
  const [browser, email] = [new Browser(web.url), newEmail()];
  expect((await browser.register(email)).status).toBe(303);
  const { cookie } = await enter(browser);
  expect(await statuses(cookie)).toEqual([200, 200]);
  return { browser, email, cookie };
}

describe('Redis', () => {
  test('away: PostgreSQL answers, entering goes on, and who logs out is out within a second, and stays out', async () => {
    const { browser, cookie } = await inside();
    const late = new Browser(web.url);
    const email = newEmail();
    expect((await late.register(email)).status).toBe(303);
    await servers.redis().kill();
    await until(() => !web.context.sessionCache.health().redis && !other.context.sessionCache.health().redis);
    expect(await statuses(cookie)).toEqual([200, 200]);
    const entered = await enter(late);
    expect(entered.entered?.status).toBe(302);
    expect(await statuses(entered.cookie)).toEqual([200, 200]);
    expect((await browser.logOut()).status).toBe(303);
    await until(async () => (await statuses(cookie)).every((status) => status === 401));
    await servers.startRedisAgain();
    await until(() => web.context.sessionCache.health().redis && other.context.sessionCache.health().redis);
    expect(await statuses(cookie)).toEqual([401, 401]);
    expect(await statuses(entered.cookie)).toEqual([200, 200]);
  });

  test('away: many checks of one browser are one question to PostgreSQL within a second', async () => {
    const { cookie } = await inside();
    await servers.redis().kill();
    await until(() => !web.context.sessionCache.health().redis);
    await check(cookie);
    const found = jest.spyOn(web.context.sessionTable, 'find');
    const began = performance.now();
    const answers = await Promise.all(Array.from({ length: 50 }, () => check(cookie)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(found.mock.calls.length).toBeLessThanOrEqual(Math.ceil((performance.now() - began) / 1_000));
  });

  test('emptied: nobody inside is out, and nobody who is out is in', async () => {
    const [{ cookie }, gone] = [await inside(), await inside()];
    expect((await gone.browser.logOut()).status).toBe(303);
    const redis = new Redis(servers.redisUrl);
    await redis.flushall();
    redis.disconnect();
    expect(await statuses(cookie)).toEqual([200, 200]);
    expect(await statuses(gone.cookie)).toEqual([401, 401]);
  });
});

describe('PostgreSQL', () => {
  test('away: checks go on from Redis with their groups and assertion; entering is a 503; logging out takes effect at once', async () => {
    const { browser, cookie } = await inside();
    await servers.postgres().kill();
    for (const on of [web, other]) {
      const answer = await check(cookie, on);
      expect([answer.status, answer.headers['holdfastassertion']?.length ?? 0]).toEqual([200, expect.any(Number)]);
      expect(answer.headers['holdfastassertion']).not.toBe('');
    }
    expect((await enter(browser)).given.status).toBe(503);
    const ticket = await ask(`${web.url}/.holdfast/enter?ticket=${'a'.repeat(43)}`, {
      host: host(),
      cookie: `__Host-holdfast-state=${'a'.repeat(43)}`,
      ...PAGE,
    });
    expect([ticket.status, ticket.headers['retry-after'], ticket.headers['set-cookie']]).toEqual([503, '5', undefined]);
    expect((await browser.logOut()).status).toBe(303);
    expect(await statuses(cookie)).toEqual([401, 401]);
    await servers.startPostgresAgain();
    await until(async () => (await web.context.sessionCache.health().postgres) && statusesAre(cookie, 401));
  });

  test('away: logging out on the application’s host, here or everywhere, takes effect at once', async () => {
    const { browser, cookie } = await inside();
    await servers.postgres().kill();
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const form = { host: host(), cookie, origin: `https://${host()}`, ...type };
    const answer = await ask(`${other.url}/.holdfast/logout`, form, 'POST', 'scope=everywhere');
    expect(answer.status).toBe(200);
    expect(await statuses(cookie)).toEqual([401, 401]);
    expect(await browser.profile()).toBe(303);
  });
});

test('both away: a 503 that says when to come back, whatever was asked for, and the cookie stays', async () => {
  const { cookie } = await inside();
  await Promise.all([servers.redis().kill(), servers.postgres().kill()]);
  for (const headers of [{}, PAGE]) {
    const answer = await check(cookie, web, headers);
    expect([answer.status, answer.headers['retry-after'], answer.headers['set-cookie']]).toEqual([503, '5', undefined]);
  }
  // Whoever has no cookie needs no store.
  expect((await check('', web, PAGE)).status).toBe(302);
});

async function statusesAre(cookie: string, status: number): Promise<boolean> {
  return (await statuses(cookie)).every((one) => one === status);
}

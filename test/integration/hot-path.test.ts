// What makes a restricted page cheap, and what must stay true of it all the same: shared reads mix nobody up, a remembered cookie
// opens nothing that has ended, repeated headers are the same, and only what is large is compressed.
import { describe, expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { Browser, newEmail, SESSION_COOKIE, setCookie, startWeb, type TestProcess } from '../support/app.ts';
import { watchSessionReads } from '../support/asked-stores.ts';
import { world } from '../support/world.ts';

const { stores, web, other } = await world({ webs: 2 });

async function person() {
  const browser = new Browser(web.url);
  const email = newEmail();
  const answer = await browser.register(email);
  const cookie = setCookie(answer, SESSION_COOKIE)?.split(';')[0];
  if (cookie === undefined) throw new Error(`could not register: ${answer.status}`);
  return { browser, email, cookie };
}

async function crowd(count: number) {
  const people: Awaited<ReturnType<typeof person>>[] = [];
  while (people.length < count) people.push(await person());
  return people;
}

async function profile(cookie: string, on: TestProcess = web): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${on.url}/profile`, { headers: { cookie }, redirect: 'manual' });
  return { status: answer.status, text: await answer.text() };
}

const tokenOf = (cookie: string) => cookie.slice(SESSION_COOKIE.length + 1).split('.')[0] ?? '';

describe('sessions that are read at the same moment', () => {
  test('are one command to Redis, and each gets their own', async () => {
    const people = await crowd(6);
    const asked = Array.from({ length: 120 }, (_, index) => people[index % people.length]?.cookie ?? '');
    await profile(asked[0] ?? '');
    const reads = watchSessionReads(web.context.redis); // counted here: other test files use the same server
    const readings = await Promise.all(asked.map((cookie) => web.context.sessionCache.read(tokenOf(cookie))));
    expect(reads.each()).toEqual([asked.length]);
    reads.restore();
    const emails = readings.map((reading) => (reading.state === 'live' ? reading.owner.email : reading.state));
    expect(emails).toEqual(asked.map((_, index) => people[index % people.length]?.email));
  });

  test('are never mixed up on the pages', async () => {
    const people = await crowd(4);
    const pages = await Promise.all([...people, ...people, ...people].map(({ cookie }) => profile(cookie)));
    for (const [index, { text }] of pages.entries()) {
      const shown = people.filter(({ email }) => text.includes(`>${email}<`));
      expect(shown).toEqual([people[index % people.length]]);
    }
  });

  test('fail together when Redis fails, and are all answered from PostgreSQL', async () => {
    const people = await crowd(4);
    web.context.redis.disconnect(true);
    const pages = await Promise.all(people.map(({ cookie }) => profile(cookie)));
    expect(pages.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await until(() => web.context.redis.status === 'ready');
  });
});

describe('a cookie whose signature was checked before', () => {
  test('opens nothing once its session has ended, in no process', async () => {
    const { browser, cookie } = await person();
    for (const on of [web, other]) expect((await profile(cookie, on)).status).toBe(200);
    await browser.logOut();
    for (const on of [web, other]) expect((await profile(cookie, on)).status).toBe(303);
  });

  test('says nothing for one that differs in a letter', async () => {
    const { cookie } = await person();
    expect((await profile(cookie)).status).toBe(200);
    const last = cookie.at(-5) === 'A' ? 'B' : 'A';
    expect((await profile(cookie.slice(0, -5) + last + cookie.slice(-4))).status).toBe(303);
    expect((await profile(cookie)).status).toBe(200);
  });
});

test('the first answer of a process and those that follow have the same security headers', async () => {
  const fresh = await startWeb(stores);
  try {
    const headersOf = async () => {
      const { headers } = await fetch(`${fresh.url}/healthz`);
      return Object.fromEntries([...headers].filter(([name]) => !['date', 'x-request-id'].includes(name)));
    };
    const first = await headersOf();
    expect(first).toMatchObject({
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
    });
    expect(await headersOf()).toEqual(first);
  } finally {
    await fresh.close();
  }
});

test('a small page is sent as it is', async () => {
  const answer = await fetch(`${web.url}/login`, { headers: { 'accept-encoding': 'gzip' } });
  expect(answer.headers.get('content-encoding')).toBeNull();
  expect(Number(answer.headers.get('content-length'))).toBeLessThan(8_192);
});

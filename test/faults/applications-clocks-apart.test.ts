// Web hosts whose clocks are a minute and a half off, one ahead and one behind: entering applications, the check, its rules and
// what applications are told go by PostgreSQL's clock alone.
import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestProcess } from '../support/app.ts';
import { shiftAppClock } from '../support/app-clock.ts';
import { addApplication, type TestApplication } from '../support/applications.ts';
import { ask, cookieIn, PAGE } from '../support/wire.ts';
import { type Person, world } from '../support/world.ts';

const PROXIED = { TRUSTED_PROXIES: '127.0.0.1' };
const { web, other, sql, redis, newMember } = await world({ webs: [PROXIED, PROXIED] });
const hosts = [
  { on: web, shiftMs: 90_000 },
  { on: other, shiftMs: -90_000 },
] as const;
type Host = (typeof hosts)[number];

afterEach(() => shiftAppClock(0));

/** A request to a host, answered by its clock. */
async function at<T>({ on, shiftMs }: Host, request: (on: TestProcess) => Promise<T>): Promise<T> {
  shiftAppClock(shiftMs);
  try {
    return await request(on);
  } finally {
    shiftAppClock(0);
  }
}

const check = (host: Host, { slug }: TestApplication, cookie: string) =>
  at(host, ({ url }) => {
    const asked = { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/', ...PAGE };
    return ask(`${url}/forward-auth/forwarded/${slug}`, { ...asked, cookie });
  });

/** Begins on one host, as far as the ticket; the session cookie's own host is the first. */
async function begin(first: Host, person: Person, { slug }: TestApplication) {
  const host = `${slug}.example.org`;
  const start = await at(first, ({ url }) => ask(`${url}/.holdfast/start?to=/`, { host }));
  expect(start.headers['set-cookie']?.join()).not.toMatch(/expires|max-age/i);
  const { pathname, search } = new URL(String(start.headers['location']));
  const given = await at(hosts[0], () =>
    person.browser.agent
      .get(pathname + search)
      .set('Sec-Fetch-Site', 'cross-site')
      .redirects(0),
  );
  const back = new URL(String(given.headers['location']));
  const enter = (second: Host) =>
    at(second, ({ url }) => ask(`${url}${back.pathname}${back.search}`, { host, cookie: cookieIn(start) }));
  return { enter };
}

async function enter(person: Person, application: TestApplication): Promise<string> {
  return cookieIn(await (await begin(hosts[0], person, application)).enter(hosts[1]));
}

describe.each([
  ['ahead, then on the one behind', hosts[0], hosts[1]],
  ['behind, then on the one ahead', hosts[1], hosts[0]],
])('somebody begins on the host %s', (_what, first, second) => {
  test('and enters with the ticket and the state of the first', async () => {
    const [person, application] = [await newMember(), await addApplication(sql)];
    const entered = await (await begin(first, person, application)).enter(second);
    expect([entered.status, entered.headers['location']]).toEqual([302, `https://${application.slug}.example.org/`]);
    for (const host of hosts) {
      const answer = await check(host, application, cookieIn(entered));
      expect(answer).toMatchObject({ status: 200, headers: { holdfastuser: person.id } });
    }
  });

  test('but not with a ticket that is too old', async () => {
    const [person, application] = [await newMember(), await addApplication(sql)];
    const begun = await begin(first, person, application);
    await sql(`UPDATE application_ticket SET expires_at = clock_timestamp() - interval '1 second'`);
    const entered = await begun.enter(second);
    expect([entered.status, cookieIn(entered)]).toEqual([400, '']);
  });
});

test('a log-in is as old as PostgreSQL says, on each of them', async () => {
  const [person, application] = [await newMember(), await addApplication(sql, { recentLoginSeconds: 60 })];
  const cookie = await enter(person, application);
  for (const host of hosts) expect((await check(host, application, cookie)).status).toBe(200);
  await sql(`UPDATE session SET proved_at = clock_timestamp() - interval '65 seconds' WHERE user_id = $1`, [person.id]);
  await redis.flushall();
  for (const host of hosts) {
    const { status, headers } = await check(host, application, cookie);
    expect([status, headers['holdfastuser']]).toEqual([302, undefined]);
    expect(headers['www-authenticate']).toContain('max_age=60');
  }
});

test('what an application is told was issued now, and is good for a minute', async () => {
  const [person, application] = [await newMember(), await addApplication(sql)];
  const cookie = await enter(person, application);
  for (const host of hosts) {
    const { headers } = await check(host, application, cookie);
    const [, claims = ''] = String(headers['holdfastassertion']).split('.');
    const { iat, exp, auth_time } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, number>;
    for (const moment of [Number(iat), Number(exp) - 60, Number(auth_time)])
      expect(Math.abs(moment - Date.now() / 1_000)).toBeLessThan(45);
  }
});

test('who has logged out stays out, on each of them', async () => {
  const [person, application] = [await newMember(), await addApplication(sql)];
  const cookie = await enter(person, application);
  await at(hosts[1], () => person.browser.submit('/logout', {}, '/profile'));
  for (const host of hosts) expect((await check(host, application, cookie)).status).toBe(302);
});

// What a visitor gets when PostgreSQL fails, and when both do. DESIGN: the rows "PostgreSQL down …" and "both down".
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import type { Context } from '../../src/core/context.ts';
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
import { entryOf, unsealed } from '../support/copies.ts';

let servers: OwnServers;
let web: TestProcess;
let other: TestProcess;
let worker: Context;

beforeEach(async () => {
  servers = await startOwnServers();
  [web, other, worker] = await Promise.all([startWeb(servers), startWeb(servers), openWorker(servers)]);
});

afterEach(async () => {
  await Promise.all([web?.close(), other?.close(), worker?.close()]);
  await servers?.close();
});

async function registered(): Promise<{ browser: Browser; email: string }> {
  const browser = new Browser(web.url);
  const email = newEmail();
  expect((await browser.register(email)).status).toBe(303);
  expect(await browser.profile()).toBe(200);
  return { browser, email };
}

async function waitingJobs() {
  const queue = await web.context.queues.open('sessions');
  return queue.getJobs(['waiting', 'delayed', 'active']);
}

describe('PostgreSQL is away', () => {
  test('restricted pages go on from Redis; logging in and registering are refused with 503, and nothing is accepted', async () => {
    const { browser, email } = await registered();
    await servers.postgres().kill();
    expect(await browser.profile()).toBe(200);
    const login = await new Browser(web.url).logIn(email);
    expect(login.status).toBe(503);
    expect(login.headers['retry-after']).toBeDefined();
    expect(setCookie(login, SESSION_COOKIE)).toBeUndefined();
    expect((await new Browser(web.url).register(newEmail())).status).toBe(503);
    expect((await browser.get('/readyz')).status).toBe(200);
    expect(await browser.profile()).toBe(200);
    await servers.startPostgresAgain();
    await until(async () => (await new Browser(web.url).logIn(email)).status === 303);
  });

  test('a session whose copy the version before wrote, and that was not used since, is asked to wait, and stays logged in', async () => {
    const { browser } = await registered();
    const redis = new Redis(servers.redisUrl);
    const [key = ''] = await redis.keys('hf:s:*');
    await redis.set(key, Buffer.from(await unsealed(redis, key), 'latin1'), 'KEEPTTL');
    await servers.postgres().kill();
    const refused = await browser.get('/profile');
    expect([refused.status, setCookie(refused, SESSION_COOKIE)]).toEqual([503, undefined]);
    expect(refused.headers['retry-after']).toBeDefined();
    await servers.startPostgresAgain();
    await until(async () => (await browser.profile()) === 200);
    await until(async () => (await unsealed(redis, key)) !== (await entryOf(redis, key)));
    await servers.postgres().kill();
    expect(await browser.profile()).toBe(200);
    redis.disconnect();
  });

  test('logging out takes effect at once, everywhere, and is recorded when it returns', async () => {
    const { browser, email } = await registered();
    const jar = browser.agent.jar.getCookies({ domain: '127.0.0.1', path: '/', secure: false, script: false });
    const cookie = [...jar].map((one) => `${one.name}=${one.value}`).join('; ');
    await servers.postgres().kill();
    expect((await browser.logOut()).status).toBe(303);
    const statuses = await Promise.all(
      [web, other].map(({ url }) => fetch(`${url}/profile`, { headers: { cookie }, redirect: 'manual' })),
    );
    expect(statuses.map(({ status }) => status)).toEqual([303, 303]);

    await servers.startPostgresAgain();
    const [job] = await waitingJobs();
    if (!job) throw new Error('no job waits to record the end');
    expect(job.name).toBe('end-session');
    expect(job.opts.stackTraceLimit).toBe(1); // tried for thirty days: each failure more would be kept in Redis
    expect(JSON.stringify(job.data)).not.toContain(cookie.split('=')[1]?.slice(0, 43));
    await until(() =>
      handlers['end-session'](worker, job.data).then(
        () => true,
        () => false,
      ),
    );
    const rows = await query<{ end_reason: string }>(
      servers.database.superuserUrl,
      'SELECT end_reason FROM session s JOIN user_account u ON u.id = user_id WHERE email = $1',
      [email],
    );
    expect(rows.map((row) => row.end_reason)).toEqual(['logged_out']);
  });

  test('logging out is refused with 503 where Redis takes no writes, as on a full disk, and ends nothing', async () => {
    const { browser, email } = await registered();
    const redis = new Redis(servers.redisUrl);
    await redis.config('SET', 'min-replicas-to-write', '1');
    await servers.postgres().kill();
    const refused = await browser.logOut();
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '10']);
    expect(await browser.profile()).toBe(200);
    await redis.config('SET', 'min-replicas-to-write', '0');
    redis.disconnect();
    expect((await browser.logOut()).status).toBe(303);
    expect(await browser.profile()).toBe(303);
    await servers.startPostgresAgain();
    await until(async () => (await new Browser(web.url).logIn(email)).status === 303);
  });

  test('ending other sessions is refused, because nobody can say when this one began, and nothing is done', async () => {
    const { browser, email } = await registered();
    const second = new Browser(other.url);
    expect((await second.logIn(email)).status).toBe(303);
    expect(await second.profile()).toBe(200);
    await servers.postgres().kill();
    const refused = await browser.submit('/account/sessions/revoke-others', {}, '/profile');
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '10']);
    expect(await second.profile()).toBe(200);
    await servers.startPostgresAgain();
    await until(async () => (await browser.submit('/account/sessions/revoke-others', {}, '/profile')).status === 303);
    expect(await second.profile()).toBe(303);
  });

  test('the end of an account’s sessions counts at once, whatever process they are on, and is recorded later', async () => {
    const { browser, email } = await registered();
    const second = new Browser(other.url);
    expect((await second.logIn(email)).status).toBe(303);
    expect(await second.profile()).toBe(200);
    const { rows: sessions } = await web.context.database.pool.query<{ id: string; user_id: string }>(
      'SELECT s.id, user_id FROM session s JOIN user_account u ON u.id = user_id WHERE email = $1 ORDER BY s.created_at',
      [email],
    );
    const [own] = sessions;
    if (!own) throw new Error('no session');
    await servers.postgres().kill();
    const which = { userId: own.user_id, exceptSessionId: own.id };
    await web.context.sessions.end(which, { reason: 'revoked', actor: own.user_id, origin: NO_ORIGIN });
    expect(await second.profile()).toBe(303);
    expect(await browser.profile()).toBe(200);
    await servers.startPostgresAgain();
    const jobs = await waitingJobs();
    expect(jobs.map((job) => job.name)).toEqual(['end-session']);
    await until(() =>
      handlers['end-session'](worker, jobs[0]?.data).then(
        () => true,
        () => false,
      ),
    );
    const rows = await query<{ end_reason: string | null }>(
      servers.database.superuserUrl,
      'SELECT end_reason FROM session s JOIN user_account u ON u.id = user_id WHERE email = $1 ORDER BY s.created_at',
      [email],
    );
    expect(rows.map((row) => row.end_reason)).toEqual([null, 'revoked']);
    expect(await browser.profile()).toBe(200);
  });
});

describe('both are away', () => {
  test('restricted pages answer 503 with Retry-After, the cookie stays, and the person is still logged in afterwards', async () => {
    const { browser } = await registered();
    await Promise.all([servers.postgres().kill(), servers.redis().kill()]);
    const page = await browser.get('/profile');
    expect(page.status).toBe(503);
    expect(page.headers['retry-after']).toBeDefined();
    expect(page.headers['set-cookie']).toBeUndefined();
    expect(page.text).toContain('Nobody is logged out by this');
    expect((await browser.get('/healthz')).status).toBe(200);
    expect((await browser.get('/readyz')).status).toBe(503);
    await Promise.all([servers.startPostgresAgain(), servers.startRedisAgain()]);
    await until(async () => (await browser.profile()) === 200);
  });
});

describe('neither is there at the start', () => {
  test('a process waits, says it is not ready, and serves as soon as they come', async () => {
    const { browser } = await registered();
    await Promise.all([servers.postgres().kill(), servers.redis().kill()]);
    const starting = startWeb(servers);
    await Promise.all([servers.startPostgresAgain(), servers.startRedisAgain()]);
    const late = await starting;
    try {
      expect((await fetch(`${late.url}/readyz`)).status).toBe(200);
      await until(async () => (await browser.profile()) === 200);
    } finally {
      await late.close();
    }
  });
});

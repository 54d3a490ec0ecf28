// A session over its whole life, on real stores: begun, read with one command, extended, ended for good.

import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, expect, jest, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { hashToken } from '../../src/core/credentials/random-token.ts';
import { keys } from '../../src/core/platform/redis.ts';
import { isCopy, nameOf } from '../../src/core/sessions/cache-entry.ts';
import { createLastSeen } from '../../src/core/sessions/last-seen.ts';
import { SessionStore } from '../../src/web/session/session-store.ts';
import {
  Browser,
  newEmail,
  openWorker,
  PASSWORD,
  SESSION_COOKIE,
  setCookie,
  startWeb,
  type TestProcess,
} from '../support/app.ts';
import { watchStatements } from '../support/asked-stores.ts';
import { copyOf } from '../support/copies.ts';
import { world } from '../support/world.ts';

const { stores, web, other, redis, sql, atEnd } = await world({ webs: 2 });
let worker = await openWorker(stores);
atEnd(() => worker.close());

async function registered(on: TestProcess = web) {
  const browser = new Browser(on.url);
  const email = newEmail();
  const response = await browser.register(email);
  const cookie = setCookie(response, SESSION_COOKIE)?.split(';')[0] ?? '';
  const token = cookie.slice(SESSION_COOKIE.length + 1).split('.')[0] ?? '';
  const key = `hf:s:${createHash('sha256').update(token).digest('base64url')}`;
  const [session] = await sql<{ id: string; user_id: string }>(
    'SELECT s.id, user_id FROM session s JOIN user_account u ON u.id = user_id WHERE email = $1',
    [email],
  );
  return { browser, email, cookie, token, key, sessionId: session?.id ?? '', userId: session?.user_id ?? '' };
}

/** Another browser's worth of requests with a stolen or copied cookie, on any process. */
async function statusWith(cookie: string, on: TestProcess = web): Promise<number> {
  const response = await fetch(`${on.url}/profile`, { headers: { cookie }, redirect: 'manual' });
  await response.arrayBuffer();
  return response.status;
}

describe('a session begins', () => {
  test('with its row, its events and its copy, and neither store holds the token', async () => {
    const { token, key, sessionId, userId } = await registered();
    expect(token).toMatch(/^[\w-]{43}$/);
    const [row] = await sql<{ token_hash: Buffer }>('SELECT token_hash FROM session WHERE id = $1', [sessionId]);
    expect(row?.token_hash.equals(createHash('sha256').update(token).digest())).toBe(true);
    const copy = await copyOf(redis, key);
    expect(copy.owner).toMatchObject({ id: sessionId, userId });
    expect((await redis.getBuffer(key))?.includes(Buffer.from(token, 'base64url'))).toBe(false);
    const waiting = await sql<{ event: { type: string; session: string } }>(
      "SELECT event FROM outbox UNION ALL SELECT jsonb_build_object('type', type, 'session', session_id) FROM audit_event",
    );
    const types = waiting.filter(({ event }) => event.session === sessionId).map(({ event }) => event.type);
    expect(types).toContain('session_created');
    expect(JSON.stringify(waiting)).not.toContain(token);
  });

  test('not for an anonymous visitor, who leaves no row and no key', async () => {
    const before = await sql('SELECT id FROM session');
    const keysBefore = await redis.keys('hf:s:*');
    const visitor = new Browser(web.url);
    expect((await visitor.get('/')).status).toBe(200);
    expect((await visitor.get('/login')).status).toBe(200);
    expect(await visitor.profile()).toBe(303);
    expect(await sql('SELECT id FROM session')).toHaveLength(before.length);
    expect(await redis.keys('hf:s:*')).toHaveLength(keysBefore.length);
  });

  test('with a new token at every log-in; the one it replaces is dead', async () => {
    const { browser, email, cookie } = await registered();
    const response = await browser.submit('/login', { email, password: PASSWORD }, '/profile');
    expect(response.status).toBe(303);
    const renewed = setCookie(response, SESSION_COOKIE)?.split(';')[0] ?? '';
    expect(renewed).not.toBe(cookie);
    expect(await statusWith(renewed)).toBe(200);
    expect(await statusWith(cookie)).toBe(303);
    expect(await statusWith(cookie, other)).toBe(303);
  });
});

/** Asked for once a second, whatever is read. */
const OF_THE_WATCH = new Set(['mget hf:endings hf:epoch', 'get hf:rewound']);

describe('a session is read', () => {
  test('with one Redis command and no SQL', async () => {
    const { browser } = await registered();
    expect(await browser.profile()).toBe(200);
    await worker.sealing.seal(); // or the watch repeats the endings of the tests before
    const asked = watchStatements(web.context.database.pool);
    const commands: string[] = [];
    const clients = await clientPorts(redis, 'holdfast-sessions');
    const stop = await monitor((command, source) => {
      if (clients.has(source) && !OF_THE_WATCH.has(command)) commands.push(command);
    });
    for (let page = 0; page < 5; page += 1) expect(await browser.profile()).toBe(200);
    await until(() => commands.length >= 5);
    stop();
    expect(commands).toEqual(Array.from({ length: 5 }, () => expect.stringMatching(/^mget hf:s:/)));
    expect(asked.texts()).toEqual([]);
    asked.restore();
  });

  test('from PostgreSQL when its copy is gone, which then comes back', async () => {
    const { browser, key } = await registered();
    await redis.del(key);
    expect(await browser.profile()).toBe(200);
    await until(async () => isCopy(await redis.get(key)));
  });

  test('from PostgreSQL when Redis has lost everything', async () => {
    const { browser, key } = await registered();
    await redis.flushdb();
    expect(await browser.profile()).toBe(200);
    await until(async () => (await browser.profile()) === 200 && isCopy(await redis.get(key)));
  });

  test('from a Redis that was emptied by each process at once, also by one that finds another’s mark there', async () => {
    const { browser, cookie } = await registered();
    const third = await startWeb(stores);
    try {
      await until(() => third.context.sessionCache.health().redis);
      third.context.sessionCache.close(); // or it would look again within a second
      const { redis: client } = third.context;
      const reset = client.hfResetMark.bind(client);
      const beaten = jest.spyOn(client, 'hfResetMark').mockImplementationOnce(async (...given) => {
        await until(async () => (await browser.profile()) === 200 && (await redis.exists('hf:endings')) === 1);
        return reset(...given);
      });
      await redis.flushdb();
      expect(await statusWith(cookie, third)).toBe(200);
      await until(() => beaten.mock.results.length > 0);
      expect(await beaten.mock.results[0]?.value).toBe(0);
      expect(await statusWith(cookie, third)).toBe(200);
      await until(() => third.context.sessionCache.health().redis);
    } finally {
      await third.close();
    }
  });

  test.each([
    ['L', (at: number) => `${String(at).padStart(13, '0')}${String(at + 1e9).padStart(13, '0')}`],
    ['S', (at: number) => Buffer.alloc(12, at.toString(16).padStart(12, '0'), 'hex').toString('latin1')],
  ])('never from a copy of a foreign shape (%s)', async (kind, moments) => {
    const { browser, key, userId } = await registered();
    const forged = JSON.stringify({ user: userId, role: 'operator' });
    await redis.set(key, Buffer.from(kind + moments(Date.now()) + forged, 'latin1'));
    expect(await browser.profile()).toBe(200);
    expect((await browser.get('/operator/audit')).status).toBe(403);
  });

  test('only with a good signature', async () => {
    const { cookie } = await registered();
    const broken = `${cookie.slice(0, -2)}${cookie.endsWith('AA') ? 'BB' : 'AA'}`;
    expect(await statusWith(broken)).toBe(303);
    expect(await statusWith(`${SESSION_COOKIE}=${'x'.repeat(300)}`)).toBe(303);
    expect(await statusWith(`${SESSION_COOKIE}=${'A'.repeat(43)}.${'A'.repeat(43)}`)).toBe(303);
  });
});

describe('a session is extended', () => {
  test('at most once a minute, in Redis, and the worker writes it down', async () => {
    const { browser, key, sessionId } = await registered();
    await sql(
      `UPDATE session SET last_seen_at = now() - interval '10 hours', idle_deadline = now() + interval '14 hours' WHERE id = $1`,
      [sessionId],
    );
    await redis.del(key);
    expect(await browser.profile()).toBe(200);
    await until(async () => (await redis.pttl(key)) > 0);
    expect(await redis.pttl(key)).toBeLessThanOrEqual(14 * 3_600_000);
    expect(await browser.profile()).toBe(200);
    await until(async () => (await redis.pttl(key)) > 23 * 3_600_000);
    const { seenAt } = await copyOf(redis, key);
    expect(await browser.profile()).toBe(200);
    expect((await copyOf(redis, key)).seenAt).toBe(seenAt);
    await worker.sessionCache.flushTouches();
    const [row] = await sql<{ age: number; left: number }>(
      'SELECT extract(epoch FROM now() - last_seen_at)::float8 AS age, extract(epoch FROM idle_deadline - now())::float8 AS left FROM session WHERE id = $1',
      [sessionId],
    );
    expect(row?.age).toBeLessThan(30);
    expect(row?.left).toBeGreaterThan(23 * 3_600);
    expect(await redis.zcard('hf:touched')).toBe(0);
  });

  test('in PostgreSQL too while there is no worker: nobody looks idle to it who was not', async () => {
    const { key, sessionId, token } = await registered();
    await sql(`UPDATE session SET last_seen_at = now() - interval '1 hour' WHERE id = $1`, [sessionId]);
    const [seconds] = await redis.time();
    const name = key.slice('hf:s:'.length);
    await redis.zadd('hf:touched', (Number(seconds) - 180) * 1_000, name);
    expect(name).toBe(createHash('sha256').update(token).digest('base64url'));
    const fresh = await startWeb(stores);
    try {
      await until(async () => (await redis.zcard('hf:touched')) === 0);
      const [row] = await sql<{ age: number }>(
        'SELECT extract(epoch FROM now() - last_seen_at)::float8 AS age FROM session WHERE id = $1',
        [sessionId],
      );
      expect(row?.age).toBeGreaterThan(170);
      expect(row?.age).toBeLessThan(240);
    } finally {
      await fresh.close();
    }
  });

  test('in one go for all who ask meanwhile, and with what was noted before they asked', async () => {
    const [one, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const written: string[][] = [];
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const lastSeen = createLastSeen({
      redis: worker.redis,
      suspect: async () => undefined,
      async writeLastSeen(touches) {
        written.push(touches.map(({ tokenHash }) => nameOf(tokenHash)));
        await held;
        return [];
      },
    });
    await redis.del('hf:touched');
    await redis.zadd('hf:touched', 1, nameOf(one));
    const first = lastSeen.flush();
    await until(() => written.length === 1);
    await redis.zadd('hf:touched', 2, nameOf(other));
    const asked = Promise.all(Array.from({ length: 20 }, () => lastSeen.flush()));
    release();
    await Promise.all([first, asked]);
    expect(written).toEqual([[nameOf(one)], [nameOf(other)]]);
  });

  test('never past its absolute lifetime', async () => {
    const { browser, key, sessionId } = await registered();
    await sql(
      `UPDATE session SET last_seen_at = now() - interval '5 minutes', absolute_deadline = now() + interval '10 minutes' WHERE id = $1`,
      [sessionId],
    );
    await redis.del(key);
    expect(await browser.profile()).toBe(200);
    await until(async () => (await redis.pttl(key)) > 0);
    expect(await browser.profile()).toBe(200);
    expect(await redis.pttl(key)).toBeLessThanOrEqual(10 * 60_000);
  });
});

describe('a session ends', () => {
  test('by logging out: everywhere at once, and with its event', async () => {
    const { browser, cookie, sessionId } = await registered();
    expect(await statusWith(cookie, other)).toBe(200);
    const response = await browser.logOut();
    expect(response.status).toBe(303);
    expect(setCookie(response, SESSION_COOKIE)).toMatch(/expires=Thu, 01 Jan 1970/);
    expect(await statusWith(cookie)).toBe(303);
    expect(await statusWith(cookie, other)).toBe(303);
    await worker.sealing.seal();
    const events = await sql<{ type: string; detail: { reason: string } }>(
      `SELECT type, detail FROM audit_event WHERE session_id = $1 AND type = 'session_ended'`,
      [sessionId],
    );
    expect(events.map(({ detail }) => detail.reason)).toEqual(['logged_out']);
  });

  test('by logging out, also where PostgreSQL has lost its row', async () => {
    const { browser, cookie, sessionId } = await registered();
    await sql('DELETE FROM session WHERE id = $1', [sessionId]);
    expect(await statusWith(cookie)).toBe(200);
    expect((await browser.logOut()).status).toBe(303);
    for (const on of [web, other]) expect(await statusWith(cookie, on)).toBe(303);
  });

  test('for good: a refill, a touch and a save that come late do not bring it back', async () => {
    const { browser, cookie, token, key } = await registered();
    const reading = await web.context.sessionCache.read(token);
    if (reading.state !== 'live') throw new Error('not live');
    await browser.logOut();
    const record = { ...reading, sinceSeenMs: 0, idleTimeoutMs: 60_000, absoluteRemainingMs: 60_000 };
    const epoch = web.context.sessionCache.epochs.newest();
    await web.context.sessionCache.put({ tokenHash: hashToken(token), record, epoch });
    const name = nameOf(hashToken(token)); // what it is called in Redis
    await web.context.redis.hfTouch(keys.session(name), keys.touched, 60_000, name);
    const { redis: client, sessionCache: cache } = web.context;
    const store = new SessionStore({ redis: client, cache });
    const ctx = { state: { reading } };
    await expect(store.set(token, { late: true }, undefined, { ctx })).rejects.toThrow('must not write');
    expect((await redis.get(key))?.startsWith('E')).toBe(true);
    expect(await redis.zscore(`hf:${keys.touched}`, name)).toBeNull();
    expect(await statusWith(cookie)).toBe(303);
    expect(await statusWith(cookie, other)).toBe(303);
  });

  test("when it was not used for too long, by PostgreSQL's clock, and the visitor is told why", async () => {
    const { browser, key, sessionId } = await registered();
    await sql(
      `UPDATE session SET last_seen_at = now() - interval '25 hours', idle_deadline = now() - interval '1 hour' WHERE id = $1`,
      [sessionId],
    );
    await redis.del(key);
    expect(await browser.profile()).toBe(303);
    const login = await browser.get('/login');
    expect(login.text).toContain('not used for a while');
    expect(setCookie(login, SESSION_COOKIE)).toMatch(/1970/);
    await worker.sessions.endExpired();
    await worker.sealing.seal();
    const events = await sql<{ type: string }>('SELECT type FROM audit_event WHERE session_id = $1 ORDER BY seq', [
      sessionId,
    ]);
    expect(events.map(({ type }) => type)).toEqual(['session_created', 'session_expired']);
  });

  test('when its owner changes the password: every other one, and this one gets a new token', async () => {
    const { browser, email, cookie, sessionId } = await registered();
    const second = new Browser(other.url);
    expect((await second.logIn(email)).status).toBe(303);
    await sql(`UPDATE session SET data = '{"theme": "dark"}' WHERE id = $1`, [sessionId]);
    const response = await browser.submit('/account/password', {
      current: PASSWORD,
      password: 'another long password',
    });
    expect(response.status).toBe(303);
    expect(await browser.profile()).toBe(200);
    const goesOn = await sql<{ data: unknown; same: boolean }>(
      `SELECT data, logged_in_at = (SELECT created_at FROM session WHERE id = $1) AS same FROM session
        WHERE user_id = (SELECT user_id FROM session WHERE id = $1) AND ended_at IS NULL`,
      [sessionId],
    );
    expect(goesOn).toEqual([{ data: { theme: 'dark' }, same: true }]);
    expect(await second.profile()).toBe(303);
    expect((await second.get('/login')).text).toContain('password of this account was changed');
    expect(await statusWith(cookie)).toBe(303);
    expect((await new Browser(web.url).logIn(email)).status).toBe(401);
    expect((await new Browser(web.url).logIn(email, 'another long password')).status).toBe(303);
  });

  test('when its owner ends it from another browser, and only its owner can', async () => {
    const { browser, email } = await registered();
    const second = new Browser(other.url);
    await second.logIn(email);
    const stranger = await registered();
    const page = await browser.get('/account/sessions');
    const ids = [...page.text.matchAll(/\/account\/sessions\/([0-9a-f-]{36})\/revoke/g)].map((match) => match[1] ?? '');
    expect(ids.length).toBeGreaterThanOrEqual(1);
    const id = ids[0] ?? '';
    await stranger.browser.submit(`/account/sessions/${id}/revoke`, {}, '/account/sessions');
    expect(await second.profile()).toBe(200);
    expect((await browser.submit(`/account/sessions/${id}/revoke`, {}, '/account/sessions')).status).toBe(303);
    expect(await second.profile()).toBe(303);
    expect((await second.get('/login')).text).toContain('ended this session from another browser');
    expect(await browser.profile()).toBe(200);
  });

  test('when a role changes, so that the old one counts nowhere from the next request on', async () => {
    const { browser, email, userId } = await registered();
    const colleague = await registered(); // the last operator would stay one
    await web.context.users.setRole(colleague.userId, 'operator', { actor: null, origin: NO_ORIGIN });
    await worker.close();
    worker = await openWorker(stores);
    await web.context.users.setRole(userId, 'operator', {
      actor: null,
      origin: { ip: null, userAgent: null, requestId: null },
    });
    expect(await browser.profile()).toBe(303);
    expect((await browser.logIn(email)).status).toBe(303);
    expect((await browser.get('/operator/audit')).status).toBe(200);
    await other.context.users.setRole(userId, 'member', {
      actor: null,
      origin: { ip: null, userAgent: null, requestId: null },
    });
    expect((await browser.get('/operator/audit')).status).toBe(303);
  });
});

describe('the cookie', () => {
  test('outlives the replacement of the signing key while the old one is listed', async () => {
    const { cookie } = await registered();
    const rotated = await startWeb(stores, {
      SESSION_KEYS: 'the-new-key-of-this-test-long-enough,a-key-for-tests-that-is-long-enough',
    });
    const onlyNew = await startWeb(stores, { SESSION_KEYS: 'the-new-key-of-this-test-long-enough' });
    try {
      const response = await fetch(`${rotated.url}/profile`, { headers: { cookie } });
      expect(response.status).toBe(200);
      const signedAgain =
        response.headers
          .getSetCookie()
          .find((one) => one.startsWith(SESSION_COOKIE))
          ?.split(';')[0] ?? '';
      expect(await statusWith(cookie, onlyNew)).toBe(303);
      expect(await statusWith(signedAgain, onlyNew)).toBe(200);
    } finally {
      await Promise.all([rotated.close(), onlyNew.close()]);
    }
  });

  test("under HTTPS is bound to the host, secure, and out of scripts' reach", async () => {
    const secure = await startWeb(stores, { PUBLIC_URL: 'https://login.example.org' });
    try {
      const login = await fetch(`${secure.url}/login`);
      const visitor = login.headers.getSetCookie()[0] ?? '';
      expect(visitor).toMatch(/^__Host-visitor=.*; path=\/;.*samesite=lax; secure; httponly/);
    } finally {
      await secure.close();
    }
  });
});

/** Each command that the server takes, of whichever test. ioredis's own takes those that come at once for answers, and throws. */
async function monitor(onCommand: (command: string, source: string) => void): Promise<() => void> {
  const { hostname, port, password } = new URL(stores.redisUrl);
  const socket = connect(Number(port), hostname);
  let answers = 0;
  createInterface({ input: socket }).on('line', (line) => {
    const [, source, words] = /^\+[\d.]+ \[\d+ (\S+)\] (.*)$/.exec(line) ?? [];
    if (source === undefined) answers += Number(line === '+OK');
    else onCommand([...(words ?? '').matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word]) => word).join(' '), source);
  });
  socket.write(`AUTH ${password}\r\nMONITOR\r\n`);
  await until(() => answers === 2);
  return () => socket.destroy();
}

async function clientPorts(client: Redis, name: string): Promise<Set<string>> {
  const list = (await client.client('LIST')) as string;
  const own = ` db=${new URL(stores.redisUrl).pathname.slice(1)} `;
  const lines = list.split('\n').filter((line) => line.includes(`name=${name} `) && line.includes(own));
  return new Set(lines.map((line) => /addr=(\S+)/.exec(line)?.[1] ?? ''));
}

describe('an operator', () => {
  test("ends one session of somebody, or all of them, and the person is told; a member can't", async () => {
    const member = await registered();
    const second = new Browser(other.url);
    await second.logIn(member.email);
    const chief = await registered();
    const page = `/operator/users/${member.userId}`;
    expect((await chief.browser.get(page)).status).toBe(403);
    await web.context.users.setRole(chief.userId, 'operator', { actor: null, origin: NO_ORIGIN });
    await chief.browser.logIn(chief.email);
    expect((await chief.browser.get(`/operator/users?q=${encodeURIComponent(member.email)}`)).text).toContain(page);

    const one = `${page}/sessions/${member.sessionId}/revoke`;
    expect((await chief.browser.submit(one, { reason: 'asked to' }, one)).status).toBe(303);
    expect(await member.browser.profile()).toBe(303);
    expect((await member.browser.get('/login')).text).toContain('An operator ended this session');
    expect(await second.profile()).toBe(200);
    expect(
      (await chief.browser.submit(`${page}/sessions/revoke-all`, { reason: 'asked to' }, `${page}/sessions/revoke-all`))
        .status,
    ).toBe(303);
    expect(await second.profile()).toBe(303);

    await worker.sealing.seal();
    const events = await sql<{ type: string; actor_id: string }>(
      `SELECT type, actor_id FROM audit_event WHERE subject_id = $1 AND actor_id = $2 ORDER BY seq`,
      [member.userId, chief.userId],
    );
    const types = events.map(({ type }) => type);
    expect(types.filter((type) => type === 'session_ended')).toHaveLength(2);
    expect(types).toContain('sensitive_read');
  });

  test('disables an account, which is dead at once and stays out until it is enabled again', async () => {
    const { browser, email, userId } = await registered();
    expect(await web.context.users.setDisabled(userId, true, { actor: null, origin: NO_ORIGIN })).toEqual({ ok: true });
    expect(await browser.profile()).toBe(303);
    expect((await new Browser(other.url).logIn(email)).status).toBe(401);
    expect(await web.context.users.setDisabled(userId, true, { actor: null, origin: NO_ORIGIN })).toEqual({
      ok: false,
      reason: 'unchanged',
    });
    expect(await web.context.users.setDisabled(userId, false, { actor: null, origin: NO_ORIGIN })).toEqual({
      ok: true,
    });
    expect((await new Browser(other.url).logIn(email)).status).toBe(303);
  });
});

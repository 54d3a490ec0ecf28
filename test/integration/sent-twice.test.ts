// A form that begins a session, sent twice as a double click does: the browser drops the first answer with its cookie, so one
// session stays, that of the last sending, whichever process is done first; and nobody is told that a code or link was used.
import { describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import { Browser, newEmail, PASSWORD, SESSION_COOKIE, setCookie } from '../support/app.ts';
import { enrol, totpCode } from '../support/factors.ts';
import { world } from '../support/world.ts';

const { web, other, worker, sql, newMember } = await world({ webs: 2, worker: true });

const live = (email: string) =>
  sql<{ id: string }>(
    'SELECT s.id FROM session s JOIN user_account u ON u.id = user_id WHERE email = $1 AND ended_at IS NULL',
    [email],
  );

const cookieOf = (answer: Response) => setCookie(answer, SESSION_COOKIE)?.split(';')[0] ?? '';

async function statusWith(cookie: string): Promise<number> {
  return (await fetch(`${web.url}/profile`, { headers: { cookie }, redirect: 'manual' })).status;
}

/** A form as a browser has it open: each sending carries the cookies of the moment at which it was opened. */
async function opened(browser: Browser, page: string) {
  const token = await browser.token(page);
  const cookies = browser.agent.jar.getCookies({ path: '/', domain: '127.0.0.1', secure: false, script: false });
  const cookie = cookies.toValueString();
  return (path: string, fields: Readonly<Record<string, string>>, on = web) => {
    const { agent } = new Browser(on.url);
    return agent
      .post(path)
      .redirects(0)
      .set('Cookie', cookie)
      .type('form')
      .send({ ...fields, _csrf: token });
  };
}

/** That the second answer's session is the one that is left of this person's. */
async function expectOnlySecond(email: string, [first, second]: readonly [Response, Response], to = '/profile') {
  expect([second.status, second.headers['location']]).toEqual([303, to]);
  expect(await statusWith(cookieOf(second))).toBe(200);
  expect(await statusWith(cookieOf(first))).toBe(303);
  expect(await live(email)).toHaveLength(1);
}

async function twice(send: () => PromiseLike<Response>): Promise<[Response, Response]> {
  return [await send(), await send()];
}

describe('one after the other', () => {
  test('logging in', async () => {
    const { email, id, browser } = await newMember();
    await browser.logOut();
    const send = await opened(new Browser(web.url), '/login');
    const fields = { email, password: PASSWORD, next: '/account/sessions' };
    await expectOnlySecond(email, await twice(() => send('/login', fields)), '/account/sessions');
    await worker.sealing.seal();
    const events = await sql<{ type: string; reason: string | null }>(
      `SELECT type, detail->>'reason' AS reason FROM audit_event
        WHERE subject_id = $1 AND type LIKE 'session%' ORDER BY seq DESC LIMIT 3`,
      [id],
    );
    expect(events[0]).toEqual({ type: 'session_ended', reason: 'replaced' });
    expect(events.slice(1).map(({ type }) => type)).toEqual(['session_created', 'session_created']);
  });

  test('registering', async () => {
    const email = newEmail();
    const send = await opened(new Browser(web.url), '/register');
    await expectOnlySecond(email, await twice(() => send('/register', { email, password: PASSWORD })));
  });

  test('the second step, with a code and with a recovery code', async () => {
    const { browser, email, id } = await newMember();
    const { secret, recoveryCodes } = await enrol(browser);
    await browser.logOut();
    const step = '/login/second-factor';
    for (const fields of [{ code: totpCode(secret) }, { recovery: recoveryCodes[0] ?? '' }]) {
      await sql('UPDATE totp SET last_step = 0 WHERE user_id = $1', [id]);
      await sql('UPDATE session SET ended_at = now(), end_reason = $2 WHERE user_id = $1 AND ended_at IS NULL', [
        id,
        'logged_out',
      ]);
      const half = new Browser(web.url);
      await half.logIn(email, PASSWORD, { next: '/account/sessions', remember: 'on' });
      const send = await opened(half, step);
      const answers = await twice(() => send(step, fields));
      await expectOnlySecond(email, answers, '/account/sessions');
      expect(setCookie(answers[1], SESSION_COOKIE)).toMatch(/expires=/i); // still remembered
    }
    await worker.sealing.seal();
    expect(await sql(`SELECT FROM audit_event WHERE subject_id = $1 AND type = 'authn_login_fail'`, [id])).toEqual([]);
  });

  test('an invitation', async () => {
    const email = newEmail();
    const origin = { ip: null, userAgent: null, requestId: null };
    const told = { language: 'en', from: { at: '', device: '', ip: null } } as const;
    const invited = await web.context.invitations.invite(email, told, { actor: null, origin }, { reveal: true });
    const browser = new Browser(web.url);
    await browser.get(`/invitation?token=${invited.ok ? invited.secret : ''}`);
    const send = await opened(browser, '/invitation');
    const answers = await twice(() => send('/invitation', { password: PASSWORD }));
    await expectOnlySecond(email, answers, '/profile?done=registered');
  });

  test('confirming who one is, changing the password, and removing a factor', async () => {
    const { browser, email } = await newMember();
    const confirming = await opened(browser, '/confirm');
    const confirmed = await twice(() => confirming('/confirm', { password: PASSWORD, next: '/account/data' }));
    await expectOnlySecond(email, confirmed, '/account/data');

    const again = new Browser(web.url);
    await again.logIn(email);
    const changing = await opened(again, '/account/password');
    const fields = { current: PASSWORD, password: 'another long password' };
    const changed = await twice(() => changing('/account/password', fields));
    await expectOnlySecond(email, changed, '/account/sessions?done=password-changed');

    const third = new Browser(web.url);
    await third.logIn(email, 'another long password');
    await enrol(third);
    const removing = await opened(third, '/account/security');
    const removed = await twice(() => removing('/account/security/authenticator/remove', {}));
    expect(removed.map(({ headers }) => headers['location'])).toEqual(
      Array.from({ length: 2 }, () => '/account/security?done=last-factor-removed'),
    );
    expect(await statusWith(cookieOf(removed[1]))).toBe(200);
  });

  test('with the first answer’s cookie there already: leads where the first one led', async () => {
    const { browser, email } = await newMember();
    const token = await browser.token('/confirm');
    const send = () =>
      browser.agent
        .post('/confirm')
        .redirects(0)
        .type('form')
        .send({ password: PASSWORD, next: '/account/data', _csrf: token });
    for (const answer of await twice(send)) {
      expect([answer.status, answer.headers['location']]).toEqual([303, '/account/data']);
    }
    expect(await live(email)).toHaveLength(1);
    expect(await browser.profile()).toBe(200);
  });
});

describe('both at once, in two processes', () => {
  test.each([
    ['logging in', '/login'],
    ['registering', '/register'],
  ])('%s', async (_, page) => {
    for (let round = 0; round < 4; round += 1) {
      const { email, browser } = page === '/login' ? await newMember() : { email: newEmail(), browser: null };
      await browser?.logOut();
      const send = await opened(new Browser(web.url), page);
      const fields = { email, password: PASSWORD };
      const answers = await Promise.all([send(page, fields, web), send(page, fields, other)]);
      expect(answers.map(({ status }) => status)).toEqual([303, 303]);
      expect(await live(email)).toHaveLength(1);
      // The cookie of the one that stays was given; one that was given and is dead came before it.
      const statuses = await Promise.all(answers.map(cookieOf).filter(Boolean).map(statusWith));
      expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    }
  });
});

describe('it is not the same form', () => {
  test('with something else in it, nor once its session has ended', async () => {
    const [one, another] = [await newMember(), await newMember()];
    const send = await opened(new Browser(web.url), '/login');
    const first = await send('/login', { email: one.email, password: PASSWORD });
    const second = await send('/login', { email: another.email, password: PASSWORD });
    for (const answer of [first, second]) expect(await statusWith(cookieOf(answer))).toBe(200);

    const confirming = await opened(one.browser, '/confirm');
    const confirmed = await confirming('/confirm', { password: PASSWORD });
    await web.context.sessions.end(
      { userId: one.id },
      { reason: 'revoked', actor: one.id, origin: { ip: null, userAgent: null, requestId: null } },
    );
    const late = await confirming('/confirm', { password: PASSWORD });
    expect([late.status, late.headers['location']]).toEqual([303, '/login?next=%2Fprofile']);
    expect(setCookie(late, SESSION_COOKIE)).toBeUndefined();
    expect(await statusWith(cookieOf(confirmed))).toBe(303);
  });

  test('and no password, code or token of it is kept in Redis', async () => {
    const { email } = await newMember();
    const send = await opened(new Browser(web.url), '/login');
    await send('/login', { email, password: PASSWORD });
    const keys = await web.context.redis.keys('hf:f:*');
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      const kept = JSON.stringify(await web.context.redis.hgetall(key.slice('hf:'.length)));
      expect(await web.context.redis.pttl(key.slice('hf:'.length))).toBeGreaterThan(0);
      for (const secret of [PASSWORD, email]) expect(key + kept).not.toContain(secret);
    }
  });
});

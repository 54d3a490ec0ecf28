// Recent login: what matters asks again who it is once the session is older than RECENT_LOGIN, by PostgreSQL's clock, and
// leads back; a form that came too late does nothing.
import { describe, expect, jest, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { Browser, newEmail, PASSWORD, SESSION_COOKIE, setCookie } from '../support/app.ts';
import { enrol } from '../support/factors.ts';
import { fieldError, fieldValue } from '../support/page.ts';
import { world } from '../support/world.ts';

const { web, worker, sql } = await world({
  webs: [{ RECENT_LOGIN: '10m', THROTTLE_PASSWORD_CHANGE: '3/6/1h' }],
  worker: true,
});

const NEXT = 'another horse for the battery';

interface Session {
  id: string;
  remember: boolean;
  data: object;
  end_reason: string | null;
}

async function person({ remember = false } = {}) {
  const email = newEmail();
  await new Browser(web.url).register(email);
  const browser = new Browser(web.url);
  await browser.logIn(email, PASSWORD, remember ? { remember: 'on' } : {});
  const sessions = () =>
    sql<Session>(
      `SELECT s.id, remember, data, end_reason FROM session s JOIN user_account u ON u.id = user_id
        WHERE email = $1 ORDER BY s.created_at DESC`,
      [email],
    );
  const age = (minutes: number) =>
    sql(
      `UPDATE session SET created_at = session.created_at - $2 * interval '1 minute',
                          proved_at = proved_at - $2 * interval '1 minute'
         FROM user_account u WHERE u.id = user_id AND email = $1`,
      [email, minutes],
    );
  return { email, browser, sessions, age };
}

const endOthers = (browser: Browser) => browser.submit('/account/sessions/revoke-others', {}, '/account/sessions');
const confirm = (browser: Browser, password: string, next = '/account/sessions') =>
  browser.submit('/confirm', { password, next }, `/confirm?next=${encodeURIComponent(next)}`);

async function eventsOf(email: string): Promise<{ type: string; detail: object }[]> {
  await worker.sealing.seal();
  return sql(
    `SELECT e.type, e.detail FROM audit_event e JOIN user_account u ON u.id = e.subject_id
      WHERE u.email = $1 AND e.type LIKE 'authn_confirm%' ORDER BY seq`,
    [email],
  );
}

describe('a session that began', () => {
  test('just now may do what matters', async () => {
    const { browser, age } = await person();
    await age(9);
    expect((await endOthers(browser)).headers['location']).toBe('/account/sessions?done=others-ended');
  });

  test('longer ago is asked who it is, and nothing was done', async () => {
    const { browser, sessions, age } = await person();
    await age(11);
    const late = await endOthers(browser);
    expect([late.status, late.headers['location']]).toEqual([303, '/confirm?next=%2Faccount%2Fsessions']);
    const [first] = await sessions();
    const one = await browser.submit(`/account/sessions/${first?.id}/revoke`, {}, '/account/sessions');
    expect(one.headers['location']).toBe('/confirm?next=%2Faccount%2Fsessions');
    expect((await sessions()).map((session) => session.end_reason)).toEqual([null, null]);
    expect((await browser.get('/account/sessions')).status).toBe(200);
  });

  test('longer ago is judged by the row, not by what a copy or a cookie says', async () => {
    const { browser, sessions, age } = await person();
    await age(11);
    await browser.profile();
    await sql('UPDATE session SET created_at = clock_timestamp() WHERE id = $1', [(await sessions())[0]?.id]);
    expect((await endOthers(browser)).headers['location']).toBe('/account/sessions?done=others-ended');
  });
});

describe('a session that takes the place of another', () => {
  const deadlineOf = async (browser: Browser, email: string) => {
    expect(await browser.profile()).toBe(200);
    const [row] = await sql<{ deadline: Date }>(
      `SELECT absolute_deadline AS deadline FROM session s JOIN user_account u ON u.id = user_id
        WHERE email = $1 ORDER BY s.created_at DESC LIMIT 1`,
      [email],
    );
    return row?.deadline;
  };

  test('is as old as that one: new recovery codes every nine minutes need the password all the same', async () => {
    const { browser, age } = await person();
    await enrol(browser);
    const renew = () => browser.submit('/account/security/recovery-codes', {}, '/account/security');
    await age(9);
    expect((await renew()).headers['location']).toBe('/account/security/recovery-codes?done=codes-made');
    await age(9);
    expect((await renew()).headers['location']).toBe('/confirm?next=%2Faccount%2Fsecurity');
  });

  test('ends when that one would have: with new codes, a new password, a confirmation', async () => {
    const { browser, email, age } = await person();
    await age(1);
    await sql(
      `UPDATE session SET absolute_deadline = absolute_deadline - interval '1 minute'
         FROM user_account u WHERE u.id = user_id AND email = $1`,
      [email],
    );
    const deadline = await deadlineOf(browser, email);
    expect((await browser.submit('/account/password', { current: PASSWORD, password: NEXT })).status).toBe(303);
    expect(await deadlineOf(browser, email)).toEqual(deadline);
    expect((await confirm(browser, NEXT)).status).toBe(303);
    expect(await deadlineOf(browser, email)).toEqual(deadline);
    await enrol(browser);
    expect(await deadlineOf(browser, email)).toEqual(deadline);
  });

  test('after a change of the password is recent again', async () => {
    const { browser, age } = await person();
    await age(11);
    await browser.submit('/account/password', { current: PASSWORD, password: NEXT });
    expect((await endOthers(browser)).headers['location']).toBe('/account/sessions?done=others-ended');
  });
});

describe('the right password', () => {
  test('begins a new session in place of the old one, as it was, and leads back', async () => {
    const { browser, email, sessions, age } = await person({ remember: true });
    const [before] = await sessions();
    await sql(`UPDATE session SET data = '{"kept":"along"}' WHERE id = $1`, [before?.id]);
    await age(11);
    const old = browser.agent.jar.getCookie(SESSION_COOKIE, {
      path: '/',
      domain: '127.0.0.1',
      secure: false,
      script: false,
    });
    const response = await confirm(browser, PASSWORD, '/account/sessions?x=1');
    expect([response.status, response.headers['location']]).toEqual([303, '/account/sessions?x=1']);
    expect(setCookie(response, SESSION_COOKIE)).toMatch(/expires=/i);
    const [now, was] = await sessions();
    expect(now).toMatchObject({ remember: true, data: { kept: 'along' }, end_reason: null });
    expect(was).toMatchObject({ id: before?.id, end_reason: 'replaced' });
    const again = await fetch(`${web.url}/profile`, {
      headers: { cookie: `${SESSION_COOKIE}=${old?.value}` },
      redirect: 'manual',
    });
    expect(again.status).toBe(303);
    expect((await endOthers(browser)).headers['location']).toBe('/account/sessions?done=others-ended');
    expect(await eventsOf(email)).toEqual([{ type: 'authn_confirm_success', detail: { by: 'password' } }]);
  });

  test('sent twice at once takes one place, and leaves one session', async () => {
    const { browser, sessions } = await person();
    const token = await browser.token('/confirm');
    const send = () =>
      browser.agent.post('/confirm').redirects(0).type('form').send({ password: PASSWORD, _csrf: token });
    const answers = await Promise.all([send(), send()]);
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);
    const live = (await sessions()).filter((session) => session.end_reason === null);
    expect(live).toHaveLength(2); // the one of the registration is untouched
  });

  test('never leads to another site', async () => {
    const { browser } = await person();
    for (const next of ['//evil.example', 'https://evil.example/', '/\\evil.example', '/..//evil.example']) {
      const response = await browser.submit('/confirm', { password: PASSWORD, next }, '/confirm');
      expect(response.headers['location']).toBe('/profile');
    }
  });
});

describe('a wrong password', () => {
  test('is said beside its field, recorded, and throttled with changes of the password', async () => {
    const { browser, email, sessions, age } = await person();
    await age(11);
    const empty = await confirm(browser, '');
    expect([empty.status, fieldError(empty.text, 'password')]).toEqual([422, 'Enter your password.']);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const wrong = await confirm(browser, 'not the password');
      expect([wrong.status, fieldError(wrong.text, 'password')]).toEqual([422, 'This is not your password.']);
      expect(fieldValue(wrong.text, 'next')).toBe('/account/sessions');
      expect(wrong.text).not.toContain('not the password');
    }
    const token = await browser.token('/confirm');
    const queries = jest.spyOn(web.context.secondFactors, 'overview');
    const refused = await browser.agent
      .post('/confirm')
      .redirects(0)
      .type('form')
      .send({ _csrf: token, password: PASSWORD });
    expect([refused.status, queries.mock.calls.length]).toEqual([429, 0]); // whoever goes on costs PostgreSQL nothing
    queries.mockRestore();
    expect(refused.text).toMatch(/Try again /);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    const change = { current: PASSWORD, password: 'another long password' };
    expect((await browser.submit('/account/password', change)).status).toBe(429);
    expect((await sessions()).map((session) => session.end_reason)).toEqual([null, null]);
    expect((await eventsOf(email)).map(({ type }) => type)).toEqual(Array(3).fill('authn_confirm_fail'));
  });
});

test('a right password in a session that has ended costs nothing, and begins no block', async () => {
  const { browser, email, sessions } = await person();
  const [session] = await sessions();
  const [row] = await sql<{ id: string }>('SELECT id FROM user_account WHERE email = $1', [email]);
  const who = {
    userId: row?.id ?? '',
    sessionId: session?.id ?? '',
    origin: NO_ORIGIN,
  };
  await browser.logOut();
  const reasons = [];
  for (let attempt = 0; attempt < 7; attempt += 1) {
    const result = await web.context.reauthentication.byPassword({ ...who, password: PASSWORD });
    reasons.push(result.ok || result.reason);
  }
  expect(reasons).toEqual(Array(7).fill('session_ended'));
});

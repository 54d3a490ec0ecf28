// Logging out, and forms that are sent twice or from a session that has ended.
import { describe, expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { Browser, newEmail, PASSWORD, SESSION_COOKIE, setCookie, startWeb } from '../support/app.ts';
import { fieldValue } from '../support/page.ts';
import { world } from '../support/world.ts';

const { stores, web, other, redis, sql, newMember } = await world({ webs: 2, worker: true });

async function statusWith(cookie: string, on = web): Promise<number> {
  const response = await fetch(`${on.url}/profile`, { headers: { cookie }, redirect: 'manual' });
  await response.arrayBuffer();
  return response.status;
}

describe('a form sent twice', () => {
  test('to log in: both are answered, and the browser is logged in', async () => {
    const { email } = await newMember();
    const browser = new Browser(web.url);
    const token = await browser.token('/login');
    const send = () =>
      browser.agent.post('/login').redirects(0).type('form').send({ email, password: PASSWORD, _csrf: token });
    const responses = await Promise.all([send(), send()]);
    expect(responses.map(({ status }) => status)).toEqual([303, 303]);
    expect(await browser.profile()).toBe(200);
  });

  test('to log out: at once, and again after the first was answered', async () => {
    const { browser } = await newMember();
    const token = await browser.token('/profile');
    const cookie = await loggedInCookie(browser);
    const send = () =>
      fetch(`${web.url}/logout`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ _csrf: token }),
      });
    const together = await Promise.all([send(), send()]);
    const late = await send();
    expect([...together, late].map(({ status }) => status)).toEqual([303, 303, 303]);
    expect(together.map(({ headers }) => headers.get('location'))).toContain('/?done=logged-out');
    expect(late.headers.get('location')).toBe('/login');
    expect(await statusWith(cookie)).toBe(303);
  });

  test('to change the password: the second is told that its session has ended, not that the password is wrong', async () => {
    const { browser, email } = await newMember();
    const token = await browser.token('/account/password');
    const cookie = await loggedInCookie(browser);
    const user = await web.context.users.findByEmail(email);
    const [session] = await web.context.sessions.list(user?.id ?? '');
    const form = { current: PASSWORD, password: 'another long password' };
    const send = () =>
      fetch(`${web.url}/account/password`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ ...form, _csrf: token }),
      });
    const together = await Promise.all([send(), send()]);
    expect(together.map(({ status }) => status)).toEqual([303, 303]);
    expect(together.map(({ headers }) => headers.get('location')).sort()).toEqual([
      '/account/sessions?done=password-changed',
      '/login?next=%2Faccount%2Fsessions',
    ]);
    const cookies = together.map(({ headers }) => headers.getSetCookie().some((one) => one.startsWith(SESSION_COOKIE)));
    expect(cookies.sort()).toEqual([false, true]);
    // The same, where the second was let in before the first had changed anything, and looks at the password after it.
    const about = { userId: user?.id ?? '', sessionId: session?.id ?? '', origin: NO_ORIGIN };
    const told = { language: 'en', from: { at: '', device: '', ip: '' } } as const;
    const late = await web.context.passwordChanges.change({ ...about, ...form, told });
    expect(late).toEqual({ ok: false, reason: 'session_ended' });
    const failures = await sql(
      `SELECT event FROM outbox WHERE event->>'type' = 'authn_password_change_fail' AND event->>'subject' = $1`,
      [about.userId],
    );
    expect(failures).toEqual([]);
    const attempts = await sql<{ outcome: string }>(
      'SELECT outcome FROM throttle_attempt WHERE windows::text LIKE $1 ORDER BY outcome',
      [`%${about.userId}%`],
    );
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['nothing', 'nothing', 'success']);
    expect((await new Browser(web.url).logIn(email, form.password)).status).toBe(303);
  });

  test('from a session that ended since it was opened: nothing is done, and the log-in says why', async () => {
    const { browser, email } = await newMember();
    const token = await browser.token('/account/password');
    const second = new Browser(other.url);
    await second.logIn(email);
    await second.submit('/account/sessions/revoke-others', {}, '/account/sessions');
    const form = { current: PASSWORD, password: 'another long password', _csrf: token };
    const response = await browser.agent.post('/account/password').redirects(0).type('form').send(form);
    expect([response.status, response.headers['location']]).toEqual([303, '/login?next=%2Faccount%2Fpassword']);
    expect((await browser.get('/login')).text).toContain('You ended this session from another browser');
    expect((await new Browser(web.url).logIn(email)).status).toBe(303);
  });
});

async function loggedInCookie(browser: Browser): Promise<string> {
  const [cookie] = [
    browser.agent.jar.getCookie(SESSION_COOKIE, { path: '/', domain: '127.0.0.1', secure: false, script: false }),
  ];
  return `${SESSION_COOKIE}=${cookie?.value}`;
}

describe('logging out', () => {
  test('takes the cookie away, leads home, and leaves nothing that the way back shows', async () => {
    const { browser } = await newMember();
    expect((await browser.get('/profile')).headers['cache-control']).toBe('no-store');
    const response = await browser.logOut();
    expect([response.status, response.headers['location']]).toEqual([303, '/?done=logged-out']);
    expect(setCookie(response, SESSION_COOKIE)).toMatch(new RegExp(`^${SESSION_COOKIE}=;.*1970`));
    expect(await browser.profile()).toBe(303);
    const home = await browser.get('/?done=logged-out');
    expect(home.text).toContain('You are logged out.');
    expect(home.text).toContain('Create an account');
    const login = await browser.get('/login');
    expect(login.text).not.toContain('class="notice');
  });

  test('is a POST: a link to it does nothing', async () => {
    const { browser } = await newMember();
    const response = await browser.get('/logout');
    expect([response.status, response.headers['allow']]).toEqual([405, 'POST']);
    expect(await browser.profile()).toBe(200);
  });

  test('under HTTPS clears what the browser kept of the pages, not its other cookies', async () => {
    const secure = await startWeb(stores, { PUBLIC_URL: 'https://login.example.org' });
    try {
      const post = (path: string, cookie: string, fields: Record<string, string>) =>
        fetch(`${secure.url}${path}`, {
          method: 'POST',
          redirect: 'manual',
          headers: { cookie },
          body: new URLSearchParams(fields),
        });
      const page = await fetch(`${secure.url}/register`);
      const visitor = page.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const _csrf = fieldValue(await page.text(), '_csrf') ?? '';
      const registered = await post('/register', visitor, { email: newEmail(), password: PASSWORD, _csrf });
      const cookie = registered.headers.getSetCookie().find((one) => one.startsWith('__Host-session')) ?? '';
      expect(cookie).toMatch(/^__Host-session=[\w.-]+; path=\/; samesite=lax; secure; httponly$/);
      const session = cookie.split(';')[0] ?? '';
      const profile = await fetch(`${secure.url}/profile`, { headers: { cookie: session } });
      const token = fieldValue(await profile.text(), '_csrf') ?? '';
      const response = await post('/logout', session, { _csrf: token });
      expect(response.status).toBe(303);
      expect(response.headers.get('clear-site-data')).toBe('"cache", "storage"');
      expect(response.headers.getSetCookie().join()).toMatch(/__Host-session=;.*1970.*secure/);
    } finally {
      await secure.close();
    }
  });

  test('and so does the next answer where the session was ended elsewhere, however it was', async () => {
    const secure = await startWeb(stores, { PUBLIC_URL: 'https://login.example.org' });
    try {
      const { email, browser, id } = await newMember();
      await browser.logOut();
      const page = await fetch(`${secure.url}/login`);
      const visitor = page.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const _csrf = fieldValue(await page.text(), '_csrf') ?? '';
      const login = await fetch(`${secure.url}/login`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: visitor },
        body: new URLSearchParams({ email, password: PASSWORD, _csrf }),
      });
      const cookie =
        login.headers
          .getSetCookie()
          .find((one) => one.startsWith('__Host-session'))
          ?.split(';')[0] ?? '';
      const clearedBy = async (path: string, sent = cookie) => {
        const { headers } = await fetch(`${secure.url}${path}`, { redirect: 'manual', headers: { cookie: sent } });
        return headers.get('clear-site-data');
      };
      const paths = ['/profile', '/', '/nothing', '/login'];
      for (const path of paths) expect([path, await clearedBy(path)]).toEqual([path, null]);
      await web.context.sessions.end({ userId: id }, { reason: 'revoked_by_operator', actor: null, origin: NO_ORIGIN });
      for (const path of paths) expect([path, await clearedBy(path)]).toEqual([path, '"cache", "storage"']);
      await sql('DELETE FROM session WHERE user_id = $1', [id]); // as after its retention
      await redis.flushdb();
      expect(await clearedBy('/profile')).toBe('"cache", "storage"');
      expect(await clearedBy('/profile', `${cookie}x`)).toBeNull();
      expect(await clearedBy('/profile', '')).toBeNull();
    } finally {
      await secure.close();
    }
  });
});

// Logging in and out, over HTTP: the same answer for whoever is refused, never another site afterwards, every attempt
// recorded, forms sent twice.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { Browser, newEmail, PASSWORD, SESSION_COOKIE, setCookie, startWeb, type TestProcess } from '../support/app.ts';
import { fieldError, fieldValue, linkTo, withoutTokens } from '../support/page.ts';
import { world } from '../support/world.ts';

const WRONG = 'Wrong e-mail address or password.';
const DAY_MS = 86_400_000;

const { stores, web, other, worker, sql, newMember } = await world({ webs: 2, worker: true });

const tokenCookie = (response: Response) => setCookie(response, SESSION_COOKIE)?.split(';')[0] ?? '';

async function statusWith(cookie: string, on = web): Promise<number> {
  const response = await fetch(`${on.url}/profile`, { headers: { cookie }, redirect: 'manual' });
  await response.arrayBuffer();
  return response.status;
}

describe('the form', () => {
  test('comes back with a message beside each field, and with what was typed but for the password', async () => {
    const browser = new Browser(web.url);
    const empty = await browser.submit('/login', { email: '  ', password: '', remember: 'on' });
    expect(empty.status).toBe(422);
    expect(fieldError(empty.text, 'email')).toBe('Enter your e-mail address.');
    expect(fieldError(empty.text, 'password')).toBe('Enter your password.');
    expect(linkTo(empty.text, 'E-mail address')).toBe('#email');
    expect(empty.text).toMatch(/name="remember" value="on" checked/);
    const half = await browser.submit('/login', { email: '"><i>who</i>', password: '' });
    expect(half.status).toBe(422);
    expect(fieldError(half.text, 'email')).toBeUndefined();
    expect(fieldValue(half.text, 'email')).toBe('"><i>who</i>');
    expect(half.text).not.toContain('<i>who');
    expect(half.text).not.toMatch(/name="remember" value="on" checked/);
  });

  test('after a refusal holds the address and the choice to stay, never the password', async () => {
    const { email } = await newMember();
    const wrong = 'not the password 5512';
    const response = await new Browser(web.url).logIn(email, wrong, { remember: 'on', next: '/account/sessions' });
    expect(response.status).toBe(401);
    expect(response.text).toContain(WRONG);
    expect(fieldValue(response.text, 'email')).toBe(email);
    expect(fieldValue(response.text, 'password')).toBe('');
    expect(fieldValue(response.text, 'next')).toBe('/account/sessions');
    expect(response.text).toMatch(/name="remember" value="on" checked/);
    expect(response.text).not.toContain(wrong);
    expect(setCookie(response, SESSION_COOKIE)).toBeUndefined();
  });
});

describe('logging in', () => {
  test('takes the address without regard to case or spaces around it', async () => {
    const { email } = await newMember();
    for (const spelling of [email.toUpperCase(), ` ${email}`, email.replace('person', 'PeRson')]) {
      const response = await new Browser(other.url).logIn(spelling);
      expect([response.status, response.headers['location']]).toEqual([303, '/profile']);
    }
  });

  test('lasts until the browser is closed, or as long as was asked', async () => {
    const { email } = await newMember();
    const short = setCookie(await new Browser(web.url).logIn(email), SESSION_COOKIE) ?? '';
    expect(short).not.toMatch(/expires|max-age/i);
    const long = setCookie(await new Browser(web.url).logIn(email, PASSWORD, { remember: 'on' }), SESSION_COOKIE) ?? '';
    const expires = Date.parse(/expires=([^;]+)/.exec(long)?.[1] ?? '');
    expect(Math.abs(expires - Date.now() - 180 * DAY_MS)).toBeLessThan(60_000);
    const limits = await sql<{ remember: boolean; idle: number; absolute: number }>(
      `SELECT remember, idle_timeout_seconds AS idle,
              round(extract(epoch FROM absolute_deadline - s.created_at) / 86400)::int AS absolute
         FROM session s JOIN user_account u ON u.id = user_id WHERE email = $1 ORDER BY s.created_at OFFSET 1`,
      [email],
    );
    expect(limits).toEqual([
      { remember: false, idle: 86_400, absolute: 7 },
      { remember: true, idle: 30 * 86_400, absolute: 180 },
    ]);
  });

  test('while logged in puts the new session in the place of the old one, also as somebody else', async () => {
    const first = await newMember();
    const second = await newMember();
    const old = tokenCookie(
      await first.browser.submit('/login', { email: first.email, password: PASSWORD }, '/profile'),
    );
    const response = await first.browser.submit('/login', { email: second.email, password: PASSWORD }, '/profile');
    expect(response.status).toBe(303);
    expect((await first.browser.get('/profile')).text).toContain(second.email);
    expect(await statusWith(old)).toBe(303);
    expect(await statusWith(old, other)).toBe(303);
    expect(await second.browser.profile()).toBe(200);
  });

  test('is not asked for again while logged in', async () => {
    const { browser } = await newMember();
    const response = await browser.get('/login?next=%2Faccount%2Fsessions');
    expect([response.status, response.headers['location']]).toEqual([303, '/account/sessions']);
    expect((await browser.get('/login')).headers['location']).toBe('/profile');
  });

  test('refused leaves the session that the browser has as it is', async () => {
    const { browser, email } = await newMember();
    expect((await browser.submit('/login', { email, password: 'wrong password' }, '/profile')).status).toBe(401);
    expect(await browser.profile()).toBe(200);
  });
});

describe('whoever is refused', () => {
  test('gets one answer: for an unknown account, a wrong password, a disabled account, an address that is none', async () => {
    const known = await newMember();
    const disabled = await newMember();
    await sql('UPDATE user_account SET disabled_at = now() WHERE id = $1', [disabled.id]);
    const cases = [
      [known.email, 'wrong password'],
      [newEmail(), PASSWORD],
      [disabled.email, PASSWORD],
      [disabled.email, 'wrong password'],
      ['no address at all', PASSWORD],
      [known.email, 'x'.repeat(10_000)],
    ] as const;
    const pages = [];
    for (const [email, password] of cases) {
      const response = await new Browser(web.url).logIn(email, password);
      expect(response.status).toBe(401);
      const { date: _date, 'x-request-id': _id, 'content-length': _length, etag: _etag, ...headers } = response.headers;
      pages.push({ headers, text: withoutTokens(response.text).replaceAll(email, 'ADDRESS') });
    }
    for (const page of pages) expect(page).toEqual(pages[0]);
    expect(pages[0]?.text).toContain(WRONG);
  });

  test('is let in again when a disabled account is enabled', async () => {
    const { email, id } = await newMember();
    await sql('UPDATE user_account SET disabled_at = now() WHERE id = $1', [id]);
    expect((await new Browser(web.url).logIn(email)).status).toBe(401);
    await sql('UPDATE user_account SET disabled_at = NULL WHERE id = $1', [id]);
    expect((await new Browser(web.url).logIn(email)).status).toBe(303);
  });
});

describe('the page to go to afterwards', () => {
  test('is the one that was asked for, with its query', async () => {
    const { email } = await newMember();
    const browser = new Browser(web.url);
    const refused = await browser.get('/account/sessions?done=others-ended');
    expect(refused.status).toBe(303);
    const { location = '' } = refused.headers as { location?: string };
    expect(location).toBe('/login?next=%2Faccount%2Fsessions%3Fdone%3Dothers-ended');
    const page = await browser.get(location);
    expect(fieldValue(page.text, 'next')).toBe('/account/sessions?done=others-ended');
    const next = fieldValue(page.text, 'next') ?? '';
    const response = await browser.submit('/login', { email, password: PASSWORD, next }, location);
    expect([response.status, response.headers['location']]).toEqual([303, '/account/sessions?done=others-ended']);
  });

  test.each([
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/..//evil.example',
    '/.//evil.example',
    '/%2e%2e//evil.example',
    '/profile/..//evil.example',
    'https:evil.example',
    'https://evil.example/profile',
    'javascript:alert(1)',
    'evil.example',
    '@evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '\t//evil.example',
    '/profile\r\nSet-Cookie: a=b',
    '/%0d%0aSet-Cookie:a=b\u0085',
    '/pro file',
    '/é',
    '',
  ])('is never elsewhere: %j', async (next) => {
    const { email } = await newMember();
    const browser = new Browser(web.url);
    const page = await browser.get(`/login?next=${encodeURIComponent(next)}`);
    expect(page.status).toBe(200);
    expect(fieldValue(page.text, 'next')).toBeUndefined();
    const response = await browser.logIn(email, PASSWORD, { next });
    expect([response.status, response.headers['location']]).toEqual([303, '/profile']);
    const cookies = (response.headers['set-cookie'] as unknown as string[]).map((cookie) => cookie.split('=')[0]);
    expect(cookies.sort()).toEqual(['holdfast_device', SESSION_COOKIE]);
    // Who is logged in is sent on at once.
    expect((await browser.get(`/login?next=${encodeURIComponent(next)}`)).headers['location']).toBe('/profile');
  });

  test('is asked for whole or not at all', async () => {
    const browser = new Browser(web.url);
    const long = `/operator/audit?person=${'a'.repeat(900)}`;
    expect(fieldValue((await browser.get(`/login?next=${encodeURIComponent(long)}`)).text, 'next')).toBe(long);
    const longer = `${long}${'a'.repeat(100)}`;
    expect(fieldValue((await browser.get(`/login?next=${encodeURIComponent(longer)}`)).text, 'next')).toBeUndefined();
    expect(fieldValue((await browser.get('/login?next=/profile&next=/')).text, 'next')).toBeUndefined();
  });

  test('stays here however it is encoded', async () => {
    const { email } = await newMember();
    for (const next of ['/%2f/evil.example', '/%5cevil.example', '/%09/evil.example', '/?next=https://evil.example']) {
      const response = await new Browser(web.url).logIn(email, PASSWORD, { next });
      expect(new URL(response.headers['location'] ?? '', 'https://login.example').origin).toBe('https://login.example');
    }
  });
});

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
    expect(together.map(({ headers }) => headers.get('location'))).toContain('/');
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
    expect([response.status, response.headers['location']]).toEqual([303, '/login']);
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
    expect([response.status, response.headers['location']]).toEqual([303, '/']);
    expect(setCookie(response, SESSION_COOKIE)).toMatch(new RegExp(`^${SESSION_COOKIE}=;.*1970`));
    expect(await browser.profile()).toBe(303);
    expect((await browser.get('/')).text).toContain('Create an account');
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
});

describe('the record', () => {
  test('holds every attempt, with a keyed hash in place of what was typed', async () => {
    const { email, id } = await newMember();
    const unknown = newEmail();
    await new Browser(web.url).logIn(email, 'wrong password');
    await new Browser(web.url).logIn(email.toUpperCase());
    await new Browser(web.url).logIn(unknown, 'a-password-typed-elsewhere');
    await new Browser(web.url).logIn('my secret typed as address', 'wrong password');
    await worker.sealing.seal();
    const attempts = await sql<{
      user_id: string | null;
      identifier_hash: Buffer;
      outcome: string;
      reason: string | null;
      ip: string;
    }>(
      `SELECT user_id, identifier_hash, outcome, reason, host(ip) AS ip FROM login_attempt ORDER BY occurred_at DESC LIMIT 4`,
    );
    expect(attempts.reverse().map(({ user_id, outcome, reason, ip }) => [user_id, outcome, reason, ip])).toEqual([
      [id, 'failure', 'wrong_password', '127.0.0.1'],
      [id, 'success', null, '127.0.0.1'],
      [null, 'failure', 'unknown_account', '127.0.0.1'],
      [null, 'failure', 'unknown_account', '127.0.0.1'],
    ]);
    const hashes = attempts.map(({ identifier_hash }) => identifier_hash.toString('hex'));
    expect(hashes[0]).toHaveLength(64);
    expect(hashes[0]).toBe(hashes[1]);
    expect(new Set(hashes).size).toBe(3);
    const everything = JSON.stringify([
      await sql(`SELECT * FROM login_attempt`),
      await sql('SELECT * FROM audit_event'),
      await sql('SELECT * FROM outbox'),
    ]);
    for (const secret of [unknown, 'secret typed', PASSWORD, 'wrong password', 'a-password-typed']) {
      expect(everything).not.toContain(secret);
    }
    expect(everything).not.toContain(email);
  });

  test('says why in the log, where the visitor was not told', async () => {
    const { email, id } = await newMember();
    await sql('UPDATE user_account SET disabled_at = now() WHERE id = $1', [id]);
    await new Browser(web.url).logIn(email);
    await worker.sealing.seal();
    const [event] = await sql<{ type: string; actor_id: string | null; detail: object }>(
      `SELECT type, actor_id, detail FROM audit_event WHERE subject_id = $1 ORDER BY seq DESC LIMIT 1`,
      [id],
    );
    expect(event).toEqual({ type: 'authn_login_fail', actor_id: null, detail: { reason: 'account_disabled' } });
  });

  test('knows a new device: another browser or another address, and not the one before', async () => {
    const proxied = await startWeb(stores, { TRUSTED_PROXIES: '127.0.0.0/8' });
    try {
      const email = newEmail();
      const logIn = async (userAgent: string, address: string, register = false) => {
        const browser = new Browser(proxied.url);
        browser.agent.set('User-Agent', userAgent);
        browser.agent.set('X-Forwarded-For', address);
        expect((await (register ? browser.register(email) : browser.logIn(email))).status).toBe(303);
        await worker.sealing.seal();
        const [event] = await sql<{ type: string; detail: { new?: string } }>(
          `SELECT type, detail FROM audit_event
            WHERE subject_id = (SELECT id FROM user_account WHERE email = $1) ORDER BY seq DESC LIMIT 1`,
          [email],
        );
        return event?.type === 'authn_new_device' ? event.detail.new : event?.type;
      };
      expect(await logIn('first browser', '203.0.113.1', true)).toBe('session_created');
      expect(await logIn('first browser', '203.0.113.1')).toBe('authn_login_success');
      expect(await logIn('second browser', '203.0.113.1')).toBe('browser');
      expect(await logIn('second browser', '203.0.113.2')).toBe('address');
      expect(await logIn('third browser', '2001:db8::1')).toBe('browser and address');
      expect(await logIn('third browser', '2001:DB8:0::1')).toBe('authn_login_success');
    } finally {
      await proxied.close();
    }
  });
});

describe('a hash that was made at another cost', () => {
  const NEW_PASSWORD = 'a wholly new passphrase';
  let cheap: TestProcess;

  beforeAll(async () => {
    cheap = await startWeb(stores, { PASSWORD_HASH_MEMORY_KIB: '8192', PASSWORD_HASH_PASSES: '1' });
  });
  afterAll(() => cheap?.close());

  async function cheapAccount() {
    const email = newEmail();
    const browser = new Browser(cheap.url);
    await browser.register(email);
    return { email, browser };
  }

  const costOf = async (email: string) => {
    const [row] = await sql<{ hash: string }>('SELECT password_hash AS hash FROM user_account WHERE email = $1', [
      email,
    ]);
    return row?.hash.split('$')[3];
  };

  test('is renewed at the next log-in, once, and no log-in beside it is refused', async () => {
    const { email } = await cheapAccount();
    expect(await costOf(email)).toBe('m=8192,t=1,p=1');
    expect((await new Browser(web.url).logIn(email, 'not the password')).status).toBe(401);
    expect(await costOf(email)).toBe('m=8192,t=1,p=1');
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => new Browser(index % 2 ? web.url : other.url).logIn(email)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 303));
    expect(await costOf(email)).toBe('m=19456,t=2,p=1');
    expect((await new Browser(web.url).logIn(email)).status).toBe(303);
    await worker.sealing.seal();
    const events = await sql(
      `SELECT outcome FROM audit_event WHERE type = 'authn_password_rehashed'
          AND subject_id = (SELECT id FROM user_account WHERE email = $1)`,
      [email],
    );
    expect(events).toEqual([{ outcome: 'success' }]);
  });

  test('never comes back over a password that is changed at the same time', async () => {
    for (let round = 0; round < 3; round += 1) {
      const { email, browser } = await cheapAccount();
      const token = await browser.token('/account/password');
      const [changed] = await Promise.all([
        browser.agent
          .post('/account/password')
          .redirects(0)
          .type('form')
          .send({ _csrf: token, current: PASSWORD, password: NEW_PASSWORD }),
        ...Array.from({ length: 3 }, () => new Browser(web.url).logIn(email)),
      ]);
      expect(changed.status).toBe(303);
      expect((await new Browser(web.url).logIn(email, PASSWORD)).status).toBe(401);
      expect((await new Browser(web.url).logIn(email, NEW_PASSWORD)).status).toBe(303);
    }
  });
});

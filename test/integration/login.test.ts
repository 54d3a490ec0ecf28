// Logging in, over HTTP: the same answer for whoever is refused, and never another site afterwards.
import { describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import { Browser, newEmail, PASSWORD, SESSION_COOKIE, setCookie } from '../support/app.ts';
import { fieldError, fieldValue, linkTo, withoutTokens } from '../support/page.ts';
import { world } from '../support/world.ts';

const WRONG = 'Wrong e-mail address or password.';
const DAY_MS = 86_400_000;

const { web, other, sql, newMember } = await world({ webs: 2, worker: true });

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
    const longer = `${long}${'a'.repeat(5_600)}`;
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

// A form that meets another session than the one it was opened in, as with two tabs: it does nothing, to nobody's account,
// and the page names who is logged in here by now, with the ways to log out and to go on.
import { describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import { Browser, newEmail, PASSWORD, SESSION_COOKIE, setCookie } from '../support/app.ts';
import { enrol, totpCode } from '../support/factors.ts';
import { startMailSite } from '../support/mail-site.ts';
import { fieldValue, linkTo } from '../support/page.ts';

const site = await startMailSite({ REGISTRATION: 'open' });
const { web, sql, worker } = site;

const send = (browser: Browser, path: string, token: string, fields: Readonly<Record<string, string>> = {}) =>
  browser.agent
    .post(path)
    .redirects(0)
    .type('form')
    .send({ ...fields, _csrf: token });

/** A form opened in one tab by a visitor; then somebody logs in in another tab of the same browser. */
async function openedBefore(page: string, browser = new Browser(web.url)) {
  const token = await browser.token(page);
  const { email } = await site.registered();
  expect((await browser.logIn(email)).status).toBe(303);
  return { browser, token, email };
}

/** A form opened in A's session; then A logs out, and B logs in. */
async function openedByAnother(page: string) {
  const { member: browser, userId: ownerId } = await site.registered();
  const token = await browser.token(page);
  await browser.logOut();
  const { email, userId } = await site.registered();
  expect((await browser.logIn(email)).status).toBe(303);
  return { browser, token, email, userId, ownerId };
}

/** That the page says who is logged in, and that they stay logged in. */
async function expectTold(answer: Response, browser: Browser, email: string): Promise<void> {
  expect(answer.status).toBe(403);
  expect(answer.text).toContain(`<h1><bdi>${email}</bdi> is logged in here</h1>`);
  expect(answer.text).toContain('<form class="narrow" method="post" action="/logout">');
  expect(answer.text).toContain('othing was changed');
  expect(answer.text).not.toContain(PASSWORD);
  expect(setCookie(answer, SESSION_COOKIE)).toBeUndefined();
  expect((await browser.get('/profile')).text).toContain(email);
}

async function everything(): Promise<unknown> {
  await worker.sealing.seal();
  const tables = await Promise.all([
    sql('SELECT count(*) FROM audit_event'),
    sql('SELECT id, email, password_hash, version FROM user_account ORDER BY id'),
    sql('SELECT id, ended_at FROM session ORDER BY id'),
    sql('SELECT count(*) FROM login_attempt'),
    sql('SELECT count(*) FROM token'),
  ]);
  return tables;
}

describe('a log-in', () => {
  test.each(['right', 'wrong'])(
    'as somebody else, with a %s password, checks none and says who is here',
    async (kind) => {
      const { email: own } = await site.registered();
      const { browser, token, email } = await openedBefore('/login');
      const before = await everything();
      const password = kind === 'right' ? PASSWORD : 'not the password at all';
      const answer = await send(browser, '/login', token, { email: own, password, next: '/account/data' });
      await expectTold(answer, browser, email);
      expect(answer.text).toContain('Nobody’s password');
      expect(linkTo(answer.text, 'Go on with this account')).toBe('/account/data');
      expect(await everything()).toEqual(before);

      // Logging out from there leads to the log-in, which then is as it always is.
      const out = await send(browser, '/logout', fieldValue(answer.text, '_csrf') ?? '', {
        next: fieldValue(answer.text, 'next') ?? '',
      });
      expect([out.status, out.headers['location']]).toEqual([303, '/login?next=%2Faccount%2Fdata']);
      expect((await browser.logIn(own)).status).toBe(303);
      expect((await browser.get('/profile')).text).toContain(own);
    },
  );

  test('as who is logged in, however it is spelled, goes on', async () => {
    const { browser, token, email } = await openedBefore('/login');
    const fields = { email: ` ${email.toUpperCase()}`, password: 'not looked at', next: '/account/sessions' };
    const answer = await send(browser, '/login', token, fields);
    expect([answer.status, answer.headers['location']]).toEqual([303, '/account/sessions']);
  });

  test('with a passkey', async () => {
    const { browser, token, email } = await openedBefore('/login');
    expect((await browser.get('/login/passkey')).status).toBe(200);
    await expectTold(await send(browser, '/login/passkey', token, { credential: '{}' }), browser, email);
  });

  test('at its second step, which can be taken after logging out', async () => {
    const somebody = await site.registered();
    const { secret } = await enrol(somebody.member);
    const browser = new Browser(web.url);
    const first = await browser.token('/login');
    expect((await browser.logIn(somebody.email)).headers['location']).toBe('/login/second-factor');
    const token = await browser.token('/login/second-factor');
    const { email } = await site.registered();
    expect((await send(browser, '/login', first, { email, password: PASSWORD })).status).toBe(303);
    await sql('UPDATE totp SET last_step = 0 WHERE user_id = $1', [somebody.userId]);

    for (const path of ['/login/second-factor', '/login/second-factor/passkey']) {
      const answer = await send(browser, path, token, { code: totpCode(secret), credential: '{}' });
      await expectTold(answer, browser, email);
    }
    const page = await browser.get('/login/second-factor');
    expect(page.text).toContain(`<bdi>${email}</bdi> is logged in here`);
    const out = await send(browser, '/logout', fieldValue(page.text, '_csrf') ?? '', {
      next: fieldValue(page.text, 'next') ?? '',
    });
    expect(out.headers['location']).toBe('/login/second-factor');
    const answer = await browser.submit('/login/second-factor', { code: totpCode(secret) });
    expect([answer.status, answer.headers['location']]).toEqual([303, '/profile']);
    expect((await browser.get('/profile')).text).toContain(somebody.email);
  });

  test('by registering makes no account', async () => {
    const { browser, token, email } = await openedBefore('/register');
    const made = newEmail();
    await expectTold(await send(browser, '/register', token, { email: made, password: PASSWORD }), browser, email);
    expect(await web.context.users.findByEmail(made)).toBeNull();
    const own = await send(browser, '/register', token, { email, password: 'whatever it was' });
    expect([own.status, own.headers['location']]).toEqual([303, '/profile']);
  });
});

test('a question for a new password sends no mail', async () => {
  const { email: asked } = await site.registered();
  const { browser, token, email } = await openedBefore('/forgot-password');
  const mails = () => sql('SELECT id FROM mail WHERE recipient = $1', [asked]);
  const before = await mails();
  await expectTold(await send(browser, '/forgot-password', token, { email: asked }), browser, email);
  expect(await mails()).toEqual(before);
});

describe('what a mailed link opened', () => {
  test.each([
    ['/reset-password', { password: 'another long password' }],
    ['/not-me', {}],
    ['/undo-email-change', {}],
    ['/confirm-email', { password: PASSWORD }],
    ['/invitation', { password: PASSWORD }],
    ['/verify-email', { password: PASSWORD }],
  ])('at %s', async (path, fields) => {
    // Whether the link is good is not asked before it is known whose form it is.
    const { browser, token, email } = await openedBefore('/login');
    const before = await everything();
    await expectTold(await send(browser, path, token, fields), browser, email);
    expect(await everything()).toEqual(before);
  });

  test('is used once the form is opened again', async () => {
    const { email: asked } = await site.registered();
    const asking = new Browser(web.url);
    await asking.submit('/forgot-password', { email: asked });
    const { browser, token, email } = await openedBefore('/login');
    await browser.get(await site.linkTo(asked));
    const fields = { password: 'another long password' };
    await expectTold(await send(browser, '/reset-password', token, fields), browser, email);
    expect((await browser.submit('/reset-password', fields)).status).toBe(303);
    expect((await new Browser(web.url).logIn(asked, 'another long password')).status).toBe(303);
  });
});

const ACCOUNT_FORMS: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['/confirm', { password: PASSWORD }],
  ['/confirm/passkey', { credential: '{}' }],
  ['/account/password', { current: PASSWORD, password: 'another long password' }],
  ['/account/email', { email: 'somebody-else@example.org' }],
  ['/account/sessions/revoke-others', {}],
  ['/account/devices/forget', {}],
  ['/account/security/authenticator', { sealed: 'x', code: '123456' }],
  ['/account/security/authenticator/remove', {}],
  ['/account/security/passkeys/new', { name: 'Mine', credential: '{}' }],
  ['/account/security/recovery-codes', {}],
  ['/account/data', {}],
  ['/account/delete', { understood: 'on' }],
  ['/language', { language: 'de', back: '/' }],
  ['/logout', {}],
  ['/operator/sessions/end-all', { reason: 'a reason', word: 'everybody' }],
  ['/operator/users/invite', { email: 'invited@example.org' }],
];

describe('a form of A, sent in B’s session, changes nothing for either', () => {
  test.each(ACCOUNT_FORMS)('%s', async (path, fields) => {
    const { browser, token, email } = await openedByAnother('/profile');
    const before = await everything();
    await expectTold(await send(browser, path, token, fields), browser, email);
    expect(await everything()).toEqual(before);
  });

  test('an operator’s act on a person', async () => {
    const { browser, token, email, userId, ownerId } = await openedByAnother('/profile');
    await sql(`UPDATE user_account SET role = 'operator' WHERE id = $1`, [userId]);
    const before = await everything();
    const answer = await send(browser, `/operator/users/${ownerId}/disable`, token, { reason: 'left' });
    await expectTold(answer, browser, email);
    expect(await everything()).toEqual(before);
  });

  test('and leads back to the page that it was on', async () => {
    const { browser, token } = await openedByAnother('/profile');
    const answer = await browser.agent
      .post('/account/email')
      .set('Referer', `${web.url}/account/email`)
      .type('form')
      .send({ email: 'somebody-else@example.org', _csrf: token });
    expect(linkTo(answer.text, 'Open the form again')).toBe('/account/email');
    expect(answer.text).not.toContain('somebody-else@example.org');
  });
});

describe('once nobody is logged in', () => {
  test('a form to log out has nothing left to do, whoever it was of', async () => {
    const { member: browser } = await site.registered();
    const token = await browser.token('/profile');
    await browser.logOut();
    const answer = await send(browser, '/logout', token);
    expect([answer.status, answer.headers['location']]).toEqual([303, '/?done=logged-out']);
  });

  test('any other form of that session leads to the log-in, and one for everybody says so', async () => {
    const { member: browser } = await site.registered();
    const token = await browser.token('/profile');
    await browser.logOut();
    const typed = { current: PASSWORD, password: 'another one here' };
    const answer = await send(browser, '/account/password', token, typed);
    expect([answer.status, answer.headers['location']]).toEqual([303, '/login?next=%2Faccount%2Fpassword']);
    const open = await send(browser, '/language', token, { language: 'de' });
    expect([open.status, open.text.includes('Nobody is logged in here now')]).toEqual([403, true]);
  });
});

// Making an account, over HTTP: what is accepted, what is refused and said beside which field, and two at the same instant.
import { describe, expect, test } from '@jest/globals';
import { Browser, newEmail, PASSWORD, SESSION_COOKIE, setCookie } from '../support/app.ts';
import { enrol } from '../support/factors.ts';
import { fieldError, fieldValue, linkTo } from '../support/page.ts';
import { world } from '../support/world.ts';

const EMAIL_MISSING = 'Enter your e-mail address.';
const EMAIL_WRONG = 'This is not a whole e-mail address, such as name@example.org.';
const EMAIL_TAKEN = 'There is an account with this e-mail address already. Log in instead.';
const TOO_SHORT = 'Use at least 8 characters; 15 or more are better.';
const TOO_LONG = 'Use at most 256 bytes, which is 256 letters or some 64 emoji.';
const TOO_COMMON = 'This password is among the ones that are tried first. Choose another.';
const SAME_AS_EMAIL = 'Don’t use your e-mail address as password. Choose another.';

const { web, other, worker, sql } = await world({ webs: 2, worker: true });

async function accounts(email: string): Promise<number> {
  return (await sql('SELECT id FROM user_account WHERE email_key = lower($1)', [email])).length;
}

/** What the page says beside the password, and that nothing of it came back; null when the account was made. */
async function passwordVerdict(password: string, email = newEmail()): Promise<string | null | undefined> {
  const response = await new Browser(web.url).register(email, password);
  expect(response.text).not.toContain(password);
  if (response.status === 303) return null;
  expect(response.status).toBe(422);
  expect(fieldValue(response.text, 'password')).toBe('');
  expect(setCookie(response, SESSION_COOKIE)).toBeUndefined();
  expect(await accounts(email)).toBe(0);
  return fieldError(response.text, 'password');
}

describe('an account is made', () => {
  test('and its owner is logged in, with the password kept as an Argon2id hash only', async () => {
    const browser = new Browser(web.url);
    const email = newEmail();
    const response = await browser.register(email);
    expect(response.status).toBe(303);
    expect(response.headers['location']).toBe('/profile');
    const cookie = setCookie(response, SESSION_COOKIE) ?? '';
    expect(cookie).toMatch(/; path=\/; samesite=lax; httponly$/);
    const profile = await browser.get('/profile');
    expect(profile.status).toBe(200);
    expect(profile.text).toContain(email);
    const [row] = await sql<{ password_hash: string; role: string }>(
      'SELECT password_hash, role FROM user_account WHERE email = $1',
      [email],
    );
    expect(row?.role).toBe('member');
    expect(row?.password_hash).toMatch(/^\$argon2id\$v=19\$m=\d+,t=\d+,p=1\$/);
  });

  test('with its events, in the order in which they happened', async () => {
    const email = newEmail();
    const browser = new Browser(web.url);
    await browser.register(email);
    await worker.sealing.seal();
    const events = await sql<{ type: string; outcome: string; detail: object; self: boolean; request_id: string }>(
      `SELECT type, outcome, detail, actor_id = subject_id AS self, request_id FROM audit_event
        WHERE subject_id = (SELECT id FROM user_account WHERE email = $1) ORDER BY seq`,
      [email],
    );
    expect(events).toEqual([
      {
        type: 'user_created',
        outcome: 'success',
        detail: { role: 'member' },
        self: true,
        request_id: expect.any(String),
      },
      {
        type: 'session_created',
        outcome: 'success',
        detail: { remember: false },
        self: true,
        request_id: expect.any(String),
      },
    ]);
  });

  test('with the address as it was typed, less the spaces around it', async () => {
    const email = newEmail().replace('person', 'Some.Person+Tag');
    const response = await new Browser(web.url).register(`  ${email}\t`);
    expect(response.status).toBe(303);
    expect(await sql('SELECT email FROM user_account WHERE email = $1', [email])).toHaveLength(1);
  });

  test('not when one is logged in already, and one stays who one is', async () => {
    const browser = new Browser(web.url);
    const [own, email] = [newEmail(), newEmail()];
    await browser.register(own);
    const response = await browser.get('/register?next=/account/sessions');
    expect([response.status, response.headers['location']]).toEqual([303, '/account/sessions']);
    expect((await browser.get('/register')).headers['location']).toBe('/profile');
    for (const [next, to] of Object.entries({ '/account/sessions': '/account/sessions', '': '/profile' })) {
      const sent = await browser.submit('/register', { email, password: PASSWORD, next }, '/profile');
      expect([sent.status, sent.headers['location']]).toEqual([303, to]);
    }
    expect(await accounts(email)).toBe(0);
    expect((await browser.get('/profile')).text).toContain(own);
  });
});

describe('a form that is not right comes back', () => {
  test('with a message beside each field, and a link to each', async () => {
    const response = await new Browser(web.url).submit('/register', { email: '', password: '' });
    expect(response.status).toBe(422);
    expect(fieldError(response.text, 'email')).toBe(EMAIL_MISSING);
    expect(fieldError(response.text, 'password')).toBe('Choose a password.');
    expect(linkTo(response.text, 'E-mail address')).toBe('#email');
    expect(linkTo(response.text, 'Password')).toBe('#password');
  });

  test('when fields are missing altogether', async () => {
    const response = await new Browser(web.url).submit('/register', {});
    expect(response.status).toBe(422);
    expect(fieldError(response.text, 'email')).toBe(EMAIL_MISSING);
  });

  test.each([
    'nobody',
    'a@b',
    '@example.org',
    'name@',
    'a b@example.org',
    'a@example.org, b@example.org',
    'a@example.org\nBcc: b@example.org',
    '"><script>alert(1)</script>@example.org',
    `${'a'.repeat(250)}@example.org`,
  ])('with what was typed as address: %j', async (typed) => {
    const password = 'a password that is fine 8391';
    const response = await new Browser(web.url).submit('/register', { email: typed, password });
    expect(response.status).toBe(422);
    expect(fieldError(response.text, 'email')).toBe(EMAIL_WRONG);
    expect(fieldError(response.text, 'password')).toBeUndefined();
    expect(fieldValue(response.text, 'email')).toBe(typed);
    expect(fieldValue(response.text, 'password')).toBe('');
    expect(response.text).not.toContain(password);
    expect(response.text).not.toContain('<script>');
  });

  test('with the address when only the password was wrong', async () => {
    const email = newEmail();
    const response = await new Browser(web.url).submit('/register', { email, password: 'short' });
    expect(response.status).toBe(422);
    expect(fieldError(response.text, 'email')).toBeUndefined();
    expect(fieldError(response.text, 'password')).toBe(TOO_SHORT);
    expect(fieldValue(response.text, 'email')).toBe(email);
    expect(fieldValue(response.text, 'password')).toBe('');
  });

  test('when the address has an account, however it is spelled', async () => {
    const email = newEmail();
    await new Browser(web.url).register(email);
    for (const spelling of [email, email.toUpperCase(), ` ${email.replace('person', 'Person')} `]) {
      const response = await new Browser(web.url).register(spelling, 'another password, not the first');
      expect(response.status).toBe(422);
      expect(fieldError(response.text, 'email')).toBe(EMAIL_TAKEN);
      expect(fieldValue(response.text, 'email')).toBe(spelling.trim());
      expect(setCookie(response, SESSION_COOKIE)).toBeUndefined();
    }
    expect(await accounts(email)).toBe(1);
  });
});

describe('a password', () => {
  test.each([
    ['of 7 characters', 'wq7-rt2', TOO_SHORT],
    ['of 8 characters', 'wq7-rt2x', null],
    ['of 7 emoji, 28 bytes', '🦊'.repeat(7), TOO_SHORT],
    ['of 8 emoji', '🦊🐻🐼🐨🐯🦁🐮🐷', null],
    ['of 256 bytes', 'xy'.repeat(128), null],
    ['of 257 bytes', `${'xy'.repeat(128)}z`, TOO_LONG],
    ['of 64 emoji, 256 bytes', '🦊🐻🐼🐨'.repeat(16), null],
    ['of 65 emoji, 260 bytes', `${'🦊🐻🐼🐨'.repeat(16)}🐯`, TOO_LONG],
    ['that everybody uses', 'password1', TOO_COMMON],
    ['that everybody uses, in capitals', 'PassWord1', TOO_COMMON],
    ['of spaces around a word', '   tree  ', null],
    ['of markup', '<b>&amp;"\'</b>', null],
    ['of right-to-left marks and combining characters', 'ا\u0301ل\u202eسلام عليكم', null],
  ])('%s', async (_, password, verdict) => expect(await passwordVerdict(password)).toBe(verdict));

  test('must not be the address, nor its part before the @', async () => {
    const email = newEmail();
    for (const password of [email, email.toUpperCase(), email.split('@')[0] ?? '']) {
      const response = await new Browser(web.url).register(email, password);
      expect(response.status).toBe(422);
      expect(fieldError(response.text, 'password')).toBe(SAME_AS_EMAIL);
    }
    expect(await accounts(email)).toBe(0);
  });

  test('is taken exactly as typed: spaces at its ends, capitals, every byte', async () => {
    const email = newEmail();
    const password = `  Exactly As Typed${'é'.repeat(60)} `;
    expect((await new Browser(web.url).register(email, password)).status).toBe(303);
    const attempts = [
      password.trim(),
      password.toLowerCase(),
      password.trimStart(),
      password.trimEnd(),
      password.slice(0, 72),
    ];
    for (const wrong of attempts) expect((await new Browser(web.url).logIn(email, wrong)).status).toBe(401);
    expect((await new Browser(web.url).logIn(email, password)).status).toBe(303);
  });
});

describe('two at the same instant', () => {
  test('with one address: one account, one session, and a clear answer for the other', async () => {
    const email = newEmail();
    const browsers = [web, other, web, other].map((on) => new Browser(on.url));
    const tokens = await Promise.all(browsers.map((browser) => browser.token('/register')));
    const passwords = browsers.map((_, index) => `${PASSWORD} ${index}`);
    const responses = await Promise.all(
      browsers.map((browser, index) =>
        browser.agent
          .post('/register')
          .redirects(0)
          .type('form')
          .send({ email: index % 2 ? email.toUpperCase() : email, password: passwords[index], _csrf: tokens[index] }),
      ),
    );
    const winner = responses.findIndex(({ status }) => status === 303);
    expect(responses.map(({ status }) => status).sort()).toEqual([303, 422, 422, 422]);
    for (const [index, response] of responses.entries()) {
      if (index === winner) continue;
      expect(fieldError(response.text, 'email')).toBe(EMAIL_TAKEN);
      expect(setCookie(response, SESSION_COOKIE)).toBeUndefined();
    }
    expect(await accounts(email)).toBe(1);
    const sessions = 'SELECT s.id FROM session s JOIN user_account u ON u.id = user_id WHERE email_key = $1';
    expect(await sql(sessions, [email])).toHaveLength(1);
    expect((await new Browser(web.url).logIn(email, passwords[winner])).status).toBe(303);
    expect((await new Browser(web.url).logIn(email, passwords[(winner + 1) % 4])).status).toBe(401);
  });

  test('from a double click: one account, and its owner is logged in', async () => {
    const email = newEmail();
    const browser = new Browser(web.url);
    const token = await browser.token('/register');
    const send = () =>
      browser.agent.post('/register').redirects(0).type('form').send({ email, password: PASSWORD, _csrf: token });
    const responses = await Promise.all([send(), send()]);
    expect(responses.map(({ status }) => status)).toEqual([303, 303]);
    expect(responses.map(({ headers }) => headers['location'])).toEqual(['/profile', '/profile']);
    expect(await accounts(email)).toBe(1);
    expect(await browser.profile()).toBe(200);
    await worker.sealing.seal();
    const made = await sql(
      `SELECT seq FROM audit_event WHERE type = 'user_created'
          AND subject_id = (SELECT id FROM user_account WHERE email_key = $1)`,
      [email],
    );
    expect(made).toHaveLength(1);
  });

  test('once more, when a second factor was set up or the account disabled meanwhile: it says to log in', async () => {
    for (const change of ['factor', 'disabled']) {
      const email = newEmail();
      const browser = new Browser(web.url);
      await browser.register(email);
      if (change === 'factor') await enrol(browser);
      else await sql('UPDATE user_account SET disabled_at = now() WHERE email_key = $1', [email]);
      const again = new Browser(web.url);
      const { status, text } = await again.register(email);
      expect([change, status, fieldError(text, 'email')]).toEqual([
        change,
        422,
        'There is an account with this e-mail address already. Log in instead.',
      ]);
      expect(await again.profile()).toBe(303);
    }
  });

  test('but not later: the same password does not make a registration a log-in', async () => {
    const email = newEmail();
    await new Browser(web.url).register(email);
    await sql(`UPDATE user_account SET created_at = now() - interval '61 seconds' WHERE email_key = $1`, [email]);
    const response = await new Browser(web.url).register(email);
    expect(response.status).toBe(422);
    expect(fieldError(response.text, 'email')).toBe(EMAIL_TAKEN);
  });
});

describe('the page to go to afterwards', () => {
  test('is kept through the links between the two forms, and through a mistake', async () => {
    const browser = new Browser(web.url);
    const next = '/account/sessions?done=a%20b&x=%26';
    const login = await browser.get(`/login?next=${encodeURIComponent(next)}`);
    const toRegister = linkTo(login.text, 'Create an account') ?? '';
    expect(toRegister).toMatch(/^\/register\?next=/);
    const register = await browser.get(toRegister);
    expect(fieldValue(register.text, 'next')).toBe(next);
    expect(linkTo(register.text, 'Log in')).toBe(`/login?next=${encodeURIComponent(next)}`);
    const email = newEmail();
    const mistaken = await browser.submit('/register', { email, password: 'short', next }, toRegister);
    expect(fieldValue(mistaken.text, 'next')).toBe(next);
    const response = await browser.submit('/register', { email, password: PASSWORD, next }, toRegister);
    expect([response.status, response.headers['location']]).toEqual([303, next]);
  });

  test('is never elsewhere', async () => {
    for (const next of ['//evil.example', '/..//evil.example', 'https://evil.example', '/\\evil.example']) {
      const browser = new Browser(web.url);
      const page = await browser.get(`/register?next=${encodeURIComponent(next)}`);
      expect(fieldValue(page.text, 'next')).toBeUndefined();
      const response = await browser.submit('/register', { email: newEmail(), password: PASSWORD, next });
      expect([response.status, response.headers['location']]).toEqual([303, '/profile']);
    }
  });
});

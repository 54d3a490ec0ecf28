// A forgotten password, by mail: one answer for every address, a link that counts once and only for what it is for, and an
// account that nobody but its mailbox gets back.
import { describe, expect, test } from '@jest/globals';
import { Browser, newEmail, PASSWORD, startWeb } from '../support/app.ts';
import { startMailSite } from '../support/mail-site.ts';
import { fieldError, withoutTokens } from '../support/page.ts';
import { timeRatio } from '../support/rank-test.ts';

const NEW_PASSWORD = 'a new horse for the battery';

const site = await startMailSite({ REGISTRATION: 'open' });

/** The path of the link that a mailbox got, asked for just now. */
async function linkFor(email: string): Promise<string> {
  const before = site.server.countTo(email);
  const answer = await site.browser().submit('/forgot-password', { email });
  expect([answer.status, answer.headers['location']]).toEqual([303, '/forgot-password/sent']);
  return site.linkTo(email, before);
}

/** Follows the link of a mail as a browser does. */
async function follow(someone: Browser, path: string) {
  const redirect = await someone.get(path);
  expect([redirect.status, redirect.headers['location']]).toEqual([303, path.split('?')[0]]);
  return someone.get('/reset-password');
}

async function reset(path: string, password = NEW_PASSWORD) {
  const someone = site.browser();
  await follow(someone, path);
  return someone.submit('/reset-password', { password });
}

async function eventsOf(userId: string): Promise<string[]> {
  const rows = await site.sql<{ type: string }>(
    "SELECT event->>'type' AS type FROM outbox WHERE event->>'subject' = $1 ORDER BY id",
    [userId],
  );
  return rows.map(({ type }) => type);
}

test('a person chooses a new password, logs in with it, and every session before has ended', async () => {
  const { email, member, userId } = await site.registered();
  const elsewhere = site.browser();
  await elsewhere.logIn(email);
  const path = await linkFor(email);

  const someone = site.browser();
  const page = await follow(someone, path);
  expect(page.status).toBe(200);
  expect(page.text).not.toContain(path.split('=')[1] ?? '-');
  expect(page.text).toContain(email);
  const done = await someone.submit('/reset-password', { password: NEW_PASSWORD });
  expect([done.status, done.headers['location']]).toEqual([303, '/login?done=password-reset']);
  expect((await someone.get('/login?done=password-reset')).text).toContain('Your password was changed');
  expect(await someone.profile()).toBe(303);
  expect([await member.profile(), await elsewhere.profile()]).toEqual([303, 303]);

  expect((await site.browser().logIn(email)).status).toBe(401);
  expect((await someone.logIn(email, NEW_PASSWORD)).status).toBe(303);
  await site.send();
  expect((await site.server.mailTo(email, 1, site.send)).email.subject).toBe('Your password for Holdfast was changed');
  expect(await eventsOf(userId)).toEqual(
    expect.arrayContaining(['authn_password_reset_request', 'authn_password_reset', 'session_ended']),
  );
  const known = await site.sql('SELECT id FROM known_device WHERE user_id = $1 AND revoked_at IS NULL', [userId]);
  expect(known).toHaveLength(1); // the one of the log-in just now
});

describe('a link', () => {
  test('does nothing when it is only looked at, however often', async () => {
    const { email } = await site.registered();
    const path = await linkFor(email);
    for (let times = 0; times < 3; times += 1) expect((await follow(site.browser(), path)).status).toBe(200);
    expect((await site.browser().logIn(email)).status).toBe(303);
    expect((await reset(path)).status).toBe(303);
  });

  test('counts once', async () => {
    const { email } = await site.registered();
    const path = await linkFor(email);
    await reset(path);
    const again = site.browser();
    const page = await follow(again, path);
    expect(page.status).toBe(410);
    expect(page.text).toContain('This link does not work any more');
    expect(page.text).toContain('href="/forgot-password"');
  });

  test('counts for one of many who use it at the same instant', async () => {
    const { email } = await site.registered();
    const path = await linkFor(email);
    const people = [site.browser(), site.browser(), site.browser()];
    for (const someone of people) await follow(someone, path);
    const answers = await Promise.all(
      people.map((someone, index) => someone.submit('/reset-password', { password: `${NEW_PASSWORD} ${index}` })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 410, 410]);
  });

  test('dies with the password that it was asked for under, also through another link', async () => {
    const { email, member } = await site.registered();
    const [first, second] = [await linkFor(email), await linkFor(email)];
    expect((await reset(second)).status).toBe(303);
    expect((await follow(site.browser(), first)).status).toBe(410);
    await member.logIn(email, NEW_PASSWORD);
    const third = await linkFor(email);
    await member.submit('/account/password', { current: NEW_PASSWORD, password: 'yet another long password' });
    expect((await follow(site.browser(), third)).status).toBe(410);
  });

  test('dies when the account is disabled, or the address is another', async () => {
    const { email, userId } = await site.registered();
    const path = await linkFor(email);
    await site.sql('UPDATE user_account SET disabled_at = now() WHERE id = $1', [userId]);
    expect((await follow(site.browser(), path)).status).toBe(410);
    await site.sql('UPDATE user_account SET disabled_at = NULL, email_key = $2 WHERE id = $1', [userId, newEmail()]);
    expect((await follow(site.browser(), path)).status).toBe(410);
  });

  test('dies of age', async () => {
    const { email, userId } = await site.registered();
    const path = await linkFor(email);
    await site.sql("UPDATE token SET expires_at = clock_timestamp() - interval '1 second' WHERE user_id = $1", [
      userId,
    ]);
    expect((await follow(site.browser(), path)).status).toBe(410);
  });

  test.each([
    ['made up', `/reset-password?token=${'A'.repeat(43)}`],
    ['cut', '/reset-password?token=abc'],
    ['empty', '/reset-password?token='],
    ['with a null byte', '/reset-password?token=%00'],
    ['given twice', `/reset-password?token=${'A'.repeat(43)}&token=${'B'.repeat(43)}`],
    ['of hostile text', '/reset-password?token=%22%3E%3Cscript%3E'],
  ])('that is %s leads to a page that says what to do', async (_, path) => {
    const page = await follow(site.browser(), path);
    expect(page.status).toBe(410);
    expect(page.text).toContain('href="/forgot-password"');
    expect(page.text).not.toContain('<script>');
  });

  test('of another purpose opens nothing', async () => {
    const { email } = await site.registered();
    const token = (await linkFor(email)).split('=')[1] ?? '';
    for (const path of ['/verify-email', '/invitation']) {
      const someone = site.browser();
      await someone.get(`${path}?token=${token}`);
      expect((await someone.get(path)).status).toBe(410);
    }
    expect((await reset(`/reset-password?token=${token}`)).status).toBe(303);
  });

  test('is not used up by a password that is refused', async () => {
    const { email } = await site.registered();
    const path = await linkFor(email);
    const short = await reset(path, 'short');
    expect(short.status).toBe(422);
    expect(fieldError(short.text, 'password')).toContain('at least 8');
    expect((await reset(path)).status).toBe(303);
  });

  test('needs the form: another site, or no token of the form, changes nothing', async () => {
    const { email } = await site.registered();
    const path = await linkFor(email);
    const someone = site.browser();
    await follow(someone, path);
    const foreign = await someone.agent
      .post('/reset-password')
      .set('Origin', 'https://evil.example')
      .type('form')
      .send({ password: NEW_PASSWORD, _csrf: await someone.token('/reset-password') });
    expect(foreign.status).toBe(403);
    expect((await site.browser().logIn(email)).status).toBe(303);
  });

  test('sets a cookie that scripts, other sites and later days do not get', async () => {
    const { email } = await site.registered();
    const answer = await site.browser().get(await linkFor(email));
    const cookie = ((answer.headers['set-cookie'] ?? []) as unknown as string[]).find((one) =>
      one.startsWith('holdfast_link_reset'),
    );
    expect(cookie).toMatch(/httponly/i);
    expect(cookie).toMatch(/samesite=lax/i);
    expect(answer.headers['referrer-policy']).toBe('same-origin');
  });
});

describe('who has an account', () => {
  test('is told by no answer, and an address that nobody has gets no mail', async () => {
    const { email } = await site.registered();
    const nobody = newEmail();
    const answers = [];
    for (const address of [email, nobody]) {
      const someone = site.browser();
      const { status, headers } = await someone.submit('/forgot-password', { email: address });
      const { text } = await someone.get('/forgot-password/sent');
      answers.push({ status, to: headers['location'], page: withoutTokens(text) });
    }
    expect(answers[0]).toEqual(answers[1]);
    await site.send();
    expect([site.server.countTo(email), site.server.countTo(nobody)]).toEqual([1, 0]);
    expect(await site.sql('SELECT id FROM mail WHERE recipient = $1', [nobody])).toEqual([]);
  });

  test('is told by no time: both do the same statements', async () => {
    const { email } = await site.registered();
    const asked = async (address: string) => {
      const began = performance.now();
      await site.web.context.passwordResets.request({
        email: address,
        origin: { ip: '203.0.113.9', userAgent: null, requestId: 'timing' },
        told: { language: 'en', from: { at: new Date().toISOString(), device: 'Firefox', ip: null } },
      });
      return performance.now() - began;
    };
    const ratio = await timeRatio(
      40,
      () => asked(email),
      () => asked(newEmail()),
    );
    expect(ratio).toBeGreaterThan(0.6);
    expect(ratio).toBeLessThan(1.6);
  });

  test('a disabled account gets no link', async () => {
    const { email, userId } = await site.registered();
    await site.sql('UPDATE user_account SET disabled_at = now() WHERE id = $1', [userId]);
    const { status } = await site.browser().submit('/forgot-password', { email });
    expect(status).toBe(303);
    await site.send();
    expect(site.server.countTo(email)).toBe(0);
  });
});

describe('too many', () => {
  test('mails to one mailbox are refused, whoever asks and whether it has an account or not', async () => {
    const strict = await startWeb(site.stores, { ...site.env, THROTTLE_MAILBOX: '2/2/1h' });
    try {
      const { email } = await site.registered();
      for (const address of [email, newEmail()]) {
        const statuses = [];
        for (let times = 0; times < 4; times += 1) {
          statuses.push((await new Browser(strict.url).submit('/forgot-password', { email: address })).status);
        }
        expect(statuses).toEqual([303, 303, 429, 429]);
      }
    } finally {
      await strict.close();
    }
  });

  test('links that lead nowhere are refused, and then the good one as well', async () => {
    const { email } = await site.registered();
    const secret = (await linkFor(email)).split('=')[1] ?? '';
    const strict = await startWeb(site.stores, { SMTP_URL: site.server.url, THROTTLE_TOKEN: '2/2/1h' });
    try {
      const origin = { ip: '203.0.113.77', userAgent: null, requestId: 'tries' };
      const look = async (tried: string) => {
        const looked = await strict.context.passwordResets.look(tried, origin);
        return looked.ok ? 'open' : looked.reason;
      };
      const tries = ['A', 'B', 'C'].map((letter) => letter.repeat(43));
      expect(await look(secret)).toBe('open');
      expect([await look(tries[0] ?? ''), await look(tries[1] ?? ''), await look(tries[2] ?? '')]).toEqual([
        ...['dead_link', 'dead_link', 'throttled'],
      ]);
      expect(await look(secret)).toBe('throttled');
    } finally {
      await strict.close();
    }
  });
});

describe('an operator', () => {
  test('has a link mailed to the account, and sees nothing of it', async () => {
    const { email, userId } = await site.registered();
    const told = { language: 'en', from: { at: new Date().toISOString(), device: 'Firefox', ip: null } } as const;
    const by = { actor: null, origin: { ip: null, userAgent: null, requestId: 'operator' } };
    expect(await site.web.context.resetLinks.send(userId, told, by)).toBe(true);
    expect((await reset(await site.linkTo(email))).status).toBe(303);
    expect(await site.web.context.resetLinks.send('018f0000-0000-7000-8000-000000000000', told, by)).toBe(false);
  });

  test('hands a link over where no mail is possible', async () => {
    const { email, userId } = await site.registered();
    const by = { actor: null, origin: { ip: null, userAgent: null, requestId: null } };
    const secret = await site.web.context.resetLinks.reveal(userId, by);
    expect((await reset(`/reset-password?token=${secret}`)).status).toBe(303);
    expect((await site.browser().logIn(email, NEW_PASSWORD)).status).toBe(303);
    expect((await site.browser().logIn(email, PASSWORD)).status).toBe(401);
  });
});

test('without mail the page does not exist, and nothing leads to it', async () => {
  const production = { NODE_ENV: 'production', PUBLIC_URL: 'https://login.example.org', SESSION_KEYS: 'k'.repeat(32) };
  const bare = await startWeb(site.stores, production);
  try {
    const at = (path: string) => new Browser(bare.url).agent.get(path).set('Host', 'login.example.org').redirects(0);
    expect((await at('/forgot-password')).status).toBe(404);
    expect((await at('/login')).text).not.toContain('/forgot-password');
  } finally {
    await bare.close();
  }
});

// Registering where addresses are verified, and by invitation: nothing is usable before the mailed link is confirmed, and
// nobody learns who has an account.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cleanupMails } from '../../worker/jobs/cleanup.ts';
import { type Browser, newEmail, PASSWORD, startWeb, type TestProcess } from '../support/app.ts';
import { startMailSite } from '../support/mail-site.ts';
import { fieldError, withoutTokens } from '../support/page.ts';
import { timeRatio } from '../support/rank-test.ts';

const OTHER_PASSWORD = 'what the stranger has chosen';

const site = await startMailSite();

const accounts = (email: string) => site.sql('SELECT id FROM user_account WHERE email_key = $1', [email.toLowerCase()]);

/** Registers, and gives the path of the mailed link. */
async function asked(someone: Browser, email: string, password = PASSWORD): Promise<string> {
  const before = site.server.countTo(email);
  const answer = await someone.register(email, password);
  expect([answer.status, answer.headers['location']]).toEqual([303, '/register/sent']);
  return site.linkTo(email, before);
}

async function follow(someone: Browser, path: string) {
  expect((await someone.get(path)).status).toBe(303);
  return someone.get(path.split('?')[0] ?? '');
}

async function account(): Promise<{ email: string; member: Browser }> {
  const email = newEmail();
  const member = site.browser();
  await follow(member, await asked(member, email));
  expect((await member.submit('/verify-email', {})).status).toBe(303);
  return { email, member };
}

describe('a new address', () => {
  test('is an account once the link is confirmed, and not before', async () => {
    const email = newEmail();
    const someone = site.browser();
    const path = await asked(someone, email);
    expect(await accounts(email)).toEqual([]);
    expect((await site.browser().logIn(email)).status).toBe(401);
    expect(await someone.profile()).toBe(303);

    const page = await follow(someone, path);
    expect(page.status).toBe(200);
    expect(page.text).toContain(email);
    expect(page.text).not.toContain('type="password"');
    expect(await accounts(email)).toEqual([]);

    const done = await someone.submit('/verify-email', {});
    expect([done.status, done.headers['location']]).toEqual([303, '/profile?done=registered']);
    expect(await someone.profile()).toBe(200);
    expect((await site.browser().logIn(email)).status).toBe(303);
    expect(await site.sql('SELECT id FROM registration WHERE email = $1', [email])).toEqual([]);
  });

  test('in another browser needs the password, so that a stranger can’t have a click make their account', async () => {
    const email = newEmail();
    const path = await asked(site.browser(), email, OTHER_PASSWORD);
    const owner = site.browser();
    const page = await follow(owner, path);
    expect(page.text).toContain('type="password"');
    const without = await owner.submit('/verify-email', {});
    expect(without.status).toBe(422);
    const wrong = await owner.submit('/verify-email', { password: PASSWORD });
    expect(wrong.status).toBe(422);
    expect(fieldError(wrong.text, 'password')).toContain('not the password');
    expect(await accounts(email)).toEqual([]);
    expect((await owner.submit('/verify-email', { password: OTHER_PASSWORD })).status).toBe(303);
    expect(await owner.profile()).toBe(200);
  });

  test('registered by two is the account of whoever confirms, with their own password', async () => {
    const email = newEmail();
    const [stranger, owner] = [site.browser(), site.browser()];
    await asked(stranger, email, OTHER_PASSWORD);
    const path = await asked(owner, email);
    await follow(owner, path);
    expect((await owner.submit('/verify-email', {})).status).toBe(303);
    expect((await site.browser().logIn(email, OTHER_PASSWORD)).status).toBe(401);
    expect((await site.browser().logIn(email, PASSWORD)).status).toBe(303);
  });

  test('registered twice by a double click gets one mail, and the password typed last', async () => {
    const email = newEmail();
    const someone = site.browser();
    await someone.register(email, OTHER_PASSWORD);
    const path = await asked(someone, email);
    expect(site.server.countTo(email)).toBe(1);
    await follow(someone, path);
    await someone.submit('/verify-email', {});
    expect((await site.browser().logIn(email, PASSWORD)).status).toBe(303);
  });

  test('confirmed twice, also at the same instant, is one account', async () => {
    const email = newEmail();
    const someone = site.browser();
    const path = await asked(someone, email);
    await follow(someone, path);
    const _csrf = await someone.token('/verify-email');
    const send = () => someone.agent.post('/verify-email').redirects(0).type('form').send({ _csrf });
    const statuses = (await Promise.all([send(), send()])).map(({ status }) => status).sort();
    expect(statuses[0]).toBe(303);
    expect([409, 410]).toContain(statuses[1]);
    expect(await accounts(email)).toHaveLength(1);
    const late = await follow(site.browser(), path);
    expect(late.status).toBe(410);
    expect(late.text).toContain('href="/register"');
  });

  test('is forgotten when nobody confirms in time', async () => {
    const email = newEmail();
    const path = await asked(site.browser(), email);
    await site.sql("UPDATE token SET expires_at = clock_timestamp() - interval '1 second'");
    expect((await follow(site.browser(), path)).status).toBe(410);
    await site.sql("UPDATE registration SET expires_at = clock_timestamp() - interval '1 second' WHERE email = $1", [
      email,
    ]);
    await cleanupMails(site.worker);
    expect(await site.sql('SELECT id FROM registration WHERE email = $1', [email])).toEqual([]);
  });
});

describe('an address that has an account', () => {
  test('gets the same answer, and its owner another mail', async () => {
    const { email } = await account();
    const answers = [];
    for (const address of [email.toUpperCase(), newEmail()]) {
      const someone = site.browser();
      const { status, headers } = await someone.register(address, OTHER_PASSWORD);
      answers.push({
        status,
        to: headers['location'],
        page: withoutTokens((await someone.get('/register/sent')).text),
      });
    }
    expect(answers[0]).toEqual(answers[1]);
    await site.send();
    const mail = await site.server.mailTo(email, 1, site.send);
    expect(mail.email.subject).toBe('You have an account with Holdfast already');
    expect(mail.link).toBeNull();
    expect((await site.browser().logIn(email, OTHER_PASSWORD)).status).toBe(401);
    expect((await site.browser().logIn(email)).status).toBe(303);
  });

  test('gets one mail for a double click too', async () => {
    const { email } = await account();
    const someone = site.browser();
    await someone.register(email);
    await someone.register(email);
    await site.send();
    expect(site.server.countTo(email)).toBe(2); // with the one of the registration itself
  });

  test('takes as long as a new one', async () => {
    const { email } = await account();
    let browsers = 0;
    const ask = async (address: string) => {
      browsers += 1;
      const began = performance.now();
      await site.web.context.verifiedRegistration.ask({
        email: address,
        password: PASSWORD,
        browser: `browser ${browsers}`,
        origin: { ip: '203.0.113.9', userAgent: null, requestId: 'timing' },
        told: { language: 'en', from: { at: new Date().toISOString(), device: 'Firefox', ip: null } },
      });
      return performance.now() - began;
    };
    const ratio = await timeRatio(
      16,
      () => ask(email),
      () => ask(newEmail()),
    );
    expect(ratio).toBeGreaterThan(0.6);
    expect(ratio).toBeLessThan(1.6);
  });

  test('is not taken by a link that was mailed before', async () => {
    const email = newEmail();
    const [first, second] = [site.browser(), site.browser()];
    const early = await asked(first, email, OTHER_PASSWORD);
    await follow(second, await asked(second, email));
    await follow(first, early);
    expect((await second.submit('/verify-email', {})).status).toBe(303);
    const token = await site.browser().token('/login');
    expect(token).not.toBe('');
    expect((await first.get('/verify-email')).status).toBe(410);
    expect((await site.browser().logIn(email)).status).toBe(303);
  });
});

describe('where accounts are for the invited', () => {
  let closed: TestProcess;

  beforeAll(async () => {
    closed = await startWeb(site.stores, { ...site.env, REGISTRATION: 'closed' });
  });

  afterAll(() => closed?.close());

  const told = { language: 'en', from: { at: '2026-11-24T13:20:00Z', device: 'Firefox', ip: null } } as const;
  const by = { actor: null, origin: { ip: null, userAgent: null, requestId: 'operator' } };

  test('nobody registers, and nothing leads there', async () => {
    expect((await site.browser(closed.url).get('/register')).status).toBe(403);
    const answer = await site
      .browser(closed.url)
      .submit('/register', { email: newEmail(), password: PASSWORD }, '/login');
    expect(answer.status).toBe(403);
    for (const page of ['/', '/login'])
      expect((await site.browser(closed.url).get(page)).text).not.toContain('/register');
  });

  test('the invited choose a password by a link that counts once', async () => {
    const email = newEmail();
    expect(await closed.context.invitations.invite(email, told, by, { reveal: false })).toEqual({
      ok: true,
      secret: null,
    });
    const path = await site.linkTo(email);
    const someone = site.browser(closed.url);
    const page = await follow(someone, path);
    expect(page.text).toContain(email);
    const common = await someone.submit('/invitation', { password: 'password1' });
    expect(common.status).toBe(422);
    expect((await someone.submit('/invitation', { password: PASSWORD })).status).toBe(303);
    expect(await someone.profile()).toBe(200);
    expect((await follow(site.browser(closed.url), path)).status).toBe(410);
    const again = await closed.context.invitations.invite(email, told, by, { reveal: false });
    expect(again).toEqual({ ok: false, reason: 'email_taken' });
  });

  test('a new invitation replaces the one before', async () => {
    const email = newEmail();
    const invite = () => closed.context.invitations.invite(email, told, by, { reveal: true });
    const [first, second] = [await invite(), await invite()];
    const secretOf = (result: Awaited<ReturnType<typeof invite>>) => (result.ok ? result.secret : null);
    expect((await follow(site.browser(closed.url), `/invitation?token=${secretOf(first)}`)).status).toBe(410);
    expect((await follow(site.browser(closed.url), `/invitation?token=${secretOf(second)}`)).status).toBe(200);
  });
});

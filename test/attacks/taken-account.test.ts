// Somebody takes an account over, from a log-in with a stolen password, a stolen session or the mailbox: the owner's way
// back stays open, and the mailbox alone strips no second factor.
import { describe, expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { type Browser, newEmail, PASSWORD } from '../support/app.ts';
import { enrol, totpCode } from '../support/factors.ts';
import { startMailSite } from '../support/mail-site.ts';
import { fieldError } from '../support/page.ts';

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0';
const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36';
const THEIRS = 'a password of the intruder';
const FRESH = 'the owner is back again';

const site = await startMailSite({ REGISTRATION: 'open' });

/** Logs in from a kind of browser that may be new to the account. */
async function logInWith(userAgent: string, email: string, password = PASSWORD): Promise<Browser> {
  const browser = site.browser();
  const _csrf = await browser.token('/login');
  const sent = browser.agent.post('/login').redirects(0).type('form').set('User-Agent', userAgent);
  expect((await sent.send({ email, password, _csrf })).headers['location']).toBe('/profile');
  return browser;
}

/** An account that was used from one browser before, and lately. */
async function owner() {
  const { email, member, userId } = await site.registered();
  for (const table of ['known_device', 'session'])
    await site.sql(`UPDATE ${table} SET created_at = created_at - interval '5 minutes' WHERE user_id = $1`, [userId]);
  return { email, home: member, userId };
}

const changePassword = (browser: Browser, password: string, current = PASSWORD) =>
  browser.submit('/account/password', { current, password });

const factorsOf = async (userId: string) => {
  const [row] = await site.sql<{ apps: number; passkeys: number; codes: number }>(
    `SELECT (SELECT count(*) FROM totp WHERE user_id = $1)::int AS apps,
            (SELECT count(*) FROM passkey WHERE user_id = $1)::int AS passkeys,
            (SELECT count(*) FROM recovery_code WHERE user_id = $1)::int AS codes`,
    [userId],
  );
  return row;
};
const NO_FACTOR = { apps: 0, passkeys: 0, codes: 0 };
const ONE_APP = { apps: 1, passkeys: 0, codes: 10 };

/** Follows a mailed link and presses its button. */
async function press(path: string, fields = {}, someone = site.browser()) {
  await someone.get(path);
  const [bare = ''] = path.split('?');
  const page = await someone.get(bare);
  const answer = page.status === 200 ? await someone.submit(bare, fields) : page;
  return { someone, page, answer };
}

async function chooseNew(someone: Browser): Promise<void> {
  const chosen = await someone.submit('/reset-password', { password: FRESH });
  expect(chosen.headers['location']).toBe('/login?done=password-reset');
}

/** The path of the link in the mail that an act leads to. */
async function mailedBy<T>(address: string, act: () => Promise<T>): Promise<{ link: string; result: T }> {
  const before = site.server.countTo(address);
  const result = await act();
  return { result, link: await site.linkTo(address, before) };
}

/** Returns the link in the mail that tells of it. */
async function resetByMail(email: string, password: string): Promise<string> {
  const { link } = await mailedBy(email, () => site.browser().submit('/forgot-password', { email }));
  const someone = site.browser();
  await someone.get(link);
  return (await mailedBy(email, () => someone.submit('/reset-password', { password }))).link;
}

describe('an intruder with the password who adds a factor and changes the password', () => {
  async function taken() {
    const { email, home, userId } = await owner();
    const { result: intruder, link: first } = await mailedBy(email, () => logInWith(FIREFOX, email));
    const { link: second } = await mailedBy(email, () => enrol(intruder));
    const { link: third } = await mailedBy(email, () => changePassword(intruder, THEIRS));
    return { email, home, userId, intruder, links: [first, second, third] };
  }

  test('is thrown out by the first link, with the password of before', async () => {
    const { email, userId, intruder, links } = await taken();
    const [first = ''] = links;
    const wrong = await press(first, { former: THEIRS });
    expect(wrong.page.text).toContain('Second factors were set up since then');
    expect([wrong.answer.status, fieldError(wrong.answer.text, 'former')?.slice(0, 24)]).toEqual([
      422,
      'This is not the password',
    ]);
    expect(await intruder.profile()).toBe(200);

    const { someone, answer } = await press(first, { former: PASSWORD });
    expect([answer.status, answer.headers['location']]).toEqual([303, '/reset-password']);
    expect(await intruder.profile()).toBe(303);
    expect(await factorsOf(userId)).toEqual(NO_FACTOR);
    for (const password of [PASSWORD, THEIRS]) expect((await site.browser().logIn(email, password)).status).toBe(401);
    await chooseNew(someone);
    expect((await site.browser().logIn(email, FRESH)).headers['location']).toBe('/profile');
    const events = await site.sql<{ detail: object }>(
      `SELECT event->'detail' AS detail FROM outbox WHERE event->>'type' = 'authn_login_disowned'
          AND event->>'outcome' = 'success' AND event->>'subject' = $1`,
      [userId],
    );
    expect(events).toEqual([{ detail: { factors: 'taken_back', proof: 'password' } }]);
  });

  test('is thrown out by the mail about the factor, or about the password, just as well', async () => {
    for (const which of [1, 2]) {
      const { userId, links } = await taken();
      await press(links[which] ?? '', { former: PASSWORD });
      expect(await factorsOf(userId)).toEqual(NO_FACTOR);
    }
  });

  test('is thrown out from a browser that was known before, which is asked for nothing', async () => {
    const { home, userId, links } = await taken();
    const { page } = await press(links[0] ?? '', {}, home);
    expect(page.text).toContain('Second factors that were set up since then are removed.');
    expect(page.text).not.toContain('name="former"');
    expect(await factorsOf(userId)).toEqual(NO_FACTOR);
  });

  test('keeps its factor, and not the account, where the mailbox is all that there is', async () => {
    const { email, userId, intruder, links } = await taken();
    const { someone, answer } = await press(links[0] ?? '');
    expect(answer.headers['location']).toBe('/reset-password');
    expect(await intruder.profile()).toBe(303);
    expect(await factorsOf(userId)).toEqual(ONE_APP);
    await chooseNew(someone);
    expect((await site.browser().logIn(email, FRESH)).headers['location']).toBe('/login/second-factor');
  });

  test('loses what was set up under its log-in and later ones; that of an earlier log-in stays', async () => {
    const { email, home, userId } = await owner();
    const { result: intruder, link } = await mailedBy(email, () => logInWith(FIREFOX, email));
    await enrol(home); // ends the session of the intruder, who knows the password and no code
    expect(await intruder.profile()).toBe(303);
    await site.sql(
      'UPDATE token SET used_at = now() WHERE user_id = $1 AND since < (SELECT max(since) FROM token WHERE user_id = $1)',
      [userId],
    ); // the link about that, which its owner has no reason to press
    await press(link, { former: PASSWORD });
    expect(await factorsOf(userId)).toEqual(ONE_APP);
  });
});

test('a factor under one log-in, a change of address under the next: taking the address back takes both back', async () => {
  const { email, userId } = await owner();
  const intruder = await logInWith(FIREFOX, email);
  secrets.set(userId, (await enrol(intruder)).secret);
  const second = await logInWithCode(email, userId);
  const theirs = newEmail();
  await site.send();
  const { link: confirm } = await mailedBy(theirs, () => second.submit('/account/email', { email: theirs }));
  const { link: undo } = await mailedBy(email, () => press(confirm, { password: PASSWORD }));
  expect(undo).toMatch(/^\/undo-email-change/);
  const { page, answer } = await press(undo, { former: PASSWORD });
  expect(page.text).toContain('name="former"');
  expect(answer.headers['location']).toBe('/login?done=email-taken-back');
  expect(await factorsOf(userId)).toEqual(NO_FACTOR);
});

const secrets = new Map<string, string>();

async function logInWithCode(email: string, userId: string): Promise<Browser> {
  const browser = site.browser();
  expect((await browser.logIn(email)).headers['location']).toBe('/login/second-factor');
  await site.sql('UPDATE totp SET last_step = 0 WHERE user_id = $1', [userId]);
  const code = totpCode(secrets.get(userId) ?? '');
  expect((await browser.submit('/login/second-factor', { code })).headers['location']).toBe('/profile');
  return browser;
}

test('an intruder who moves the account twice can’t take the owner’s way back by undoing the second move', async () => {
  const { email, userId } = await owner();
  const [first, second] = [newEmail(), newEmail()];
  const move = async (from: string, to: string, userAgent: string) => {
    const { result: intruder } = await mailedBy(from, () => logInWith(userAgent, from));
    const { link } = await mailedBy(to, () => intruder.submit('/account/email', { email: to }));
    return (await mailedBy(from, () => press(link, { password: PASSWORD }))).link;
  };
  const undoOfOwner = await move(email, first, FIREFOX);
  const undone = await press(await move(first, second, CHROME));
  expect(undone.answer.headers['location']).toBe('/login?done=email-taken-back');
  expect((await press(undoOfOwner)).answer.headers['location']).toBe('/login?done=email-taken-back');
  const [row] = await site.sql<{ email: string }>('SELECT email FROM user_account WHERE id = $1', [userId]);
  expect(row?.email).toBe(email);
});

test('an intruder who moved the account away can’t register the old address, so that it could not be taken back', async () => {
  const { email } = await owner();
  const theirs = newEmail();
  const { result: intruder } = await mailedBy(email, () => logInWith(FIREFOX, email));
  const { link } = await mailedBy(theirs, () => intruder.submit('/account/email', { email: theirs }));
  const { link: undo } = await mailedBy(email, () => press(link, { password: PASSWORD }));
  expect((await site.browser().register(email, THEIRS)).status).toBe(422);
  expect((await press(undo)).answer.headers['location']).toBe('/login?done=email-taken-back');
});

describe('somebody who reads the mailbox and nothing else', () => {
  test('strips no factor that the owner set up after a mailed log-in', async () => {
    const { email, userId } = await owner();
    const { result: traveller, link: first } = await mailedBy(email, () => logInWith(FIREFOX, email)); // the owner
    const { link: second } = await mailedBy(email, () => enrol(traveller));
    for (const link of [second, first]) await press(link);
    expect(await factorsOf(userId)).toEqual(ONE_APP);
  });

  test('strips none by a password or a browser that the mailbox gave', async () => {
    const { email, userId } = await owner();
    const links = [await resetByMail(email, THEIRS)];
    const { result: reader, link } = await mailedBy(email, () => logInWith(FIREFOX, email, THEIRS));
    for (const table of ['known_device', 'session'])
      await site.sql(`UPDATE ${table} SET created_at = created_at - interval '1 hour' WHERE user_id = $1`, [userId]);
    links.push(link, await resetByMail(email, FRESH)); // the owner, who sets a factor up at once
    const home = await mailedBy(email, () => logInWith(CHROME, email, FRESH));
    links.push(home.link, (await mailedBy(email, () => enrol(home.result))).link);
    for (const one of links) {
      expect(one).toMatch(/^\/not-me/);
      await press(one, { former: THEIRS });
    }
    for (const one of links) await press(one, {}, reader);
    expect(await factorsOf(userId)).toEqual(ONE_APP);
  });
});

test('a reset by mail and a disowned log-in end every other link of the mailbox', async () => {
  const { email } = await owner();
  const { link: first } = await mailedBy(email, () => logInWith(FIREFOX, email));
  const { link: second } = await mailedBy(email, () => logInWith(CHROME, email));
  expect((await press(first)).answer.headers['location']).toBe('/reset-password');
  expect((await press(second)).answer.status).toBe(410);

  const other = await owner();
  const { link } = await mailedBy(other.email, () => logInWith(FIREFOX, other.email));
  await resetByMail(other.email, FRESH);
  expect((await press(link)).answer.status).toBe(410);
});

test('recovery codes that an intruder renewed go too, though no factor was added', async () => {
  const { email, home, userId } = await owner();
  const { secret } = await enrol(home);
  secrets.set(userId, secret);
  for (const table of ['totp', 'recovery_code'])
    await site.sql(`UPDATE ${table} SET logged_in_at = now() - interval '2 hours' WHERE user_id = $1`, [userId]);
  const intruder = await logInWithCode(email, userId);
  await site.send();
  const { link } = await mailedBy(email, () =>
    intruder.submit('/account/security/recovery-codes', {}, '/account/security'),
  );
  await press(link, { former: PASSWORD });
  expect(await factorsOf(userId)).toEqual({ apps: 1, passkeys: 0, codes: 0 });
});

describe('an intruder in an operator’s account who makes a token for it', () => {
  const reads = async (secret: string) =>
    (await fetch(`${site.web.url}/api/audit`, { headers: { authorization: `Bearer ${secret}` } })).status;

  /** Links in the mails about the intruder's log-in and about the token. */
  async function taken() {
    const { email, userId } = await owner();
    await site.web.context.users.setRole(userId, 'operator', { actor: null, origin: NO_ORIGIN });
    const { result: intruder, link: login } = await mailedBy(email, () => logInWith(FIREFOX, email));
    const path = `/operator/users/${userId}/tokens/create`;
    const asked = { name: 'a collector', days: '366', reason: 'reads the log' };
    const { result: made, link } = await mailedBy(email, () => intruder.submit(path, asked));
    const secret = /holdfast_[\w-]{43}/.exec(made.text)?.[0] ?? '';
    expect(await reads(secret)).toBe(200);
    return { email, userId, intruder, secret, links: { login, token: link } };
  }

  type Taken = Awaited<ReturnType<typeof taken>>;

  async function disownInActivity({ email }: Taken): Promise<void> {
    const back = await logInWith(CHROME, email);
    await site.worker.sealing.seal();
    const { text } = await back.get('/account/activity');
    const path = /href="(\/account\/activity\/\d+\/not-me)"/.exec(text)?.[1] ?? '';
    expect((await back.get(path)).text).toContain('API tokens that read the log for you are revoked');
    expect((await back.submit(path, {}, path)).headers['location']).toBe('/account/password?done=login-disowned');
  }

  async function takeAddressBack({ email, intruder }: Taken): Promise<void> {
    const theirs = newEmail();
    const { link: confirm } = await mailedBy(theirs, () => intruder.submit('/account/email', { email: theirs }));
    const { link: undo } = await mailedBy(email, () => press(confirm, { password: PASSWORD }));
    expect((await press(undo)).answer.headers['location']).toBe('/login?done=email-taken-back');
  }

  test.each<[string, string, (taken: Taken) => Promise<unknown>]>([
    ['the mail about the log-in', 'login_disowned', ({ links }) => press(links.login)],
    ['the mail about the token', 'login_disowned', ({ links }) => press(links.token)],
    ['the page of the activity', 'login_disowned', disownInActivity],
    ['a password chosen by mail', 'password_reset', ({ email }) => resetByMail(email, FRESH)],
    ['the mailbox that the account had before', 'email_change_undone', takeAddressBack],
  ])('loses it when its owner takes the account back by %s', async (_, reason, takeBack) => {
    const account = await taken();
    await takeBack(account);
    expect(await reads(account.secret)).toBe(401);
    await site.worker.sealing.seal();
    const events = await site.sql(
      `SELECT actor_id AS actor, detail->>'reason' AS reason FROM audit_event
        WHERE subject_id = $1 AND type = 'api_token_revoked'`,
      [account.userId],
    );
    expect(events).toEqual([{ actor: account.userId, reason }]);
  });

  test('makes none from a session that the owner ended meanwhile', async () => {
    const { userId } = await taken();
    const [session] = await site.sql<{ id: string }>('SELECT id FROM session WHERE user_id = $1 AND ended_at IS NULL', [
      userId,
    ]);
    const by = { actor: userId, session: session?.id ?? '', origin: NO_ORIGIN };
    const told = { language: 'en', from: { at: new Date().toISOString(), device: '', ip: null } } as const;
    const make = () => site.web.context.apiTokens.create({ userId, name: 'another', days: 1, by, told });
    expect(await make()).toMatchObject({ ok: true });
    await site.web.context.sessions.end({ userId }, { reason: 'revoked', actor: userId, origin: NO_ORIGIN });
    expect(await make()).toEqual({ ok: false, reason: 'session_ended' });
  });

  test('keeps it where nobody says that the account was somebody else’s: programs outlive a change of password', async () => {
    const { userId, intruder: operator, secret } = await taken();
    expect((await changePassword(operator, FRESH)).status).toBe(303);
    await enrol(operator);
    const why = { reason: 'revoked', actor: userId, origin: NO_ORIGIN } as const;
    await site.web.context.sessions.end({ userId }, why);
    expect(await reads(secret)).toBe(200);
  });
});

// Somebody has the password and not the second factor: the owner hears of it, once a day, and ending every session ends
// what waits too. And what a registration leaves open for a minute.
import { describe, expect, test } from '@jest/globals';
import { Browser, newEmail, PASSWORD } from '../support/app.ts';
import { type Enrolled, enrol, totpCode } from '../support/factors.ts';
import { startMailSite } from '../support/mail-site.ts';

const STEP = '/login/second-factor';
const LATE = '/login?late=1';

const site = await startMailSite({
  REGISTRATION: 'open',
  THROTTLE_SECOND_FACTOR: '3/6/1d',
  THROTTLE_REGISTER: '100/200/1h',
});

/** Somebody with an app; the mail about that has gone out. */
async function member(): Promise<Enrolled & { email: string; userId: string; browser: Browser }> {
  const { email, member: browser, userId } = await site.registered();
  const enrolled = await enrol(browser);
  await site.linkTo(email);
  return { email, userId, browser, ...enrolled };
}

async function halfIn(email: string): Promise<Browser> {
  const browser = site.browser();
  expect((await browser.logIn(email)).headers['location']).toBe(STEP);
  return browser;
}

async function finish(browser: Browser, { userId, secret }: { userId: string; secret: string }) {
  await site.sql('UPDATE totp SET last_step = 0 WHERE user_id = $1', [userId]);
  return browser.submit(STEP, { code: totpCode(secret) });
}

/** Ten minutes later: what waits has waited too long, and its mail is due. */
async function tenMinutesLater(userId: string): Promise<void> {
  const minutes = "interval '11 minutes'";
  await site.sql(`UPDATE pending_login SET expires_at = expires_at - ${minutes} WHERE user_id = $1`, [userId]);
  await site.sql(`UPDATE mail SET due_at = due_at - ${minutes} WHERE user_id = $1 AND ended_at IS NULL`, [userId]);
  while ((await site.send()) > 0);
}

const subjects = (email: string) => site.server.mailsTo(email).map((mail) => mail.email.subject);
const LEFT = 'Your password for Holdfast was given, but not your second factor';
const BLOCKED = 'Wrong codes at your account with Holdfast';

describe('a second step that nobody finishes, from a new browser', () => {
  test('is told to the owner, once a day, with a link that throws whoever it was out', async () => {
    const somebody = await member();
    await Promise.all([halfIn(somebody.email), halfIn(somebody.email)]);
    await site.send();
    expect(subjects(somebody.email)).not.toContain(LEFT); // it may be finished yet
    await tenMinutesLater(somebody.userId);
    await halfIn(somebody.email);
    await tenMinutesLater(somebody.userId);
    expect(subjects(somebody.email).filter((one) => one === LEFT)).toHaveLength(1);

    const reader = site.browser();
    await reader.get(await site.linkTo(somebody.email));
    expect((await reader.get('/not-me')).text).toContain('If you did not do what the message tells of');
    expect((await reader.submit('/not-me', {})).headers['location']).toBe('/reset-password');
    expect((await site.browser().logIn(somebody.email)).status).toBe(401);
    expect(await site.sql('SELECT FROM totp WHERE user_id = $1', [somebody.userId])).toHaveLength(1);
  });

  test('is told the next day again', async () => {
    const somebody = await member();
    await halfIn(somebody.email);
    await tenMinutesLater(somebody.userId);
    await site.sql("UPDATE mail SET ended_at = ended_at - interval '25 hours' WHERE user_id = $1", [somebody.userId]);
    await halfIn(somebody.email);
    await tenMinutesLater(somebody.userId);
    expect(subjects(somebody.email).filter((one) => one === LEFT)).toHaveLength(2);
  });

  test('is told even if the owner finishes one of their own meanwhile; that alone is told to nobody', async () => {
    const somebody = await member();
    const own = await halfIn(somebody.email);
    expect((await finish(own, somebody)).headers['location']).toBe('/profile');
    await tenMinutesLater(somebody.userId);
    expect(subjects(somebody.email)).not.toContain(LEFT);

    const again = await halfIn(somebody.email);
    await halfIn(somebody.email); // somebody else
    expect((await finish(again, somebody)).headers['location']).toBe('/profile');
    await tenMinutesLater(somebody.userId);
    expect(subjects(somebody.email).filter((one) => one === LEFT)).toHaveLength(1);
  });
});

test('wrong codes are told to the owner at the first block, and then not again that day', async () => {
  const somebody = await member();
  const stranger = await halfIn(somebody.email);
  for (let attempt = 0; attempt < 2; attempt += 1) await stranger.submit(STEP, { code: '000000' });
  await tenMinutesLater(somebody.userId);
  expect(subjects(somebody.email)).not.toContain(BLOCKED);

  const other = await member();
  const wrong = await halfIn(other.email);
  // The mail about the unfinished step waits: it says the same. Without it, as from a browser that is known:
  await site.sql("UPDATE token SET used_at = now() WHERE user_id = $1 AND purpose = 'not_me'", [other.userId]);
  for (let attempt = 0; attempt < 3; attempt += 1) await wrong.submit(STEP, { code: '000000' });
  await tenMinutesLater(other.userId);
  expect(subjects(other.email).filter((one) => one === BLOCKED)).toHaveLength(1);
  await halfIn(other.email);
  await tenMinutesLater(other.userId);
  expect(subjects(other.email)).not.toContain(LEFT);
});

test('wrong codes at /confirm, from a stolen session, are told just as well', async () => {
  const somebody = await member();
  const tries = { password: PASSWORD, code: '000000' };
  for (let attempt = 0; attempt < 3; attempt += 1)
    expect((await somebody.browser.submit('/confirm', tries)).status).toBe(422);
  await tenMinutesLater(somebody.userId);
  expect(subjects(somebody.email)).toContain(BLOCKED);
});

describe('a log-in that waits for its factor ends', () => {
  test('when its owner ends the other sessions', async () => {
    const somebody = await member();
    const waiting = await halfIn(somebody.email);
    await somebody.browser.submit('/account/sessions/revoke-others', {}, '/account/sessions');
    expect((await waiting.get(STEP)).headers['location']).toBe(LATE);
    const events = await site.sql<{ detail: object }>(
      `SELECT event->'detail' AS detail FROM outbox WHERE event->>'type' = 'authn_waiting_ended' AND event->>'subject' = $1`,
      [somebody.userId],
    );
    expect(events).toEqual([{ detail: { count: 1, reason: 'revoked' } }]);
  });

  test('when an operator ends the sessions of the account, or everybody’s', async () => {
    const { sessions, endAllSessions } = site.web.context;
    const origin = { ip: null, userAgent: null, requestId: null };
    const somebody = await member();
    const waiting = await halfIn(somebody.email);
    await sessions.end({ userId: somebody.userId }, { reason: 'revoked_by_operator', actor: null, origin });
    expect((await waiting.get(STEP)).headers['location']).toBe(LATE);

    const again = await halfIn(somebody.email);
    await endAllSessions.ask({ actor: null, origin, reason: 'a test', kept: null });
    expect((await again.get(STEP)).headers['location']).toBe(LATE);
    const later = await halfIn(somebody.email);
    expect((await finish(later, somebody)).headers['location']).toBe('/profile');
  });

  test('when the account is disabled, and stays so when it is enabled again', async () => {
    const somebody = await member();
    const waiting = await halfIn(somebody.email);
    const by = { actor: null, origin: { ip: null, userAgent: null, requestId: null } };
    for (const disabled of [true, false]) await site.web.context.users.setDisabled(somebody.userId, disabled, by);
    expect((await waiting.get(STEP)).headers['location']).toBe(LATE);
  });
});

describe('registering', () => {
  test('twice by one browser just logs in; another browser can’t try passwords that way', async () => {
    const email = newEmail();
    const one = site.browser();
    const [first, second] = [await one.token('/register'), await one.token('/register')];
    const send = (browser: Browser, _csrf: string) =>
      browser.agent.post('/register').redirects(0).type('form').send({ email, password: PASSWORD, _csrf });
    const answers = await Promise.all([send(one, first), send(one, second)]);
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);

    const before = await site.sql('SELECT FROM session s JOIN user_account u ON u.id = user_id WHERE email = $1', [
      email,
    ]);
    const other = new Browser(site.web.url);
    const refused = await other.register(email);
    expect([refused.status, refused.headers['location']]).toEqual([422, undefined]);
    const after = await site.sql('SELECT FROM session s JOIN user_account u ON u.id = user_id WHERE email = $1', [
      email,
    ]);
    expect(after.length).toBe(before.length);
  });
});

// The machine of Holdfast is ten minutes ahead of PostgreSQL's, or behind: everything goes as with equal clocks. The web
// process and the worker are this process, whose clock is off.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { readOutboxEvent } from '../../src/core/audit/outbox-event.ts';
import { Browser, newEmail, PASSWORD, setCookie } from '../support/app.ts';
import { shiftAppClock, withRightClock } from '../support/app-clock.ts';
import { enrol, totpCode } from '../support/factors.ts';
import { startMailSite } from '../support/mail-site.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0';
const NEW_PASSWORD = 'a new horse for the battery';

const site = await startMailSite({ THROTTLE_ACCOUNT_CLIENT: '3/6/1h', THROTTLE_BLOCK_FIRST: '1m' });
const open = await site.startWeb({ REGISTRATION: 'open', THROTTLE_ACCOUNT_CLIENT: '10000/10000/1h' });

/** Everything that is due goes out, and nothing is waited for. */
async function linkTo(address: string, after = 0): Promise<string> {
  await site.send();
  const mails = site.server.mailsTo(address);
  expect(mails.length).toBeGreaterThan(after);
  const url = new URL(mails.findLast(({ link }) => link)?.link ?? '');
  return url.pathname + url.search;
}

/** How far ahead of PostgreSQL's clock a moment of the newest row lies, in milliseconds. */
async function ahead(column: string, from: string, where = 'true', values: unknown[] = []): Promise<number> {
  const [row] = await site.sql<{ ms: number }>(
    `SELECT (extract(epoch FROM ${column} - clock_timestamp()) * 1000)::float8 AS ms FROM ${from}
      WHERE ${where} ORDER BY id DESC LIMIT 1`,
    values,
  );
  if (!row) throw new Error(`nothing in ${from}`);
  return row.ms;
}

const about = (ms: number, expected: number) => expect(Math.abs(ms - expected)).toBeLessThan(MINUTE_MS);

async function member(url = open.url) {
  const [browser, email] = [new Browser(url), newEmail()];
  expect((await browser.register(email)).status).toBe(303);
  const [row] = await site.sql<{ id: string }>('SELECT id FROM user_account WHERE email = $1', [email]);
  return { browser, email, id: row?.id ?? '' };
}

async function follow(browser: Browser, path: string) {
  expect((await browser.get(path)).status).toBe(303);
  return browser.get(path.split('?')[0] ?? '');
}

describe.each([
  ['ahead', 10 * MINUTE_MS],
  ['behind', -10 * MINUTE_MS],
])('ten minutes %s', (_name, shiftMs) => {
  beforeAll(() => shiftAppClock(shiftMs));
  afterAll(() => shiftAppClock(0));

  test('a registration is mailed at once, waits its time, and is asked for twice only by a double click', async () => {
    const [browser, email] = [site.browser(), newEmail()];
    await browser.register(email);
    const path = await linkTo(email);
    about(await ahead('due_at', 'mail', 'recipient = $1', [email]), 1.5 * MINUTE_MS); // as the sender took it
    about(await ahead('created_at', 'mail', 'recipient = $1', [email]), 0);
    about(await ahead('created_at', 'registration', 'email = $1', [email]), 0);
    about(await ahead('expires_at', 'registration', 'email = $1', [email]), 2 * DAY_MS);
    about(await ahead('expires_at', 'token'), DAY_MS);
    await browser.register(email);
    await site.send();
    expect(site.server.countTo(email)).toBe(1);
    await site.sql("UPDATE registration SET created_at = created_at - interval '61 seconds' WHERE email = $1", [email]);
    await browser.register(email);
    await site.send();
    expect(site.server.countTo(email)).toBe(2);
    expect((await follow(browser, path)).status).toBe(200);
    expect((await browser.submit('/verify-email', {})).headers['location']).toBe('/profile?done=registered');
    expect(await browser.profile()).toBe(200);
  });

  test('a double click registers and logs in, and a minute later the address is taken', async () => {
    const { browser, email, id } = await member();
    const twice = new Browser(open.url);
    const account = { email: newEmail(), password: PASSWORD };
    const tokens = [await twice.token('/register'), await twice.token('/register')];
    const send = (_csrf: string) =>
      twice.agent
        .post('/register')
        .redirects(0)
        .type('form')
        .send({ ...account, _csrf });
    expect((await Promise.all(tokens.map(send))).map(({ status }) => status)).toEqual([303, 303]);
    await site.sql("UPDATE user_account SET created_at = created_at - interval '61 seconds' WHERE id = $1", [id]);
    expect((await new Browser(open.url).register(email)).status).not.toBe(303);
    expect(await browser.profile()).toBe(200);
  });

  test('what is shown is just now', async () => {
    const { browser } = await member();
    for (const page of ['/profile', '/account/sessions']) {
      const { text } = await browser.get(page);
      expect(text).toContain('just now');
      expect(text).not.toMatch(/\d+ minutes/);
    }
  });

  test('a forgotten password, an invitation and a change of address with its undoing go their way', async () => {
    const { browser, email, id } = await member();
    await site.browser().submit('/forgot-password', { email });
    const forgetful = site.browser();
    expect((await follow(forgetful, await linkTo(email))).status).toBe(200);
    about(await ahead('expires_at', 'token', 'user_id = $1', [id]), HOUR_MS / 2);
    const reset = await forgetful.submit('/reset-password', { password: NEW_PASSWORD });
    expect(reset.headers['location']).toBe('/login?done=password-reset');
    expect((await browser.logIn(email, NEW_PASSWORD)).status).toBe(303);

    const invited = newEmail();
    const told = { language: 'en', from: { at: new Date().toISOString(), device: '', ip: null } } as const;
    const by = { actor: null, origin: NO_ORIGIN };
    await site.web.context.invitations.invite(invited, told, by, { reveal: false });
    const guest = site.browser();
    expect((await follow(guest, await linkTo(invited))).status).toBe(200);
    about(await ahead('expires_at', 'token'), 7 * DAY_MS);
    about(await ahead('expires_at', 'registration', 'email = $1', [invited]), 8 * DAY_MS);
    expect((await guest.submit('/invitation', { password: PASSWORD })).status).toBe(303);

    const thief = newEmail();
    expect((await browser.submit('/account/email', { email: thief })).headers['location']).toBe('/account/email/sent');
    await follow(browser, await linkTo(thief));
    about(await ahead('expires_at', 'token', 'user_id = $1', [id]), HOUR_MS);
    expect((await browser.submit('/confirm-email', {})).headers['location']).toBe('/login?done=email-changed');
    expect((await browser.logIn(thief, NEW_PASSWORD)).status).toBe(303);
    await withRightClock(() => enrol(browser));
    const owner = site.browser();
    await follow(owner, await linkTo(email, 2));
    const undone = await owner.submit('/undo-email-change', { former: NEW_PASSWORD });
    expect(undone.headers['location']).toBe('/login?done=email-taken-back');
    expect(await site.sql('SELECT FROM totp WHERE user_id = $1', [id])).toEqual([]);
  });

  test('a log-in is recent, its browser known, and "this wasn’t me" removes what was added since', async () => {
    const { email, id } = await member();
    expect(await open.context.devices.count(id)).toBe(1);
    const stranger = new Browser(open.url);
    const _csrf = await stranger.token('/login');
    const sent = stranger.agent.post('/login').redirects(0).type('form').set('User-Agent', FIREFOX);
    expect((await sent.send({ email, password: PASSWORD, _csrf })).status).toBe(303);
    expect(await open.context.devices.count(id)).toBe(2);
    about(await ahead('last_used_at', 'known_device', 'user_id = $1', [id]), 0);
    const others = await stranger.submit('/account/sessions/revoke-others', {}, '/account/sessions');
    expect(others.headers['location']).toBe('/account/sessions?done=others-ended');
    await withRightClock(() => enrol(stranger));
    await site.send();
    const letter = site.server.mailsTo(email).findLast(({ link }) => link?.includes('/not-me'));
    const url = new URL(letter?.link ?? '');
    const owner = new Browser(open.url);
    const page = await follow(owner, url.pathname + url.search);
    expect(page.text).toContain('just now');
    expect((await owner.submit('/not-me', { former: PASSWORD })).headers['location']).toBe('/reset-password');
    expect(await site.sql('SELECT FROM totp WHERE user_id = $1', [id])).toEqual([]);
  });

  test('a second factor is set up and asked for, and its cookies last as long as they should', async () => {
    const { browser, email } = await member();
    const { secret } = await withRightClock(() => enrol(browser));
    const again = new Browser(open.url);
    const asked = await again.logIn(email);
    expect(asked.headers['location']).toBe('/login/second-factor');
    expect(setCookie(asked, 'holdfast_pending')).toMatch(/; max-age=600$/);
    const code = await withRightClock(async () => totpCode(secret, 1));
    const done = await again.submit('/login/second-factor', { code });
    expect([done.status, done.headers['location']]).toEqual([303, '/profile']);
  });

  test('a process whose clock is right takes what this one signed for a browser', async () => {
    const challenges = (await import('../../src/core/factors/passkey-challenges.ts')).createPasskeyChallenges;
    const purpose = { purpose: 'test', owner: 'nobody' } as const;
    const { database, secretBox } = open.context;
    const issued = challenges({ database, secretBox }).issue(purpose).toString('base64url');
    const rightly = async () => challenges({ database: site.worker.database, secretBox }).isOurs(issued, purpose);
    expect(await withRightClock(rightly)).toBe(true);
  });

  test('a block of the throttle stands in its record for as long as it lasts', async () => {
    const { email } = await member();
    const guesser = site.browser();
    for (let count = 0; count < 3; count += 1) await guesser.logIn(email, 'not the password');
    expect((await guesser.logIn(email, 'not the password')).status).toBe(429);
    await site.worker.sealing.seal();
    const left = await ahead('until_at', 'throttle_block');
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(MINUTE_MS);
    expect((await site.web.context.blocks.list(1))[0]?.active).toBe(true);
    about(await ahead('occurred_at', 'login_attempt'), 0);
    await site.worker.attackDetection.watch();
  });

  test('an event occurred when PostgreSQL took it', async () => {
    await member();
    const [row] = await site.sql<{ event: object; now: Date }>(
      'SELECT event, clock_timestamp() AS now FROM outbox ORDER BY id DESC LIMIT 1',
    );
    const { occurredAt } = readOutboxEvent(row?.event ?? null, new Date(0));
    about(occurredAt.getTime(), row?.now.getTime() ?? 0);
  });
});

// Somebody has a stolen session and the password, and not the second factor: whatever decides about the account asks for it.
import { describe, expect, test } from '@jest/globals';
import { Browser, newEmail, PASSWORD } from '../support/app.ts';
import { type Enrolled, enrol, totpCode } from '../support/factors.ts';
import { fieldError } from '../support/page.ts';
import { world } from '../support/world.ts';

const NEXT = 'another horse for the battery';

const { web, worker, sql, newOperator } = await world({
  webs: [{ THROTTLE_SECOND_FACTOR: '3/6/1d', REGISTRATION: 'open' }],
  worker: true,
});

/** Somebody with an app, whose log-in was a while ago. */
async function member(): Promise<Enrolled & { email: string; browser: Browser }> {
  const email = newEmail();
  const browser = new Browser(web.url);
  await browser.register(email);
  const enrolled = await enrol(browser);
  await age(email);
  return { email, browser, ...enrolled };
}

async function age(email: string): Promise<void> {
  await sql(
    `UPDATE session SET created_at = session.created_at - interval '11 minutes', proved_at = proved_at - interval '11 minutes'
       FROM user_account u WHERE u.id = user_id AND email = $1`,
    [email],
  );
}

const confirm = (browser: Browser, fields: Readonly<Record<string, string>>) =>
  browser.submit('/confirm', { password: PASSWORD, next: '/account/security', ...fields }, '/confirm');

async function freshCode(email: string, secret: string): Promise<string> {
  await sql('UPDATE totp SET last_step = 0 FROM user_account u WHERE u.id = user_id AND email = $1', [email]);
  return totpCode(secret);
}

describe('the password alone', () => {
  test('takes no factor away, adds none, changes no password and no address, and deletes nothing', async () => {
    const { browser, email } = await member();
    const refused = await confirm(browser, {});
    expect([refused.status, fieldError(refused.text, 'code')]).toEqual([422, 'Enter the code.']);
    const acts = [
      ['/account/security/authenticator/remove', {}, '/account/security'],
      ['/account/security/recovery-codes', {}, '/account/security'],
      ['/account/password', { current: PASSWORD, password: NEXT }, '/account/security'],
      ['/account/email', { email: newEmail() }, '/account/security'],
      ['/account/delete', { understood: 'on' }, '/account/security'],
    ] as const;
    for (const [path, fields, page] of acts) {
      const answer = await browser.submit(path, fields, page);
      if (answer.status === 404) continue; // without mail there is no change of address
      expect([path, answer.status, answer.headers['location']]).toEqual([
        path,
        303,
        expect.stringMatching(/^\/confirm/),
      ]);
    }
    for (const page of ['/account/password', '/account/security/authenticator', '/account/security/passkeys/new'])
      expect((await browser.get(page)).headers['location']).toMatch(/^\/confirm/);
    const [row] = await sql<{ apps: number }>(
      'SELECT count(*)::int AS apps FROM totp t JOIN user_account u ON u.id = user_id WHERE email = $1',
      [email],
    );
    expect(row?.apps).toBe(1);
  });

  test('does not make a log-in recent by changing the password over and over', async () => {
    const { browser, email, secret } = await member();
    expect((await confirm(browser, { code: await freshCode(email, secret) })).status).toBe(303);
    expect((await browser.submit('/account/password', { current: PASSWORD, password: NEXT })).status).toBe(303);
    await age(email);
    expect((await browser.get('/account/password')).headers['location']).toMatch(/^\/confirm/);
  });

  test('does not let an operator act', async () => {
    const { browser, email, id } = await newOperator();
    await enrol(browser);
    await age(email);
    expect((await confirm(browser, {})).status).toBe(422);
    const page = `/operator/users/${id}/make-member`;
    expect((await browser.submit(page, { reason: 'a test' }, page)).headers['location']).toMatch(/^\/confirm/);
  });
});

describe('the second factor', () => {
  test('goes with the password: a code or a recovery code, and the session says which', async () => {
    const { browser, email, secret, recoveryCodes } = await member();
    const proved = async () =>
      (
        await sql<{ proved: string }>(
          `SELECT proved FROM session s JOIN user_account u ON u.id = user_id WHERE email = $1
            ORDER BY s.created_at DESC LIMIT 1`,
          [email],
        )
      )[0]?.proved;
    const wrong = await confirm(browser, { code: await freshCode(email, secret), password: 'not the password' });
    expect([wrong.status, fieldError(wrong.text, 'password')]).toEqual([422, 'This is not your password.']);
    const code = await freshCode(email, secret);
    expect((await confirm(browser, { code })).headers['location']).toBe('/account/security');
    expect(await proved()).toBe('password+totp');
    await age(email);
    const used = await confirm(browser, { code });
    expect([used.status, fieldError(used.text, 'code')]).toEqual([
      422,
      'This code has been used. Wait for the next one.',
    ]);
    expect((await confirm(browser, { recovery: recoveryCodes[0] ?? '' })).headers['location']).toBe(
      '/account/security',
    );
    expect(await proved()).toBe('password+recovery_code');
    expect((await browser.get('/account/password')).status).toBe(200);
    await worker.sealing.seal();
    const events = await sql<{ type: string; detail: object }>(
      `SELECT e.type, e.detail FROM audit_event e JOIN user_account u ON u.id = e.subject_id
        WHERE u.email = $1 AND e.type LIKE 'authn_confirm%' ORDER BY seq`,
      [email],
    );
    expect(events).toEqual([
      { type: 'authn_confirm_fail', detail: { by: 'password' } },
      { type: 'authn_confirm_success', detail: { by: 'password+totp' } },
      { type: 'authn_confirm_fail', detail: { by: 'totp', reason: 'used' } },
      { type: 'authn_confirm_success', detail: { by: 'password+recovery_code' } },
    ]);
  });

  test('has a window of its own: tries there keep nobody from logging in, and the other way round', async () => {
    const { browser, email, secret } = await member();
    for (let attempt = 0; attempt < 3; attempt += 1)
      expect((await confirm(browser, { code: '000000' })).status).toBe(422);
    expect((await confirm(browser, { code: await freshCode(email, secret) })).status).toBe(429);
    const elsewhere = new Browser(web.url);
    await elsewhere.logIn(email);
    const code = await freshCode(email, secret);
    expect((await elsewhere.submit('/login/second-factor', { code })).headers['location']).toBe('/profile');
  });
});

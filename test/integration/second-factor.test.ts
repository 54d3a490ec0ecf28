// The second step of logging in, over HTTP: nobody has a session before it, every way to it works once, and what is wrong gets a
// page that says what to do next.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generateSync } from 'otplib';
import pg from 'pg';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { shownMail } from '../../src/core/mail/transport.ts';
import { Browser, newEmail, PASSWORD, SESSION_COOKIE, setCookie, startWeb, type TestProcess } from '../support/app.ts';
import { type Enrolled, enrol, totpCode } from '../support/factors.ts';
import { fieldError, fieldValue, linkTo } from '../support/page.ts';
import { world } from '../support/world.ts';

const { stores, web, other, worker, sql } = await world({
  webs: [{ THROTTLE_SECOND_FACTOR: '4/8/1d' }, { SECOND_FACTOR: 'operators' }],
  worker: true,
  watched: true,
});

const STEP = '/login/second-factor';

async function person(): Promise<Enrolled & { email: string; browser: Browser }> {
  const email = newEmail();
  const browser = new Browser(web.url);
  await browser.register(email);
  return { email, browser, ...(await enrol(browser)) };
}

/** A browser in which the password was given, and nothing else yet. */
async function halfIn(email: string, fields = {}): Promise<Browser> {
  const browser = new Browser(web.url);
  const answer = await browser.logIn(email, PASSWORD, fields);
  expect([answer.status, answer.headers['location']]).toEqual([303, STEP]);
  expect(setCookie(answer, SESSION_COOKIE)).toBeUndefined();
  return browser;
}

const give = (browser: Browser, fields: Readonly<Record<string, string>>) => browser.submit(STEP, fields);

/** The next code that has not been used: moving the last step back is what thirty seconds would do. */
async function freshCode({ email, secret }: { email: string; secret: string }, steps = 0): Promise<string> {
  await sql('UPDATE totp SET last_step = 0 FROM user_account u WHERE u.id = user_id AND email = $1', [email]);
  return totpCode(secret, steps);
}

async function eventsOf(email: string, like: string): Promise<{ type: string; detail: Record<string, unknown> }[]> {
  await worker.sealing.seal();
  return sql(
    `SELECT e.type, e.detail FROM audit_event e JOIN user_account u ON u.id = e.subject_id
      WHERE u.email = $1 AND e.type LIKE $2 ORDER BY seq`,
    [email, like],
  );
}

describe('setting up an app', () => {
  test('happens only once a right code was given, with a new session, and makes ten codes', async () => {
    const email = newEmail();
    const browser = new Browser(web.url);
    await browser.register(email);
    const elsewhere = new Browser(web.url);
    await elsewhere.logIn(email);
    const { text } = await browser.get('/account/security/authenticator');
    const sealed = /name="sealed" value="([^"]+)"/.exec(text)?.[1] ?? '';
    const page = '/account/security/authenticator';
    const wrong = await browser.submit(page, { sealed, code: '000000' });
    expect([wrong.status, fieldError(wrong.text, 'code')?.slice(0, 22)]).toEqual([422, 'This code is not right']);
    expect(await sql('SELECT FROM totp t JOIN user_account u ON u.id = user_id WHERE email = $1', [email])).toEqual([]);
    const { answer, recoveryCodes, secret } = await enrol(browser);
    expect(setCookie(answer, SESSION_COOKIE)).toBeDefined();
    expect(new Set(recoveryCodes).size).toBe(10);
    expect(await browser.profile()).toBe(200);
    expect(await elsewhere.profile()).toBe(303); // it proved less than is asked from now on
    const again = await browser.get('/account/security');
    for (const code of [...recoveryCodes, secret]) expect(again.text).not.toContain(code);
    const [kept] = await sql<{ secret: Buffer }>(
      'SELECT secret FROM totp JOIN user_account u ON u.id = user_id WHERE email = $1',
      [email],
    );
    expect(kept?.secret.includes(secret)).toBe(false);
    expect((await eventsOf(email, 'authn_factor%')).map(({ type, detail }) => [type, detail])).toEqual([
      ['authn_factor_added', { factor: 'totp' }],
    ]);
  });

  test('refuses the form of another session, a changed one, and one that is missing', async () => {
    const browser = new Browser(web.url);
    await browser.register(newEmail());
    const stranger = new Browser(web.url);
    await stranger.register(newEmail());
    const page = '/account/security/authenticator';
    const sealed = /name="sealed" value="([^"]+)"/.exec((await stranger.get(page)).text)?.[1] ?? '';
    for (const value of [sealed, `A${sealed.slice(1)}`, 'x', '', '{}']) {
      const answer = await browser.submit(page, { sealed: value, code: '123456' });
      expect([answer.status, answer.headers['location']]).toEqual([303, page]);
    }
  });

  test('shows no other secret to somebody who has an app and goes back', async () => {
    const { browser } = await person();
    const again = await browser.get('/account/security/authenticator?next=%2Fapplications');
    expect([again.status, again.headers['location']]).toEqual([303, '/account/security?next=%2Fapplications']);
  });

  test('needs a recent log-in', async () => {
    const email = newEmail();
    const browser = new Browser(web.url);
    await browser.register(email);
    await sql(
      `UPDATE session SET created_at = session.created_at - interval '11 minutes' FROM user_account u WHERE u.id = user_id AND email = $1`,
      [email],
    );
    const page = '/account/security/authenticator';
    expect((await browser.get(page)).headers['location']).toBe(`/confirm?next=${encodeURIComponent(page)}`);
  });
});

describe('logging in', () => {
  test('takes codes with the dashes, spaces and digits that other programs make of them', async () => {
    const somebody = await person();
    const wide = (code: string) => code.replaceAll(/\d/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0));
    const code = await freshCode(somebody);
    const byApp = await halfIn(somebody.email);
    expect((await give(byApp, { code: ` ${wide(code.slice(0, 3))}\u2009${code.slice(3)}\u200b` })).status).toBe(303);
    const [dashed = '', hard = ''] = somebody.recoveryCodes;
    for (const recovery of [dashed.toLowerCase().replaceAll('-', ' – '), hard.replaceAll('-', '\u2011')])
      expect((await give(await halfIn(somebody.email), { recovery })).status).toBe(303);
  });

  test('takes the password and then a code; nothing is there before', async () => {
    const somebody = await person();
    const before = await sql<{ count: string }>('SELECT count(*) FROM session');
    const browser = await halfIn(somebody.email, { remember: 'on', next: '/account/sessions' });
    expect(await browser.profile()).toBe(303);
    expect(await sql('SELECT count(*) FROM session')).toEqual(before);
    const answer = await give(browser, { code: await freshCode(somebody) });
    expect([answer.status, answer.headers['location']]).toEqual([303, '/account/sessions']);
    expect(setCookie(answer, SESSION_COOKIE)).toMatch(/expires=/i);
    expect(await browser.profile()).toBe(200);
    expect((await browser.get(STEP)).headers['location']).toBe('/profile');
    const events = await eventsOf(somebody.email, 'authn_%');
    expect(events.slice(-2)).toMatchObject([
      { type: 'authn_second_factor_asked' },
      { type: 'authn_login_success', detail: { proved: 'password+totp' } },
    ]);
  });

  test('with spaces in the code, and with a clock that is off by half a minute either way', async () => {
    const somebody = await person();
    const tryStep = async (steps: number) => {
      const browser = await halfIn(somebody.email);
      const code = await freshCode(somebody, steps);
      return (await give(browser, { code: `${code.slice(0, 3)} ${code.slice(3)}` })).status;
    };
    const stepNow = () => Math.floor(Date.now() / 30_000);
    for (const steps of [-1, 0, 1]) {
      const began = stepNow();
      const status = await tryStep(steps);
      expect(stepNow() === began ? status : await tryStep(steps)).toBe(303);
    }
  });

  test('with a clock that is off by 90 seconds says so, or how to find out', async () => {
    const somebody = await person();
    const browser = await halfIn(somebody.email);
    const late = await give(browser, { code: await freshCode(somebody, -3) });
    expect([late.status, fieldError(late.text, 'code')]).toEqual([
      401,
      'This code is too old: the clock of your device is behind. Turn on its automatic time, then enter a new code.',
    ]);
    const early = await give(browser, { code: await freshCode(somebody, 3) });
    expect(fieldError(early.text, 'code')).toContain('turn on automatic time on the device');
    expect(await browser.profile()).toBe(303);
    expect((await eventsOf(somebody.email, 'authn_login_fail')).map(({ detail }) => detail['reason'])).toEqual([
      'late_totp',
      'wrong_totp',
    ]);
  });

  test('takes a code once, also of two at the same instant', async () => {
    const somebody = await person();
    const code = await freshCode(somebody);
    const browsers = await Promise.all([halfIn(somebody.email), halfIn(somebody.email), halfIn(somebody.email)]);
    const [first, second, third] = browsers as [Browser, Browser, Browser];
    const answers = await Promise.all([give(first, { code }), give(second, { code })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 401]);
    const used = await give(third, { code });
    expect(fieldError(used.text, 'code')).toBe('This code has been used. Wait for the next one.');
  });

  test('takes each recovery code once, however it is typed', async () => {
    const somebody = await person();
    const [code = ''] = somebody.recoveryCodes;
    const answer = await give(await halfIn(somebody.email), {
      recovery: ` ${code.toLowerCase().replaceAll('-', ' ')} `,
    });
    expect(answer.status).toBe(303);
    const again = await give(await halfIn(somebody.email), { recovery: code });
    expect([again.status, fieldError(again.text, 'recovery')]).toEqual([
      401,
      'This recovery code has been used. Take another one.',
    ]);
    const page = await somebody.browser.get('/account/security');
    expect(page.text).toContain('9 unused codes are left');
    const kept = await sql<{ code_hash: Buffer }>('SELECT code_hash FROM recovery_code');
    for (const { code_hash } of kept) expect(code_hash.length).toBe(32);
  });

  test('is throttled for a known browser by itself: strangers with the password do not keep its owner out', async () => {
    const somebody = await person();
    const known = () =>
      sql('SELECT FROM known_device d JOIN user_account u ON u.id = user_id WHERE email = $1 AND revoked_at IS NULL', [
        somebody.email,
      ]);
    expect(await known()).toEqual([]); // none of a password alone
    const logIn = async () => {
      await somebody.browser.logOut();
      await somebody.browser.logIn(somebody.email);
      return give(somebody.browser, { code: await freshCode(somebody) });
    };
    expect((await logIn()).status).toBe(303);
    expect(await known()).toHaveLength(1);
    for (let attempt = 0; attempt < 4; attempt += 1)
      expect((await give(await halfIn(somebody.email), { code: '000000' })).status).toBe(401);
    expect((await give(await halfIn(somebody.email), { code: '000000' })).status).toBe(429);
    expect((await logIn()).status).toBe(303);

    await somebody.browser.logOut();
    await somebody.browser.logIn(somebody.email);
    for (let attempt = 0; attempt < 4; attempt += 1)
      expect((await give(somebody.browser, { code: '000000' })).status).toBe(401);
    expect((await give(somebody.browser, { code: await freshCode(somebody) })).status).toBe(429);
  });

  test('is throttled by account, whatever the new browser', async () => {
    const somebody = await person();
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const answer = await give(await halfIn(somebody.email), { code: '000000' });
      expect(answer.status).toBe(401);
    }
    const refused = await give(await halfIn(somebody.email), { code: await freshCode(somebody) });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  });

  test('with a right code costs nothing where the account changed meanwhile, and begins no block', async () => {
    const somebody = await person();
    const changing = new pg.Client({ connectionString: stores.database.superuserUrl });
    await changing.connect();
    const change = (text: string) =>
      changing.query(`UPDATE user_account SET password_hash = ${text} WHERE email = $1`, [somebody.email]);
    const places = [];
    try {
      for (let attempt = 0; attempt < 5; attempt += 1) {
        const browser = await halfIn(somebody.email);
        const code = await freshCode(somebody);
        await changing.query('BEGIN');
        await change("password_hash || ' '");
        const answer = give(browser, { code });
        await until(async () => {
          const locked = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
          return (await sql(locked)).length > 0;
        });
        await changing.query('COMMIT');
        places.push((await answer).headers['location']);
        await change('rtrim(password_hash)');
      }
    } finally {
      await changing.end();
    }
    expect(places).toEqual(Array(5).fill('/login?late=1'));
  });

  test('needs a waiting log-in: without one, too late, or after a change of the password it begins again', async () => {
    const stranger = new Browser(web.url);
    expect((await stranger.get(STEP)).headers['location']).toBe('/login?late=1');
    expect((await stranger.submit(STEP, { code: '123456' }, '/login')).headers['location']).toBe('/login?late=1');
    const somebody = await person();
    const slow = await halfIn(somebody.email);
    const token = await slow.token(STEP);
    await sql(`UPDATE pending_login SET expires_at = now() - interval '1 second'`);
    const code = await freshCode(somebody);
    const late = await slow.agent.post(STEP).redirects(0).type('form').send({ code, _csrf: token });
    expect(late.headers['location']).toBe('/login?late=1');
    expect((await slow.get('/login?late=1')).text).toContain('took longer than ten minutes');
    const changed = await halfIn(somebody.email);
    const change = { current: PASSWORD, password: 'another long password' };
    expect((await somebody.browser.submit('/account/password', change)).status).toBe(303);
    expect((await changed.get(STEP)).headers['location']).toBe('/login?late=1');
    expect(await somebody.browser.profile()).toBe(200);
  });

  test('of somebody else can’t be finished with one’s own code', async () => {
    const [victim, thief] = await Promise.all([person(), person()]);
    const browser = await halfIn(victim.email);
    expect((await give(browser, { code: await freshCode(thief) })).status).toBe(401);
    expect((await give(browser, { recovery: thief.recoveryCodes[0] ?? '' })).status).toBe(401);
    expect(await browser.profile()).toBe(303);
  });

  test('with an empty field, or what is no code, says so', async () => {
    const somebody = await person();
    const browser = await halfIn(somebody.email);
    const empty = await give(browser, { code: ' ' });
    expect([empty.status, fieldError(empty.text, 'code')]).toEqual([422, 'Enter the code.']);
    const noCode = await give(browser, { recovery: '' });
    expect([noCode.status, fieldError(noCode.text, 'recovery')]).toEqual([422, 'Enter a recovery code.']);
    for (const recovery of ['x', 'U'.repeat(10), 'U'.repeat(26), '0'.repeat(10_000)]) {
      expect((await give(browser, { recovery })).status).not.toBe(303);
    }
  });
});

describe('the database', () => {
  test('takes no session of a password alone where there is a second factor, whoever writes it', async () => {
    const somebody = await person();
    const [user] = await sql<{ id: string }>('SELECT id FROM user_account WHERE email = $1', [somebody.email]);
    const insert = `INSERT INTO session (id, token_hash, user_id, remember, idle_timeout_seconds, idle_deadline, absolute_deadline)
                    VALUES (gen_random_uuid(), sha256(random()::text::bytea), $1, false, 60, now(), now())`;
    const refused = { code: 'HF001', message: expect.stringContaining('needs its second factor') };
    await expect(query(stores.database.webUrl, insert, [user?.id])).rejects.toMatchObject(refused);
  });

  test('lets the worker read no secret and no code', async () => {
    for (const table of ['totp', 'recovery_code', 'passkey'])
      await expect(query(stores.database.workerUrl, `SELECT * FROM ${table}`)).rejects.toThrow('permission denied');
  });
});

describe('removing', () => {
  test('the app asks for a recent log-in, is recorded, and takes the codes along', async () => {
    const somebody = await person();
    const remove = () => somebody.browser.submit('/account/security/authenticator/remove', {}, '/account/security');
    await sql(
      `UPDATE session SET created_at = session.created_at - interval '11 minutes', proved_at = proved_at - interval '11 minutes'
         FROM user_account u WHERE u.id = user_id AND email = $1`,
      [somebody.email],
    );
    expect((await remove()).headers['location']).toBe('/confirm?next=%2Faccount%2Fsecurity');
    const fields = { password: PASSWORD, next: '/account/security' };
    await somebody.browser.submit('/confirm', { ...fields, code: await freshCode(somebody) });
    expect((await remove()).headers['location']).toBe('/account/security?done=last-factor-removed');
    expect((await remove()).status).toBe(404);
    expect((await new Browser(web.url).logIn(somebody.email)).headers['location']).toBe('/profile');
    expect(
      await sql('SELECT FROM recovery_code JOIN user_account u ON u.id = user_id WHERE email = $1', [somebody.email]),
    ).toEqual([]);
    expect((await eventsOf(somebody.email, 'authn_factor_removed')).length).toBe(1);
  });

  test('renewing the codes makes the old ones worthless', async () => {
    const somebody = await person();
    const answer = await somebody.browser.submit('/account/security/recovery-codes', {}, '/account/security');
    expect(answer.headers['location']).toBe('/account/security/recovery-codes?done=codes-made');
    const old = await give(await halfIn(somebody.email), { recovery: somebody.recoveryCodes[0] ?? '' });
    expect(old.status).toBe(401);
  });

  test('by an operator ends the sessions and lets the password do', async () => {
    const somebody = await person();
    const user = await web.context.users.findByEmail(somebody.email);
    const by = { actor: null, origin: NO_ORIGIN, reason: 'lost the phone' };
    expect(await web.context.enrolment.removeAll(user?.id ?? '', by)).toBe(true);
    expect(await web.context.enrolment.removeAll(user?.id ?? '', by)).toBe(false);
    expect(await somebody.browser.profile()).toBe(303);
    expect((await new Browser(web.url).logIn(somebody.email)).headers['location']).toBe('/profile');
    const [event] = await eventsOf(somebody.email, 'authn_factor_removed');
    expect(event?.detail).toMatchObject({ factor: 'all', reason: 'lost the phone', totp: 1 });
  });
});

describe('an operator', () => {
  test('without a second factor reaches the set-up alone, and everything after it', async () => {
    const email = newEmail();
    const browser = new Browser(other.url);
    await browser.register(email);
    const user = await other.context.users.findByEmail(email);
    await other.context.users.setRole(user?.id ?? '', 'operator', { actor: null, origin: NO_ORIGIN });
    expect((await browser.logIn(email)).status).toBe(303);
    for (const path of ['/profile', '/account/sessions', '/account/password', '/operator/audit', '/operator/users'])
      expect([path, (await browser.get(path)).headers['location']]).toEqual([
        path,
        `/account/security?next=${encodeURIComponent(path)}`,
      ]);
    const setUp = '/account/security?next=%2Fprofile';
    const { text } = await browser.get(setUp);
    expect(text).toContain('so a password alone is not enough');
    expect(text).toContain('Google Authenticator');
    const { answer } = await enrol(browser, linkTo(text, 'Set up an app'));
    const codes = answer.headers['location'] ?? '';
    const next = fieldValue((await browser.get(codes)).text, 'next') ?? '';
    const kept = await browser.submit('/account/security/recovery-codes/kept', { next }, codes);
    expect(kept.headers['location']).toBe('/operator');
    expect((await browser.get('/operator')).status).toBe(200);
    expect((await browser.get('/operator/audit')).status).toBe(200);
    const refused = await browser.submit('/account/security/authenticator/remove', {}, '/account/security');
    expect([refused.status, refused.text.includes('this is the last')]).toEqual([422, true]);
    expect((await new Browser(other.url).logIn(email)).headers['location']).toBe(STEP);
  });
});

describe('where everybody must have one', () => {
  let strict: TestProcess;

  beforeAll(async () => {
    strict = await startWeb(stores, { SECOND_FACTOR: 'everybody' });
  });

  afterAll(() => strict?.close());

  /** Where an answer leads, also through the log-in. */
  const to = (answer: { headers: Record<string, string> }) => answer.headers['location'] ?? '';

  test('a member sets one up before anything else, and then is where they wanted to be', async () => {
    const email = newEmail();
    const registering = new Browser(strict.url);
    expect(to(await registering.register(email))).toBe('/profile');
    const browser = new Browser(strict.url);
    const asked = '/account/sessions?done=session-ended';
    expect(to(await browser.get(asked))).toBe(`/login?next=${encodeURIComponent(asked)}`);
    expect(to(await browser.logIn(email, PASSWORD, { next: asked }))).toBe(asked);
    const setUp = to(await browser.get(asked));
    expect(setUp).toBe(`/account/security?next=${encodeURIComponent(asked)}`);
    const page = await browser.get(setUp);
    expect(page.text).toContain('Your account needs a second factor before');
    const app = linkTo(page.text, 'Set up an app') ?? '';
    expect(linkTo(page.text, 'Add a passkey')).toBe(`/account/security/passkeys/new?next=${encodeURIComponent(asked)}`);

    const wrong = await browser.submit('/account/security/authenticator', { sealed: 'x', code: '0', next: asked }, app);
    expect(to(wrong)).toBe(app);
    const { answer } = await enrol(browser, app);
    expect(new URL(answer.headers['location'] ?? '', 'http://x').searchParams.get('next')).toBe(asked);
    expect((await browser.get(asked)).status).toBe(200);
    expect(await registering.profile()).toBe(303); // its session had proved less
    const removed = await browser.submit('/account/security/authenticator/remove', {}, '/account/security');
    expect([removed.status, removed.text.includes('this is the last')]).toEqual([422, true]);
  });

  test('a form that was sent meanwhile is not, and no other site is where they wanted to be', async () => {
    const browser = new Browser(strict.url);
    await browser.register(newEmail());
    const sent = await browser.submit('/account/sessions/revoke-others', {}, '/account/security');
    expect(to(sent)).toBe('/account/security');
    const page = await browser.get('/account/security?next=//evil.example/');
    expect(linkTo(page.text, 'Set up an app')).toBe('/account/security/authenticator');
    const { answer } = await enrol(browser, '/account/security/authenticator?next=https://evil.example/');
    expect(answer.headers['location']).toBe('/account/security/recovery-codes?done=factor-added');
  });
});

test('a new key of SECRETS_KEYS takes over: what the old one sealed opens, and is sealed anew at its next use', async () => {
  const [oldKey, newKey] = ['the key until now, long enough to be one', 'the key from now on, long enough to be one'];
  const under = (keys: string) => startWeb(stores, { SECRETS_KEYS: keys });
  const [before, both, after] = await Promise.all([under(oldKey), under(`${newKey},${oldKey}`), under(newKey)]);
  const logInAt = async ({ url }: TestProcess, account: { email: string; secret: string }) => {
    const browser = new Browser(url);
    await browser.logIn(account.email);
    return (await give(browser, { code: await freshCode(account) })).status;
  };
  try {
    const [used, unused] = await Promise.all(
      [newEmail(), newEmail()].map(async (email) => {
        const browser = new Browser(before.url);
        await browser.register(email);
        return { email, ...(await enrol(browser)) };
      }),
    );
    if (!used || !unused) throw new Error('two accounts were made');
    expect(await logInAt(both, used)).toBe(303);
    expect(await logInAt(before, unused)).toBe(303); // old and new processes side by side
    expect(await logInAt(after, used)).toBe(303);
    expect(await logInAt(after, unused)).toBe(500); // its key was taken away too early
    expect(await logInAt(both, unused)).toBe(303);
    expect(await logInAt(after, unused)).toBe(303);
  } finally {
    await Promise.all([before.close(), both.close(), after.close()]);
  }
});

test('each change is told by mail', async () => {
  const somebody = await person();
  const act = (path: string) => somebody.browser.submit(`/account/security/${path}`, {}, '/account/security');
  await act('recovery-codes');
  await act('authenticator/remove');
  await enrol(somebody.browser);
  const user = await web.context.users.findByEmail(somebody.email);
  await web.context.enrolment.removeAll(user?.id ?? '', { actor: null, origin: NO_ORIGIN, reason: 'lost' });
  await worker.mailDelivery.sendDue();
  const mails = (await shownMail(web.context.redis)).filter(({ to }) => to === somebody.email);
  const said = [
    'An authenticator app was set up for your account',
    'New recovery codes were made for your account',
    'The authenticator app of your account was removed',
    'An authenticator app was set up for your account',
    'An operator removed your authenticator app, passkeys and recovery codes',
  ];
  const told = mails.map(({ text }) => said.find((sentence) => text.includes(sentence)));
  expect(told.sort()).toEqual(said.sort()); // several are on their way at once
});

test('a code of RFC 6238’s own secret is what the standard says', () => {
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  expect(generateSync({ secret, epoch: 59, digits: 8 })).toBe('94287082');
});

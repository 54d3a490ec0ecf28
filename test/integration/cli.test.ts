// The operators' commands as they are shipped, each a process of its own: what they do, what they print, how they exit.
import { hostname, userInfo } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { Browser, newEmail, PASSWORD } from '../support/app.ts';
import { commandLine } from '../support/command-line.ts';
import { world } from '../support/world.ts';

/** Everything that steers a terminal, but for the end of a line. */
const STEERING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

const WHY = ['--reason', 'a drill'];
/** Of whoever runs the tests. */
const CALLER = { by: 'cli', user: userInfo().username, host: hostname() };

const { stores, web, worker, sql, tamper } = await world({ worker: true });

const cli = commandLine(stores);

describe('user create', () => {
  test('makes an operator who can log in, with the password from standard input and nowhere else', async () => {
    const email = newEmail();
    const result = await cli(['user', 'create', '--email', email, '--operator'], {
      input: `${PASSWORD}\nsecond line\n`,
    });
    expect(result).toMatchObject({ code: 0, err: '' });
    expect(result.out).toMatch(new RegExp(`^Created the operator ${email} \\([0-9a-f-]{36}\\)\\.\\n$`));
    expect(result.out).not.toContain(PASSWORD);
    const browser = new Browser(web.url);
    expect((await browser.logIn(email)).status).toBe(303);
    expect((await browser.get('/operator/audit')).status).toBe(200);
    await worker.sealing.seal();
    const events = await sql(
      `SELECT actor_id, detail FROM audit_event WHERE type = 'user_created'
          AND subject_id = (SELECT id FROM user_account WHERE email = $1)`,
      [email],
    );
    expect(events).toEqual([{ actor_id: null, detail: { ...CALLER, role: 'operator' } }]);
  });

  test('makes a member, the password exactly as it was given', async () => {
    const email = newEmail();
    expect((await cli(['user', 'create', '--email', email], { input: '  spaces around it  ' })).code).toBe(0);
    expect((await new Browser(web.url).logIn(email, '  spaces around it  ')).status).toBe(303);
    expect((await new Browser(web.url).logIn(email, 'spaces around it')).status).toBe(401);
  });

  test.each([
    ['short', 'at least 8 characters'],
    ['x'.repeat(257), 'at most 256 bytes'],
    ['password1', 'most common'],
    ['', 'No password was given'],
  ])('refuses the password %j, and says why', async (password, why) => {
    const email = newEmail();
    const result = await cli(['user', 'create', '--email', email], { input: password });
    expect([result.code, result.out]).toEqual([1, '']);
    expect(result.err).toContain(why);
    expect(await sql('SELECT id FROM user_account WHERE email = $1', [email])).toEqual([]);
  });

  test('refuses an address that has an account, however it is spelled', async () => {
    const email = newEmail();
    await cli(['user', 'create', '--email', email], { input: PASSWORD });
    const result = await cli(['user', 'create', '--email', email.toUpperCase()], { input: PASSWORD });
    expect(result.code).toBe(1);
    expect(result.err).toContain('exists already');
    expect(result.err).not.toMatch(/\bat .*\.js/);
  });
});

describe('user set-role', () => {
  test('changes what an account may do and ends its sessions', async () => {
    const email = newEmail();
    const browser = new Browser(web.url);
    await browser.register(email);
    const promoted = await cli(['user', 'set-role', email.toUpperCase(), 'operator', ...WHY]);
    expect(promoted).toEqual({ code: 0, out: `${email} is now operator; their sessions have ended.\n`, err: '' });
    expect(await browser.profile()).toBe(303);
    await browser.logIn(email);
    expect((await browser.get('/operator/audit')).status).toBe(200);
    expect((await cli(['user', 'set-role', email, 'operator', ...WHY])).out).toBe(`${email} is operator already.\n`);
    expect(await browser.profile()).toBe(200);
    expect((await cli(['user', 'set-role', email, 'member', ...WHY])).code).toBe(0);
    expect(await browser.profile()).toBe(303);
  });

  test('knows nobody of another address', async () => {
    const result = await cli(['user', 'set-role', 'nobody@example.org', 'operator', ...WHY]);
    expect(result).toEqual({
      code: 1,
      out: '',
      err: 'There is no account with the e-mail address nobody@example.org.\n',
    });
  });
});

describe('user disable and enable', () => {
  test('shut an account out at once, and let it in again', async () => {
    const email = newEmail();
    const browser = new Browser(web.url);
    await browser.register(email);
    expect(await cli(['user', 'disable', email, ...WHY])).toMatchObject({
      code: 0,
      out: `${email} is now disabled.\n`,
    });
    expect(await browser.profile()).toBe(303);
    expect((await browser.logIn(email)).status).toBe(401);
    expect((await cli(['user', 'list'])).out).toMatch(new RegExp(`^${email} +member +disabled `, 'm'));
    expect(await cli(['user', 'enable', email, ...WHY])).toMatchObject({ code: 0, out: `${email} is now enabled.\n` });
    expect((await browser.logIn(email)).status).toBe(303);
  });
});

describe('user forget-devices', () => {
  test('makes every known browser of an account a stranger, and ends no session', async () => {
    const email = newEmail();
    const browser = new Browser(web.url);
    await browser.register(email);
    const forget = ['user', 'forget-devices', email, ...WHY];
    expect(await cli(forget)).toMatchObject({ code: 0, out: `${email}: 1 known browser forgotten.\n` });
    expect(await cli(forget)).toMatchObject({ code: 0, out: `${email}: 0 known browsers forgotten.\n` });
    expect(await browser.profile()).toBe(200);
  });
});

describe('user erase', () => {
  test('deletes the account and what is personal, and leaves the log whole', async () => {
    const email = newEmail();
    const browser = new Browser(web.url);
    await browser.register(email);
    await worker.sealing.seal();
    const erase = ['user', 'erase', email, '--reason', 'they asked', '--yes'];
    expect(await cli(erase)).toMatchObject({
      code: 0,
      out: `${email} was deleted, and what was personal is erased.\n`,
    });
    expect(await cli(erase)).toMatchObject({ code: 1 });
    expect(await browser.profile()).toBe(303);
    await worker.sealing.seal();
    const [event] = await sql<{ detail: unknown; subject_id: string }>(
      "SELECT detail, subject_id FROM audit_event WHERE type = 'user_deleted' ORDER BY seq DESC LIMIT 1",
    );
    expect(event?.detail).toEqual({ ...CALLER, reason: 'they asked' });
    const left = await sql(
      "SELECT seq FROM audit_event WHERE (subject_id = $1 OR actor_id = $1) AND type <> 'user_deleted' AND ip IS NOT NULL",
      [event?.subject_id],
    );
    expect(left).toEqual([]);
    expect((await web.context.verification.verify()).intact).toBe(true);
  });
});

describe('user list', () => {
  test('shows accounts in columns, and hostile addresses harmlessly', async () => {
    const email = newEmail();
    await new Browser(web.url).register(email);
    const hostile = 'evil\u001b[2J\u001b]0;owned\u0007\r\n\u202e\u009b31m@example.org';
    await sql(
      `INSERT INTO user_account (id, email, email_key, password_hash, role) VALUES (gen_random_uuid(), $1, $1, '', 'operator')`,
      [hostile],
    );
    const { code, out } = await cli(['user', 'list']);
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^e-mail address +role +state +second factor +since +id$/);
    expect(out).toMatch(
      new RegExp(`^${email} +member +active +no +\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z +[0-9a-f-]{36}$`, 'm'),
    );
    expect(out).toContain('evil\\u001b[2J\\u001b]0;owned\\u0007\\u000d\\u000a\\u202e\\u009b31m@example.org');
    expect(out).not.toMatch(STEERING);
    const [{ count } = { count: '' }] = await sql<{ count: string }>(
      'SELECT count(*) FROM user_account WHERE deleted_at IS NULL',
    );
    expect(lines).toHaveLength(Number(count) + 1);
    expect(new Set(lines.map((line) => line.search(/(?<= )[0-9a-f-]{36}$/))).size).toBe(2);
    await sql('DELETE FROM user_account WHERE email = $1', [hostile]);
  });
});

describe('session end-all', () => {
  test('ends everybody’s sessions, says how many, and asks before it does', async () => {
    const browser = new Browser(web.url);
    await browser.register(newEmail());
    const asked = await cli(['session', 'end-all', '--reason', 'a drill']);
    expect([asked.code, asked.out]).toEqual([1, '']);
    expect(asked.err).toContain('--yes');
    expect(await browser.profile()).toBe(200);

    const [{ live } = { live: 0 }] = await sql<{ live: number }>(
      'SELECT count(*)::int AS live FROM session WHERE ended_at IS NULL',
    );
    const ended = await cli(['session', 'end-all', '--reason', 'a drill', '--yes']);
    expect([ended.code, ended.out]).toEqual([0, `Ended ${live} ${live === 1 ? 'session' : 'sessions'}.\n`]);
    expect(await browser.profile()).toBe(303);
    expect((await cli(['session', 'end-all', '--reason', ' ', '--yes'])).code).toBe(2);
  });
});

describe('audit tail', () => {
  test('shows the newest events, then those that follow, and nothing that came from outside steers the terminal', async () => {
    const hostile = '\u001b]0;owned\u0007\u001b[2J\u009b31m\r\nforged line\u202egnp.exe\u2066';
    const happen = (word: string) =>
      sql(
        `INSERT INTO outbox (event) SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'type', 'sys_cleanup',
           'occurredAt', '2026-11-24T09:00:00.000Z', 'outcome', 'failure', 'ip', '203.0.113.7', 'requestId', $1::text,
           'userAgent', repeat($1::text, 2000), 'detail', jsonb_build_object($1::text, $2::text || $1::text))`,
        [hostile, word],
      ).then(() => worker.sealing.seal());
    await happen('first');
    const following = cli(['audit', 'tail', '-f', '--lines', '1'], {
      stopWhen: (out) => {
        if (out.split('\n').length === 3 && out.includes('first')) void happen('second');
        return out.includes('second');
      },
    });
    const { code, out, err } = await following;
    expect([code, err]).toEqual([0, '']);
    expect(out).not.toMatch(STEERING);
    const lines = out.trimEnd().split('\n');
    expect(lines.shift()).toMatch(/^number +time +type +outcome +IP address +by +about +detail$/);
    expect(lines).toHaveLength(2);
    for (const line of lines)
      expect(line).toMatch(/^\d+ +2026-11-24T09:00:00\.000Z +sys_cleanup +failure +203\.0\.113\.7 .*forged line/);
  });
});

describe('audit verify', () => {
  test('exits 0 for a log that is whole, and 1 naming the event that is not', async () => {
    for (let n = 0; n < 3; n += 1) await new Browser(web.url).register(newEmail());
    await worker.sealing.seal();
    const [{ seq, erased } = { seq: '0', erased: 0 }] = await sql<{ seq: string; erased: number }>(
      'SELECT seq, (SELECT count(*) FROM audit_event WHERE personal_salt IS NULL)::int AS erased FROM audit_head',
    );
    const intact = `The log is intact: ${seq} events, none altered, missing or inserted.\nOf ${erased} events the IP address and the browser were erased.\n`;
    expect(await cli(['audit', 'verify'])).toEqual({ code: 0, out: intact, err: '' });
    await sql('CREATE TABLE kept AS SELECT * FROM audit_event');
    await tamper(`UPDATE audit_event SET detail = '{"role": "king"}' WHERE seq = 3`);
    const altered = await cli(['audit', 'verify']);
    expect(altered).toEqual({ code: 1, out: 'The log is NOT intact: event 3 was altered.\n', err: '' });
    await tamper('DELETE FROM audit_event WHERE seq IN (2, 3)');
    expect(await cli(['audit', 'verify'])).toMatchObject({
      code: 1,
      out: 'The log is NOT intact: events 2 to 3 are missing.\n',
    });
    await tamper('DELETE FROM audit_event; INSERT INTO audit_event SELECT * FROM kept');
    expect((await cli(['audit', 'verify'])).code).toBe(0);
  });
});

describe('every act', () => {
  test('without a terminal needs a reason, and does nothing without one', async () => {
    const email = newEmail();
    const browser = new Browser(web.url);
    await browser.register(email);
    const acts = [
      ['user', 'set-role', email, 'operator'],
      ['user', 'disable', email],
      ['user', 'enable', email],
      ['user', 'forget-devices', email],
      ['user', 'erase', email],
      ['user', 'invite', newEmail(), '--print'],
      ['user', 'reset-link', email],
      ['user', 'remove-factors', email],
      ['session', 'end-all', '--yes'],
      ['throttle', 'lift', '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'],
      ['audit', 'export'],
    ];
    for (const act of acts) {
      const { code, out, err } = await cli(act);
      expect([act, code, out]).toEqual([act, 2, '']);
      expect(err).toContain('--reason');
    }
    for (const reason of ['  ', 'x'.repeat(301)])
      expect(await cli(['user', 'disable', email, '--reason', reason])).toMatchObject({ code: 2, out: '' });
    expect(await browser.profile()).toBe(200);
  });

  test('leaves who ran it, on which machine, and why, in each of its events', async () => {
    const email = newEmail();
    await new Browser(web.url).register(email);
    const since = (await web.context.auditLog.head()).seq;
    await cli(['user', 'set-role', email, 'operator', '--reason', 'joins us']);
    await cli(['user', 'disable', email, '--reason', 'left us']);
    await cli(['user', 'enable', email, ...WHY]);
    await cli(['user', 'reset-link', email, '--reason', 'asked by phone']);
    await cli(['audit', 'export', '--type', 'user_disabled', ...WHY]);
    await worker.sealing.seal();
    const events = await sql<{ type: string; actor_id: null; detail: object }>(
      `SELECT type, actor_id, detail FROM audit_event WHERE seq > $1 AND detail ? 'host' ORDER BY seq`,
      [since],
    );
    expect(events.map(({ type }) => type).filter((type) => type !== 'session_ended')).toEqual([
      ...[
        'privilege_permissions_changed',
        'user_disabled',
        'user_enabled',
        'authn_password_reset_request',
        'audit_export_begun',
        'audit_export',
      ],
    ]);
    for (const { actor_id, detail } of events) {
      expect(actor_id).toBeNull();
      expect(detail).toMatchObject({ ...CALLER, reason: expect.stringMatching(/./) });
    }
    expect(events.find(({ type }) => type === 'user_disabled')?.detail).toMatchObject({ reason: 'left us' });
  });
});

describe('what is asked wrongly', () => {
  test.each([
    [['user', 'create'], '--email'],
    [['user', 'create', '--email', 'nobody'], 'This is not an e-mail address'],
    [['user', 'create', '--email', 'a@example.org', '--password', 'x'], "unknown option '--password'"],
    [['user', 'set-role', 'a@example.org', 'king'], 'Allowed choices are member, auditor, operator'],
    [['user', 'set-role', 'a@example.org'], "missing required argument 'role'"],
    [['user', 'delete'], 'unknown command'],
    [['audit', 'verify', 'everything'], 'too many arguments'],
    [['nonsense'], 'unknown command'],
  ])('%j: exits 2 and says what', async (args, why) => {
    const result = await cli(args, { input: PASSWORD });
    expect([result.code, result.out]).toEqual([2, '']);
    expect(result.err).toContain(why);
    expect(result.err).not.toMatch(/\bat .*\.js/);
  });

  test('with an argument that steers terminals is answered harmlessly', async () => {
    for (const args of [
      ['user', 'create', '--email', 'a\u001b[31m@example.org'],
      ['user', 'set-role', '\u001b]0;owned\u0007', 'member'],
      ['\u001b[2J'],
    ]) {
      const result = await cli(args);
      expect(result.code).toBe(2);
      expect(result.out + result.err).not.toMatch(STEERING);
    }
  });

  test('without a server: says what to do', async () => {
    const result = await cli(['user', 'list'], { env: { DATABASE_URL: '', DATA_DIR: '/nowhere' } });
    expect([result.code, result.out]).toEqual([1, '']);
    expect(result.err).toContain('npm run up');
    expect(result.err).not.toMatch(/\bat .*\.js/);
  });

  test('with a configuration that can’t be used: lists what is wrong', async () => {
    const disable = ['user', 'disable', 'a@example.org', ...WHY];
    const result = await cli(disable, { env: { DATABASE_POOL: 'x', LOG_LEVEL: 'loud' } });
    expect([result.code, result.out]).toEqual([1, '']);
    expect(result.err).toMatch(/DATABASE_POOL: .*\n.*LOG_LEVEL: /);
  });

  test('while PostgreSQL is away: says so and exits 1', async () => {
    const result = await cli(['user', 'list'], {
      env: { DATABASE_URL: 'postgresql://holdfast:hunter2@127.0.0.1:1/holdfast' },
    });
    expect([result.code, result.out]).toEqual([1, '']);
    expect(result.err).not.toBe('');
    expect(result.err).not.toContain('hunter2');
  });
});

describe('user invite and user reset-link', () => {
  const link = (out: string, path: string) =>
    new RegExp(`^https://login\\.example\\.org(${path}\\?token=[\\w-]{43})\\n$`).exec(out)?.[1] ?? `not ${out}`;
  const env = { PUBLIC_URL: 'https://login.example.org' };

  test('print a link that works once, alone on standard output', async () => {
    const email = newEmail();
    const invited = await cli(['user', 'invite', email, '--print', ...WHY], { env });
    expect(invited).toMatchObject({ code: 0, err: expect.stringContaining('once, for 7 days') });
    const accept = async () => {
      const someone = new Browser(web.url);
      await someone.get(link(invited.out, '/invitation'));
      return someone;
    };
    expect((await (await accept()).submit('/invitation', { password: PASSWORD })).status).toBe(303);
    expect((await (await accept()).get('/invitation')).status).toBe(410);

    const handed = await cli(['user', 'reset-link', email, ...WHY], { env });
    expect(handed).toMatchObject({ code: 0, err: expect.stringContaining('once, for 30 minutes') });
    const owner = new Browser(web.url);
    await owner.get(link(handed.out, '/reset-password'));
    expect((await owner.submit('/reset-password', { password: 'a new horse for it' })).status).toBe(303);
    expect((await owner.logIn(email, 'a new horse for it')).status).toBe(303);

    const [taken, nobody] = [
      await cli(['user', 'invite', email, ...WHY]),
      await cli(['user', 'reset-link', 'nobody@example.org', ...WHY]),
    ];
    expect([taken.code, taken.err.includes('exists already')]).toEqual([1, true]);
    expect([nobody.code, nobody.err.includes('no account')]).toEqual([1, true]);
    const rows = await sql<{ type: string; how: string }>(
      `SELECT event->>'type' AS type, event->'detail'->>'how' AS how FROM outbox
        WHERE event->>'type' IN ('user_invited', 'authn_password_reset_request') AND event->'detail'->>'reason' = 'a drill'
       UNION ALL SELECT type, detail->>'how' FROM audit_event
        WHERE type IN ('user_invited', 'authn_password_reset_request') AND detail->>'reason' = 'a drill' ORDER BY type`,
    );
    expect(rows).toEqual([
      { type: 'authn_password_reset_request', how: 'handed_over' },
      { type: 'user_invited', how: 'handed_over' },
    ]);
  });

  test('an invitation goes by mail where there is a server for it, and nothing of it is printed', async () => {
    const email = newEmail();
    const mailed = await cli(['user', 'invite', email, ...WHY], { env: { ...env, SMTP_URL: 'smtp://127.0.0.1:1' } });
    expect(mailed).toEqual({ code: 0, err: '', out: `A mail with the link is on its way to ${email}.\n` });
    expect(await sql('SELECT template, token_id IS NULL AS bare FROM mail WHERE recipient = $1', [email])).toEqual([
      { template: 'invitation', bare: false },
    ]);
  });
});

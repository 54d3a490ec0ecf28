// What all commands share: how they list, ask, fail and are refused; how little they load; and who reads what they print.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Browser, newEmail, PASSWORD } from '../support/app.ts';
import { atTerminal, commandLine } from '../support/command-line.ts';
import { enrol } from '../support/factors.ts';
import { world } from '../support/world.ts';

const { stores, web, worker, sql } = await world({ worker: true });
const cli = commandLine(stores);
const terminal = atTerminal(stores);
const folder = mkdtempSync(path.join(tmpdir(), 'commands-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WHY = ['--reason', 'a drill'];
const linesOf = (out: string) => out.trimEnd().split('\n');
const jsonOf = (out: string) => linesOf(out).map((line) => JSON.parse(line) as Record<string, unknown>);

async function member(): Promise<{ email: string; browser: Browser }> {
  const email = newEmail();
  const browser = new Browser(web.url);
  await browser.register(email);
  return { email, browser };
}

async function eventsSince(since: number, type: string) {
  await worker.sealing.seal();
  return sql<{ outcome: string; subject_id: string | null; detail: Record<string, unknown> }>(
    'SELECT outcome, subject_id, detail FROM audit_event WHERE seq > $1 AND type = $2 ORDER BY seq',
    [since, type],
  );
}

const headOfLog = async () => (await web.context.auditLog.head()).seq;

test('--version says which version this is', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await cli(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
});

test('--help tells what must be given, and no default that is nothing', async () => {
  const { out: add } = await cli(['applications', 'add', '--help']);
  expect(add).toMatch(/--slug <slug> .*[\s\S]*\(required\)\n +--name <name> +that people know it by \(required\)\n/);
  const { out: verify } = await cli(['audit', 'verify', '--help']);
  const { out: seed } = await cli(['seed', '--help']);
  expect(add + verify + seed).not.toMatch(/default: (\[\]|""|false)/);
  expect(seed).toContain('(default: 500)');
});

test('holdfast runs from any folder, without npm', async () => {
  const env = { PATH: process.env['PATH'], DATABASE_URL: stores.database.webUrl };
  const link = path.join(folder, 'holdfast');
  symlinkSync(path.resolve('bin/holdfast'), link);
  const run = promisify(execFile);
  const { stdout } = await run(link, ['user', 'list'], { cwd: folder, env });
  expect(stdout).toBe('There is no account yet.\n');
});

describe('lists', () => {
  test('are columns, or with --json a line of JSON each with the same in it', async () => {
    const { email, browser } = await member();
    await enrol(browser);
    const user = jsonOf((await cli(['user', 'list', '--json'])).out).find((row) => row['email'] === email);
    expect(user).toMatchObject({ role: 'member', state: 'active', secondFactor: true });

    const [shown] = jsonOf((await cli(['user', 'show', email, '--json'])).out);
    expect(shown).toMatchObject({ email, id: user?.['id'], authenticatorApp: true, recoveryCodes: 10, sessions: 1 });
    const words = (await cli(['user', 'show', email.toUpperCase()])).out;
    expect(words).toMatch(new RegExp(`^e-mail address +${email}\n`));
    expect(words).toMatch(/^authenticator app +yes\n[\s\S]*^recovery codes left +10\n/m);

    const [session] = jsonOf((await cli(['session', 'list', email, '--json'])).out);
    expect(session).toMatchObject({ ip: '127.0.0.1', id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    const [heading, row] = linesOf((await cli(['session', 'list', email])).out);
    expect(heading).toMatch(/^id +IP address +since +last seen +ends unused at +logged in by +browser$/);
    expect(row).toMatch(new RegExp(`^${String(session?.['id'])} +127\\.0\\.0\\.1 `));

    await sql(
      `INSERT INTO throttle_block (id, scope, key, user_id, ip, started_at, until_at, failures)
       SELECT gen_random_uuid(), 'account', 'a key', id, '192.0.2.7', now(), now() + interval '1 hour', 9
         FROM user_account WHERE email = $1`,
      [email],
    );
    const [block] = jsonOf((await cli(['throttle', 'list', '--json'])).out);
    expect(block).toMatchObject({ account: email, ip: '192.0.2.7', failures: 9, ended: '' });
    expect((await cli(['throttle', 'lift', String(block?.['id']), ...WHY])).out).toBe('The block was lifted.\n');
    expect((await cli(['throttle', 'list', '--json'])).out).toBe('');
    expect((await cli(['throttle', 'list'])).out).toBe('Nobody is blocked.\n');
  });

  test.each<[readonly string[], string]>([
    [['applications', 'list'], 'No application is registered yet.'],
    [['group', 'list'], 'There is no group yet.'],
    [['token', 'list'], 'No token is good.'],
    [['throttle', 'list', '--all'], 'Nobody was blocked lately.'],
    [['import', 'status'], 'Nobody who was taken over is still to log in.'],
    [['audit', 'drains', 'list'], 'The log is sent nowhere yet.'],
    [['audit', 'tail', '--type', 'sys_audit_altered'], 'No event matches.'],
  ])('that are empty say so: %j', async (args, says) => {
    await sql('DELETE FROM throttle_block');
    expect(await cli(args)).toMatchObject({ code: 0, out: `${says}\n` });
    expect((await cli([...args, '--json'])).out).toBe('');
  });

  test('of accounts have all of them, however many there are', async () => {
    await sql(
      `INSERT INTO user_account (id, email, email_key, password_hash)
       SELECT gen_random_uuid(), n || '@many.example', n || '@many.example', '' FROM generate_series(1, 2100) AS n`,
    );
    const { out } = await cli(['user', 'list', '--json']);
    const many = new Set(jsonOf(out).map(({ email }) => String(email)));
    expect([...many].filter((email) => email.endsWith('@many.example'))).toHaveLength(2_100);
    await sql("DELETE FROM user_account WHERE email LIKE '%@many.example'");
  });

  test('of events have who did it, to whom and from which IP address', async () => {
    const { email } = await member();
    await worker.sealing.seal();
    const { out } = await cli(['audit', 'tail', '--person', email]);
    expect(out).toMatch(/^number +time +type +outcome +IP address +by +about +detail\n/);
    expect(out).toMatch(new RegExp(`^\\d+ +\\S+Z +session_created +success +127\\.0\\.0\\.1 +${email} `, 'm'));
    const events = jsonOf((await cli(['audit', 'tail', '--person', email, '--json'])).out);
    expect(events.map(({ type }) => type)).toContain('session_created');
    expect(events[0]).toMatchObject({ seq: expect.any(Number), ip: '127.0.0.1', hash: expect.any(String) });
    const [proof] = jsonOf((await cli(['audit', 'verify', '--json'])).out);
    expect(proof).toMatchObject({ intact: true, count: await headOfLog() });
  });

  test('of the newest events have as many as were asked for, past one page', async () => {
    await sql(
      `INSERT INTO outbox (event) SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'type', 'sys_cleanup',
         'occurredAt', '2026-11-24T09:00:00.000Z', 'outcome', 'success', 'detail', '{}'::jsonb) FROM generate_series(1, 1500)`,
    );
    await worker.sealing.seal();
    const { out } = await cli(['audit', 'tail', '--json', '--lines', '1400']);
    const seqs = jsonOf(out).map(({ seq }) => Number(seq));
    const head = await headOfLog();
    expect([seqs.length, seqs[0], seqs.at(-1)]).toEqual([1_400, head - 1_399, head]);
  });
});

test('an account is named by its id too, wherever its address names it', async () => {
  const { email, browser } = await member();
  const id = String(jsonOf((await cli(['user', 'show', email, '--json'])).out)[0]?.['id']);
  expect((await cli(['user', 'show', id.toUpperCase()])).out).toContain(email);
  expect(jsonOf((await cli(['session', 'list', id, '--json'])).out)).toHaveLength(1);
  expect((await cli(['group', 'create', 'named', ...WHY])).code).toBe(0);
  expect((await cli(['group', 'add', 'named', id, ...WHY])).out).toBe(`${email} is in named.\n`);
  expect((await cli(['group', 'remove', 'named', '--yes', ...WHY])).code).toBe(0);
  expect((await cli(['user', 'disable', id, ...WHY])).out).toBe(`${email} is now disabled.\n`);
  expect(await browser.profile()).toBe(303);
  const nobody = await cli(['user', 'show', '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b']);
  expect(nobody).toMatchObject({ code: 1, err: expect.stringContaining('There is no account with the id 0190a1b2') });
  await worker.sealing.seal();
});

describe('session end', () => {
  test('ends one session at once, with the reason, and no other', async () => {
    const { email, browser } = await member();
    const second = new Browser(web.url);
    await second.logIn(email);
    const since = await headOfLog();
    const [newest] = jsonOf((await cli(['session', 'list', email, '--json'])).out);
    const end = ['session', 'end', String(newest?.['id']), ...WHY];
    expect(await cli(end)).toEqual({ code: 0, out: 'The session has ended.\n', err: '' });
    expect([await second.profile(), await browser.profile()]).toEqual([303, 200]);
    expect(await cli(end)).toMatchObject({ code: 1, out: '', err: expect.stringContaining('has ended already') });
    const [event] = await eventsSince(since, 'session_ended');
    expect(event?.detail).toMatchObject({ by: 'cli', reason: 'revoked_by_operator' });
    expect(JSON.stringify(event?.detail)).toContain('a drill');
    expect(await cli(['session', 'end', 'x', ...WHY])).toMatchObject({ code: 2, out: '' });
    const wrong = { code: 2, out: '', err: expect.stringContaining('not the id of a block') };
    expect(await cli(['throttle', 'lift', 'x', ...WHY])).toMatchObject(wrong);
  });
});

describe("what can't be undone", () => {
  const acts = (email: string) => [
    ['user', 'erase', email, ...WHY],
    ['user', 'remove-factors', email, ...WHY],
    ['session', 'end-all', ...WHY],
    ['session', 'accept-loss', ...WHY],
    ['audit', 'accept-loss', ...WHY],
  ];

  test('needs --yes where nobody can be asked, and is not done without', async () => {
    const { email, browser } = await member();
    for (const act of acts(email)) {
      const { code, out, err } = await cli(act);
      expect([act, code, out]).toEqual([act, 1, '']);
      expect(err).toMatch(/--yes .*Nothing was done\.\n$/);
    }
    expect(await browser.profile()).toBe(200);
  });

  test('is asked for at a terminal in one manner, and done once the word is typed', async () => {
    const { email, browser } = await member();
    const erase = ['user', 'erase', email];
    const question = `Type "${email}" to go on: `;
    const refused = await terminal(erase, [
      ['Why', 'they asked'],
      [question, 'yes'],
    ]);
    expect(refused).toMatchObject({ code: 1, out: expect.stringContaining("This can't be undone.") });
    expect(await browser.profile()).toBe(200);
    const done = await terminal(erase, [
      ['Why', 'they asked'],
      [question, email],
    ]);
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining(`${email} was deleted`) });
    expect(await browser.profile()).toBe(303);
  });
});

describe('user create', () => {
  test('asks at a terminal for the password twice, and shows it never', async () => {
    const email = newEmail();
    const create = ['user', 'create', '--email', email, ...WHY];
    const differs = await terminal(create, [
      ['Password: ', PASSWORD],
      ['The same again: ', `${PASSWORD}?`],
    ]);
    expect(differs).toMatchObject({ code: 1, out: expect.stringContaining('The two passwords differ.') });
    const made = await terminal(create, [
      ['Password: ', PASSWORD],
      ['The same again: ', PASSWORD],
    ]);
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining(`Created the member ${email}`) });
    expect(made.out + differs.out).not.toContain(PASSWORD);
    expect((await new Browser(web.url).logIn(email)).status).toBe(303);
  });

  test('asks why before that, as README.md says of the first operator', async () => {
    const readme = readFileSync('README.md', 'utf8');
    expect(readme).toMatch(/user create --email \S+ --operator\n```\n\nIt asks why, .* and twice for the password\./);
    const made = await terminal(
      ['user', 'create', '--email', newEmail(), '--operator'],
      [
        ['Why (it is recorded): ', 'the first operator'],
        ['Password: ', PASSWORD],
        ['The same again: ', PASSWORD],
      ],
    );
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining('Created the operator') });
  });

  test('points to set-role for an account that is there, before it asks for a password', async () => {
    const { email } = await member();
    const create = ['user', 'create', '--email', email, '--operator'];
    const named = `user set-role ${email} operator --reason "WHY"`;
    expect(await cli(create)).toMatchObject({ code: 1, out: '', err: expect.stringContaining(named) });
    const byNpm = await cli(create, { env: { npm_lifecycle_event: 'cli' } });
    expect(byNpm.err).toContain(`npm run cli -- ${named}`);
  });
});

describe('an invitation', () => {
  test('is recorded under the account that it becomes, which the log then names', async () => {
    const [email, since] = [newEmail(), await headOfLog()];
    const env = { PUBLIC_URL: 'https://login.example.org' };
    const { out } = await cli(['user', 'invite', email, '--print', ...WHY], { env });
    const [event] = await eventsSince(since, 'user_invited');
    expect(event?.detail).toMatchObject({ by: 'cli', how: 'handed_over', reason: 'a drill' });
    const about = async () => (await cli(['audit', 'tail', '--type', 'user_invited', '--lines', '1'])).out;
    expect(await about()).toContain(` ${email} `);
    const invited = new Browser(web.url);
    await invited.get(out.trim().replace('https://login.example.org', ''));
    expect((await invited.submit('/invitation', { password: PASSWORD })).status).toBe(303);
    expect((await web.context.users.findByEmail(email))?.id).toBe(event?.subject_id);
    expect(await about()).toContain(` ${email} `);
  });
});

describe('an export', () => {
  test('that its reader leaves is a failure, in the log and for the shell, told in a sentence', async () => {
    const since = await headOfLog();
    const result = await cli(['audit', 'export', ...WHY], { unread: true });
    expect(result).toMatchObject({ code: 1, err: expect.stringMatching(/^Whoever reads .* it is not whole\.\n$/) });
    expect(await eventsSince(since, 'audit_export_begun')).toHaveLength(1);
    const ends = await eventsSince(since, 'audit_export');
    expect(ends.map(({ outcome }) => outcome)).toEqual(['failure']);
    expect(ends[0]?.detail).toMatchObject({ by: 'cli', reason: 'a drill' });
  });

  test('that is whole says how many events it has', async () => {
    const since = await headOfLog();
    const { out } = await cli(['audit', 'export', ...WHY]);
    const [end] = await eventsSince(since, 'audit_export');
    expect(end).toMatchObject({ outcome: 'success', detail: { events: linesOf(out).length - 1 } }); // the last line is the manifest
  });

  test('into a file that is there, or can’t be, is refused and leaves nothing', async () => {
    const since = await headOfLog();
    const there = path.join(folder, 'there.ndjson');
    writeFileSync(there, 'mine');
    const refusals = [
      [there, 1, 'is there already'],
      [path.join(folder, 'no/such.ndjson'), 1, 'The folder of'],
      ['', 2, 'needs the name of a file'],
    ] as const;
    for (const [file, code, why] of refusals) {
      const result = await cli(['audit', 'export', '--output', file, ...WHY]);
      expect(result).toEqual({ code, out: '', err: expect.stringContaining(why) });
      expect(linesOf(result.err)).toHaveLength(1);
    }
    expect(readFileSync(there, 'utf8')).toBe('mine');
    expect(existsSync(path.join(folder, 'no'))).toBe(false);
    for (const type of ['audit_export', 'audit_export_begun']) expect(await eventsSince(since, type)).toEqual([]);
  });
});

describe('a failure is one sentence', () => {
  test('or none, where whoever reads has all they wanted', async () => {
    for (const list of [
      ['user', 'list'],
      ['audit', 'tail', '-f'],
    ])
      expect(await cli(list, { unread: true })).toEqual({ code: 0, out: '', err: '' });
  });

  test.each([
    [['audit', 'verify', '--file', '/nowhere/log.ndjson'], '/nowhere/log.ndjson is not there.'],
    [['audit', 'verify', '--file', '/'], '/ is a folder.'],
    [['audit', 'verify', '--checkpoint', '/nowhere/kept'], '/nowhere/kept is not there.'],
    [['keys', 'revoke', 'all', ...WHY], 'There is no key yet.'],
    [['audit', 'drains', 'pause', 'nowhere', ...WHY], 'There is no such drain; "audit drains list" prints them.'],
    [['user', 'show', 'nobody@example.org'], 'There is no account with the e-mail address nobody@example.org.'],
    [['session', 'list', 'nobody@example.org'], 'There is no account with the e-mail address nobody@example.org.'],
  ])('%j', async (args, sentence) => {
    expect(await cli(args)).toMatchObject({ code: 1, out: '', err: expect.stringContaining(`${sentence}\n`) });
  });

  test('about a DATA_DIR in which nothing runs, that is none, or that can’t be believed', async () => {
    const up = (text: string) => writeFileSync(path.join(folder, 'up.json'), text);
    const said = async (dataDir: string, ...args: string[]) => {
      const result = await cli(args, { env: { DATABASE_URL: '', REDIS_URL: '', DATA_DIR: dataDir } });
      expect([result.code, result.out, linesOf(result.err).length]).toEqual([1, '', 1]);
      return result.err;
    };
    for (const args of [
      ['user', 'list'],
      ['user', 'disable', 'a@example.org', ...WHY],
    ]) {
      expect(await said('/dev/null/x', ...args)).toContain('Nothing is running here');
      up('{"databaseUrl": ');
      expect(await said(folder, ...args)).toContain('is damaged');
      up(JSON.stringify({ databaseUrl: 'x', redisUrl: 'x', pids: { launcher: 4_194_303 } }));
      expect(await said(folder, ...args)).toContain('Nothing is running here any more');
    }
  });

  test('about one store that is given where the other is of a Holdfast that runs here', async () => {
    const { webUrl } = stores.database;
    const running = { databaseUrl: webUrl, redisUrl: stores.redisUrl, pids: { launcher: process.pid } };
    writeFileSync(path.join(folder, 'up.json'), JSON.stringify(running));
    const act = (env: Record<string, string>) =>
      cli(['user', 'disable', 'nobody@example.org', ...WHY], { env: { ...env, DATA_DIR: folder } });
    const elsewhere = new URL(webUrl);
    elsewhere.hostname = 'localhost';
    for (const [env, given, missing] of [
      [{ DATABASE_URL: elsewhere.href, REDIS_URL: '' }, 'DATABASE_URL', 'REDIS_URL'],
      [{ DATABASE_URL: '', REDIS_URL: 'redis://localhost/15' }, 'REDIS_URL', 'DATABASE_URL'],
    ] as const) {
      const result = await act(env);
      expect([result.code, result.out]).toEqual([1, '']);
      expect(result.err).toContain(`${given} is given, ${missing} is not`);
    }
    // Its own are no others.
    const { err } = await act({ DATABASE_URL: webUrl, REDIS_URL: '' });
    expect(err).toContain('There is no account with the e-mail address');
  });

  test('about a database that is away, lets nobody in, or has no tables', async () => {
    const url = new URL(stores.database.webUrl);
    const at = (change: (url: URL) => unknown) => {
      const other = new URL(url);
      change(other);
      return cli(['user', 'list'], { env: { DATABASE_URL: other.href } });
    };
    const away = await at((other) => Object.assign(other, { hostname: '127.0.0.1', port: '1' }));
    expect(away.err).toBe("PostgreSQL can't be reached now: nothing answers at 127.0.0.1:1.\n");
    const wrong = await at((other) => Object.assign(other, { password: 'hunter2' }));
    expect(wrong.err).toBe('PostgreSQL refuses the name or the password in DATABASE_URL.\n');
    const nowhere = await at((other) => Object.assign(other, { pathname: '/no_such_database' }));
    expect(nowhere.err).toBe('PostgreSQL has no database of the name in DATABASE_URL.\n');
  });
});

describe('about a PostgreSQL that takes connections and says nothing, every command says the same', () => {
  const registry = path.join(folder, 'registry.yaml');
  const silent = createServer(() => undefined);
  beforeAll(async () => {
    writeFileSync(registry, 'groups: { staff: }\n');
    await once(silent.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(() => {
    silent.close();
  });

  test.each([
    [['user', 'list']],
    [['user', 'disable', 'nobody@example.org', ...WHY]],
    [['group', 'list']],
    [['group', 'add', 'staff', 'nobody@example.org', ...WHY]],
    [['keys', 'list']],
    [['applications', 'apply', registry, ...WHY]],
    [['people', 'export', ...WHY]],
    [['audit', 'verify']],
    [['migrate']],
  ])('%j', async (args) => {
    const url = new URL(stores.database.webUrl);
    url.hostname = '127.0.0.1';
    url.port = String((silent.address() as AddressInfo).port);
    const { code, out, err } = await cli(args, { env: { DATABASE_URL: url.href } });
    const verdict = args[1] === 'verify' ? 'The verification ended without a verdict: nothing is proved.\n' : '';
    expect({ code, out, err: err.replace(verdict, '') }).toEqual({
      code: 1,
      out: '',
      err: "PostgreSQL can't be reached now: it does not answer.\n",
    });
  });
});

describe('what would silently do nothing, or something else, is refused', () => {
  test.each([
    [['audit', 'tail', '--type', 'nope'], 'no such type of event'],
    [['audit', 'tail', '--type', 'login'], 'such as authn_login_success'],
    [['audit', 'verify', '--from', '10', '--to', '5'], '--from must not be after --to'],
    [['audit', 'verify', '--from', '99999999'], 'The log ends with event'],
    [['audit', 'verify', '--filtered'], '--filtered belongs to --file'],
    [['audit', 'tail', '--since', '2026-02-31'], 'Expected a time'],
    [['audit', 'tail', '--since', '1'], 'Expected a time'],
    [['audit', 'tail', '--since', '2026-11-25', '--until', '2026-11-24'], '--since must be before --until'],
    [['audit', 'tail', '--text', ''], 'Expected a text'],
    [['audit', 'tail', '--address', '999.1.1.1'], '999.1.1.1 is no IP address and no network.'],
    [['audit', 'tail', '--session', 'nonsense'], "nonsense is no session's id."],
    [['group', 'create', 'st aff', ...WHY], 'Use letters without accents'],
    [['alerts', 'test', 'nonsense', ...WHY], 'There is no such alert'],
    [
      ['audit', 'verify', '--public-key', 'nonsense'],
      'nonsense is neither a key, 32 bytes in base64 or PEM, nor a file.',
    ],
    [['audit', 'verify', '--file', '-', '--public-key', 'package.json'], '--public-key takes an Ed25519 public key'],
  ])('%j', async (args, why) => {
    expect(await cli(args)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(why) });
  });
});

describe('what a command loads', () => {
  const LISTING = `export async function load(url, context, next) { process._rawDebug('loads ' + url); return next(url, context); }`;
  const hook = `import { register } from 'node:module'; register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(LISTING))});`;
  const node = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`];
  /** Packages that were loaded, or whose modules a file that was loaded holds: the bundle names each above its code. */
  function packagesOf(err: string): Set<string> {
    const files = [...err.matchAll(/^loads (file:\S+)$/gm)].map(([, url = '']) => fileURLToPath(url));
    const bundled = files.filter((file) => file.includes('/dist/')).map((file) => readFileSync(file, 'utf8'));
    const names = /(?:^\s*\/\/ |\/)node_modules\/((?:@[^/]+\/)?[^/\s]+)/gm;
    return new Set([...files, ...bundled].flatMap((text) => [...text.matchAll(names)].map(([, name = '']) => name)));
  }

  test('is little where it only reads: no Prisma, no Redis', async () => {
    for (const list of [
      ['user', 'list'],
      ['throttle', 'list'],
      ['audit', 'tail'],
    ]) {
      const { code, err } = await cli(list, { node });
      expect(code).toBe(0);
      const loaded = packagesOf(err);
      expect(loaded).toContain('pg');
      for (const name of ['@prisma/client', 'ioredis', 'bullmq', 'zod', 'prom-client'])
        expect(loaded).not.toContain(name);
    }
  });

  test('is without queues, passkeys and mail servers where it acts', async () => {
    const { email } = await member();
    const { code, err } = await cli(['user', 'disable', email, ...WHY], { node });
    expect(code).toBe(0);
    const loaded = packagesOf(err);
    expect(loaded).toContain('@prisma/client');
    for (const name of ['bullmq', '@simplewebauthn/server', 'nodemailer']) expect(loaded).not.toContain(name);
  });
});

// Groups and applications by commands, each a process of its own, and by a file: the difference first, then all of it or nothing.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { newEmail } from '../support/app.ts';
import { enterDirectly, stateOf } from '../support/applications.ts';
import { type Person, world } from '../support/world.ts';

const { stores, web, worker, sql, newMember, atEnd } = await world({ worker: true, watched: true });
const { groups, applications } = web.context;
const by = { actor: null, origin: NO_ORIGIN, reason: 'a test' };
const CALLER = { by: 'cli', user: userInfo().username, host: hostname(), reason: 'a drill' };
const WHY = ['--reason', 'a drill'];

const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-registry-'));
atEnd(() => rm(folder, { recursive: true }));

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function cli(args: readonly string[], { input = '' } = {}): Promise<Result> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], DATABASE_URL: stores.database.webUrl, REDIS_URL: stores.redisUrl };
    const child = spawn(process.execPath, [path.resolve('dist/src/cli/main.js'), ...args], { env, stdio: 'pipe' });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (err += chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

const file = path.join(folder, 'registry.yaml');

async function apply(text: string, ...options: string[]): Promise<Result> {
  await writeFile(file, text);
  return cli(['applications', 'apply', file, ...options]);
}

async function newAccount(): Promise<{ id: string; email: string }> {
  const email = newEmail();
  const result = await web.context.users.create({ email, passwordHash: 'none', role: 'member', origin: NO_ORIGIN });
  return { id: result.ok ? result.user.id : '', email };
}

async function enter({ id: userId }: Person, slug: string) {
  const application = await applications.findBySlug(slug);
  if (!application) throw new Error(`no ${slug}`);
  const [row] = await sql<{ id: string }>(
    'SELECT id FROM session WHERE user_id = $1 AND ended_at IS NULL AND application_id IS NULL',
    [userId],
  );
  return enterDirectly(web.context, { userId, sessionId: row?.id ?? '' }, application);
}

async function eventsOf(type: string) {
  await worker.sealing.seal();
  const text = 'SELECT subject_id AS subject, detail FROM audit_event WHERE type = $1 ORDER BY seq';
  return sql<{ subject: string | null; detail: Record<string, unknown> }>(text, [type]);
}

async function lists() {
  const [all, every] = await Promise.all([groups.list(), applications.list()]);
  return { groups: all.map(({ name }) => name), applications: every.map(({ slug }) => slug) };
}

/** Nothing is there before each test. */
beforeEach(async () => {
  for (const { id } of await applications.list()) await applications.remove(id, by);
  for (const { id } of await groups.list()) await groups.remove(id, by);
});

describe('group', () => {
  test('creates, fills, lists, empties and removes, each with its event', async () => {
    const { id, email } = await newAccount();
    expect(await cli(['group', 'create', 'Staff', ...WHY])).toEqual({
      code: 0,
      out: 'Created the group Staff.\n',
      err: '',
    });
    expect((await cli(['group', 'add', 'staff', email.toUpperCase(), ...WHY])).out).toBe(`${email} is in Staff.\n`);
    expect((await cli(['group', 'add', 'staff', email, ...WHY])).out).toContain('already');
    const list = await cli(['group', 'list']);
    expect(list.out).toMatch(/^name +members +opens +since +id\nStaff +1 /);
    const [row] = (await cli(['group', 'list', '--json'])).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(row).toMatchObject({ name: 'Staff', members: 1, applications: [] });
    expect((await cli(['group', 'leave', 'STAFF', email, ...WHY])).out).toBe(`${email} is no longer in Staff.\n`);
    expect(await cli(['group', 'remove', 'staff', ...WHY])).toMatchObject({ code: 1, out: '' });
    expect(await cli(['group', 'remove', 'staff', '--yes', ...WHY])).toMatchObject({
      code: 0,
      out: 'Removed the group Staff.\n',
    });
    expect((await eventsOf('group_member_added')).at(-1)).toEqual({
      subject: id,
      detail: { group: 'Staff', ...CALLER },
    });
  });

  test('says what is wrong, and does nothing', async () => {
    expect(await cli(['group', 'create', 'two words', ...WHY])).toMatchObject({
      code: 2,
      err: expect.stringContaining('letters'),
    });
    expect(await cli(['group', 'create', 'Staff'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--reason'),
    });
    expect(await cli(['group', 'add', 'nobody', 'a@example.org', ...WHY])).toEqual({
      code: 1,
      out: '',
      err: 'There is no group nobody.\n',
    });
    await groups.create('Staff', by);
    const unknown = await cli(['group', 'add', 'Staff', 'nobody@example.org', ...WHY]);
    expect(unknown).toEqual({
      code: 1,
      out: '',
      err: 'There is no account with the e-mail address nobody@example.org.\n',
    });
  });
});

describe('applications', () => {
  test('are registered, listed and removed', async () => {
    await groups.create('staff', by);
    const rules = [
      '--enter',
      'STAFF',
      '--second-factor',
      '--recent-login',
      '15m',
      '--framed-by',
      'https://a.example.org',
    ];
    const about = ['--slug', 'wiki', '--name', 'The wiki', '--url', 'https://wiki.example.org'];
    const added = await cli(['applications', 'add', ...about, ...rules, ...WHY]);
    expect(added).toEqual({ code: 0, out: 'Registered wiki at https://wiki.example.org.\n', err: '' });
    const [row] = (await cli(['applications', 'list', '--json'])).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(row).toMatchObject({
      ...{ slug: 'wiki', enter: ['staff'], second_factor: true, recent_login: '15m', state: 'active', sessions: 0 },
      framed_by: ['https://a.example.org'],
    });
    expect((await cli(['applications', 'list'])).out).toMatch(
      /^wiki +The wiki +https:\/\/wiki\.example\.org +staff +active +0$/m,
    );
    expect(await cli(['applications', 'remove', 'wiki', ...WHY])).toMatchObject({
      code: 1,
      err: expect.stringContaining('--yes'),
    });
    expect(await cli(['applications', 'remove', 'wiki', '--yes', ...WHY])).toMatchObject({
      code: 0,
      out: 'Removed wiki.\n',
    });
    expect((await eventsOf('application_removed')).at(-1)?.detail).toMatchObject({ application: 'wiki', ...CALLER });
  });

  test('are not registered with what does not fit', async () => {
    const about = ['--slug', 'Wiki', '--name', 'W', '--url', 'https://wiki.example.org', ...WHY];
    expect(await cli(['applications', 'add', ...about])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--everybody'),
    });
    const wrong = await cli(['applications', 'add', ...about, '--everybody', '--idle', '1s']);
    expect(wrong).toMatchObject({ code: 2, out: '' });
    expect(wrong.err).toMatch(/^--slug: Use small letters .*\n--idle: Give at least 5m\.\n$/);
    const slug = await cli(['applications', 'add', ...about, '--everybody']);
    expect(slug).toMatchObject({ code: 2, err: expect.stringMatching(/^--slug: Use small letters/) });
  });
});

describe('applications apply', () => {
  test('shows the difference, applies it with one event each, and has nothing to do the second time', async () => {
    const [ana, ben] = [await newAccount(), await newAccount()];
    const text = `
groups:
  staff: [${ana.email.toUpperCase()}, ${ben.email}]
  empty: []
applications:
  - slug: wiki
    name: Wiki
    url: https://wiki.example.org     # its origin
    enter: [STAFF]
    secondFactor: true
    recentLogin: 15m
  - slug: home
    name: Home
    url: https://home.example.org
    enter: everybody
    disabled: true
`;
    const shown = await apply(text);
    expect(shown).toMatchObject({ code: 2, err: expect.stringContaining('--reason') });
    expect(await lists()).toEqual({ groups: [], applications: [] });
    const applied = await apply(text, '--yes', ...WHY);
    expect(applied).toEqual({ code: 0, err: '', out: `${shown.out}Applied 6 changes.\n` });
    expect(shown.out).toBe(
      [
        ...['+ group staff', `+ ${ana.email} in staff`, `+ ${ben.email} in staff`, '+ group empty'],
        '+ application wiki: name Wiki, url https://wiki.example.org, enter staff, second_factor yes, recent_login 15m',
        '+ application home: name Home, url https://home.example.org, enter everybody, disabled yes\n',
      ].join('\n'),
    );
    const added = (await eventsOf('group_member_added')).filter(
      ({ subject }) => subject === ana.id || subject === ben.id,
    );
    expect(added.map(({ detail }) => detail)).toEqual([
      { group: 'staff', ...CALLER },
      { group: 'staff', ...CALLER },
    ]);
    expect(await applications.findBySlug('home')).toMatchObject({ everybody: true, disabledAt: expect.any(Date) });
    expect(await apply(text)).toEqual({ code: 0, err: '', out: 'Nothing is different.\n' });
    expect(await apply(text, '--json')).toEqual({ code: 0, err: '', out: '{"changes":[],"secrets":{}}\n' });
  });

  test('answers programs with the changes, and leaves what the file does not name unless it prunes', async () => {
    await groups.create('by-hand', by);
    const hand = { name: 'Hand', everybody: true, groups: [], recentLogin: '', idle: '', absolute: '' };
    const rest = { secondFactor: false, preflight: false, framedBy: [], remoteUser: false };
    await applications.register('hand', { ...hand, ...rest, url: 'https://hand.example.org' }, by);
    const text = `
groups: { staff: }
applications:
  - { slug: wiki, name: Wiki, url: "https://wiki.example.org", enter: [staff] }
`;
    const applied = await apply(text, '--yes', '--json', ...WHY);
    expect(JSON.parse(applied.out)).toEqual({
      changes: [
        { action: 'create_group', group: 'staff' },
        {
          action: 'register',
          application: 'wiki',
          settings: expect.objectContaining({ enter: 'staff', name: 'Wiki' }),
        },
      ],
      secrets: {},
    });
    expect(await lists()).toEqual({ groups: ['by-hand', 'staff'], applications: ['hand', 'wiki'] });
    const groupsOnly = await apply('groups: { staff: }', '--prune', '--yes', '--json', ...WHY);
    expect(JSON.parse(groupsOnly.out).changes).toEqual([{ action: 'remove_group', group: 'by-hand' }]);
    const pruned = await apply(text, '--prune', '--yes', ...WHY);
    expect(pruned.out).toBe('- application hand\nApplied 1 change.\n');
    expect(await lists()).toEqual({ groups: ['staff'], applications: ['wiki'] });
  });

  test('changes what is different, ends what that no longer allows, and keeps who only moves', async () => {
    const [stays, leaves] = [await newMember(), await newMember()];
    const wiki = (groupsText: string, enterText: string, more = '') => `
groups: ${groupsText}
applications:
  - slug: wiki
    name: Wiki
    url: https://wiki.example.org
    enter: ${enterText}${more}
`;
    await apply(wiki(`{ old: [${stays.email}, ${leaves.email}] }`, '[old]'), '--yes', ...WHY);
    const [kept, ended] = [await enter(stays, 'wiki'), await enter(leaves, 'wiki')];
    const moved = await apply(
      wiki(`{ new: [${stays.email}] }`, '[new]', '\n    preflight: true'),
      '--prune',
      '--yes',
      ...WHY,
    );
    expect(moved).toMatchObject({ code: 0, err: '' });
    expect(moved.out).toContain('~ application wiki: enter old -> new, preflight no -> yes');
    expect(await stateOf(web.context, kept)).toBe('live');
    expect(await stateOf(web.context, ended)).toBe('entry_lost');
    expect((await eventsOf('application_changed')).at(-1)?.detail).toMatchObject({
      ...{ enter_before: 'old', enter_after: 'new', preflight_before: false, preflight_after: true },
      ...CALLER,
    });
    const disabled = await apply(
      wiki(`{ new: }`, '[new]', '\n    preflight: true\n    disabled: true'),
      '--yes',
      ...WHY,
    );
    expect(disabled.out).toContain('disabled no -> yes');
    expect(await stateOf(web.context, kept)).toBe('entry_lost');
    expect((await groups.findByName('new'))?.members).toBe(1);
  });

  test('says every problem by its line, and applies nothing', async () => {
    const text = `groups:
  staff: [nobody@example.org, no-address]
  two words: []
applications:
  - slug: wiki
    name: Wiki
    url: https://wiki.example.org/path
    enter: [staff, strangers]
  - slug: wiki
    name: Again
    url: https://again.example.org
    enter: everybody
    idle: soon
  - slug: third
    name: Third
    url: https://AGAIN.example.org:8443
    enter: everybody
`;
    const { code, out, err } = await apply(text, '--yes', ...WHY);
    expect([code, out]).toEqual([1, '']);
    const lines = err
      .trim()
      .split('\n')
      .map((line) => line.replace(`${file}:`, ''));
    expect(lines.sort()).toEqual([
      expect.stringMatching(/^13: Give a time/),
      expect.stringMatching(/^2: There is no account of nobody@example\.org/),
      expect.stringMatching(/^2: “no-address” is no e-mail address/),
      expect.stringMatching(/^3: “two words” is no name of a group/),
      expect.stringMatching(/^7: Give the origin alone/),
      expect.stringMatching(/^9: The application “wiki” stands here twice/),
    ]);
    expect(await lists()).toEqual({ groups: [], applications: [] });
  });

  test.each<[string, string, RegExp]>([
    [
      'a key that it does not know',
      'applications:\n  - slug: a\n    colour: red',
      /:3: There is no colour here; these are: slug, /,
    ],
    ['another at the top', 'group: {}', /:1: There is no group here; these are: groups, applications\./],
    ['what is missing', 'applications:\n  - slug: a\n    name: A\n    enter: everybody', /:2: url is missing\./],
    [
      'a rule of another shape',
      'applications:\n  - { slug: a, name: A, url: "https://a.example.org", enter: staff }',
      /:2: enter should be everybody, or a list/,
    ],
    [
      'text where yes or no belongs',
      'applications:\n  - slug: a\n    name: A\n    url: https://a.example.org\n    enter: everybody\n    secondFactor: maybe',
      /:6: secondFactor should be true or false\./,
    ],
    [
      'OpenID Connect',
      'applications:\n  - slug: a\n    name: A\n    url: https://a.example.org\n    enter: everybody\n    openid: { redirectUris: [] }',
      /:6: openid is not there yet/,
    ],
    [
      'a group that is nowhere',
      'applications:\n  - slug: a\n    name: A\n    url: https://a.example.org\n    enter:\n      - strangers',
      /:6: There is no group “strangers”, and the file makes none\./,
    ],
    ['a group twice', 'groups:\n  staff:\n  Staff:', /:3: The group “Staff” stands here twice/],
    ['a key twice', 'groups: {}\ngroups: {}', /:2: .*unique/],
    [
      'a host twice',
      'applications:\n  - { slug: a, name: A, url: "https://a.example.org", enter: everybody }\n  - { slug: b, name: B, url: "https://a.example.org:8443", enter: everybody }',
      /:3: “a” has this host already/,
    ],
    ['broken YAML', 'groups: [', /:\d: /],
    ['a number as a name', 'groups:\n  staff: [1]', /:2: This should be text/],
    ['nothing', '', /:1: The file should have groups, applications or both\./],
  ])('refuses %s', async (_what, text, says) => {
    const { code, out, err } = await apply(text, '--yes', ...WHY);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(says);
    expect(await lists()).toEqual({ groups: [], applications: [] });
  });

  test('reads standard input, and says a file that is not there', async () => {
    const read = await cli(['applications', 'apply', '-', '--yes', ...WHY], { input: 'groups: { staff: }' });
    expect(read).toEqual({ code: 0, err: '', out: '+ group staff\nApplied 1 change.\n' });
    const missing = await cli(['applications', 'apply', path.join(folder, 'none.yaml'), '--yes', ...WHY]);
    expect(missing).toMatchObject({ code: 1, out: '', err: expect.stringContaining('none.yaml is not there.') });
  });

  test('applies nothing of a plan that something came between', async () => {
    const { registry } = web.context;
    const wanted = { groups: [{ name: 'staff', members: null }], applications: null };
    const planned = await registry.plan(wanted, { prune: false });
    await groups.create('first', by);
    if (!planned.ok) throw new Error('refused');
    expect(await registry.apply(planned.plan, by)).toMatchObject({ ok: false, reason: 'changed_meanwhile' });
    expect((await lists()).groups).toEqual(['first']);
  });
});

test('keys lists those that sign for applications, and takes one away once that is confirmed', async () => {
  await web.context.forwardAuth.assertionKeys();
  const list = async () =>
    (await cli(['keys', 'list', '--json'])).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kid: string; state: string });
  const [current] = (await list()).filter(({ state }) => state === 'current');
  const kid = current?.kid ?? '';
  expect((await cli(['keys', 'list'])).out).toMatch(new RegExp(`${kid} +current `));
  expect(await cli(['keys', 'revoke', 'none', '--yes', ...WHY])).toMatchObject({
    code: 1,
    err: 'There is no key none.\n',
  });
  expect(await cli(['keys', 'revoke', kid, '--yes'])).toMatchObject({ code: 2 });
  expect(await cli(['keys', 'revoke', kid, ...WHY])).toMatchObject({ code: 1, out: '' });
  expect((await list()).map((one) => one.kid)).toContain(kid);
  expect(await cli(['keys', 'revoke', kid, '--yes', ...WHY])).toEqual({
    code: 0,
    out: `Took the key ${kid} away.\n`,
    err: '',
  });
  const left = await list();
  expect(left.map((one) => one.kid)).not.toContain(kid);
  expect(left).toContainEqual(expect.objectContaining({ state: 'current' }));
});

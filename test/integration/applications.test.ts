// Applications: what may be registered, that a change is whole or nothing, and that it ends the sessions which it no longer allows.
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { Application } from '../../src/core/applications/application.ts';
import type { TypedSettings } from '../../src/core/applications/typed-settings.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { enterDirectly, stateOf } from '../support/applications.ts';
import { changesOf } from '../support/changes.ts';
import { type Person, world } from '../support/world.ts';

const { stores, web, other, worker, sql, newMember } = await world({ webs: 2, worker: true, watched: true });
const { applications, groups, database } = web.context;
const by = { actor: null, origin: NO_ORIGIN, reason: 'a test' };

const PLAIN: TypedSettings = {
  name: 'Wiki',
  url: 'https://wiki.example.org',
  everybody: true,
  groups: [],
  secondFactor: false,
  recentLogin: '',
  idle: '',
  absolute: '',
  preflight: false,
  framedBy: [],
  remoteUser: false,
};

let made = 0;
async function register(settings: Partial<TypedSettings> = {}): Promise<Application> {
  made += 1;
  const url = `https://app-${made}.example.org`;
  const result = await applications.register(`app-${made}`, { ...PLAIN, url, ...settings }, by);
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.application;
}

async function newGroup(): Promise<{ id: string; name: string }> {
  made += 1;
  const result = await groups.create(`Group-${made}`, by);
  if (!result.ok) throw new Error(result.reason);
  return result.group;
}

/** As it stands, with something of it typed anew. */
const typed = ({ groups: own, ...application }: Application, change: Partial<TypedSettings> = {}): TypedSettings => ({
  ...PLAIN,
  name: application.name,
  url: application.url,
  everybody: application.everybody,
  groups: own.map(({ name }) => name),
  secondFactor: application.secondFactor,
  ...change,
});

async function enter({ id: userId }: Person, application: Application) {
  const [row] = await sql<{ id: string }>(
    'SELECT id FROM session WHERE user_id = $1 AND ended_at IS NULL AND application_id IS NULL',
    [userId],
  );
  return enterDirectly(web.context, { userId, sessionId: row?.id ?? '' }, application);
}

async function version(): Promise<bigint> {
  return (await applications.snapshot()).version;
}

async function newest(type: string): Promise<Record<string, unknown> | undefined> {
  await worker.sealing.seal();
  const [event] = await sql<{ detail: Record<string, unknown> }>(
    'SELECT detail FROM audit_event WHERE type = $1 ORDER BY seq DESC LIMIT 1',
    [type],
  );
  return event?.detail;
}

describe('an application', () => {
  test('is registered with all that was set, and its event tells it', async () => {
    const group = await newGroup();
    const before = await version();
    const application = await register({
      name: '  The wiki ',
      url: 'HTTPS://Wiki-1.Example.org:443/',
      everybody: false,
      groups: [group.name.toUpperCase(), group.name],
      secondFactor: true,
      recentLogin: '15m',
      idle: '2h',
      absolute: '1d',
      preflight: true,
      framedBy: ['https://portal.example.org', 'https://PORTAL.example.org/'],
      remoteUser: true,
    });
    expect(application).toMatchObject({
      name: 'The wiki',
      url: 'https://wiki-1.example.org',
      host: 'wiki-1.example.org',
      groups: [{ id: group.id, name: group.name }],
      recentLoginSeconds: 900,
      idleSeconds: 7_200,
      absoluteSeconds: 86_400,
      framedBy: ['https://portal.example.org'],
      disabledAt: null,
      version: 0,
    });
    expect(await version()).toBe(before + 1n);
    expect((await applications.snapshot()).applications.map(({ slug }) => slug)).toContain(application.slug);
    expect(await newest('application_registered')).toEqual({
      application: application.slug,
      name: 'The wiki',
      url: 'https://wiki-1.example.org',
      enter: group.name,
      second_factor: true,
      recent_login: '15m',
      idle: '2h',
      absolute: '1d',
      preflight: true,
      framed_by: 'https://portal.example.org',
      remote_user: true,
      reason: 'a test',
    });
  });

  test.each([
    ['', 'Give its origin'],
    ['wiki.example.org', 'Give its origin'],
    ['ftp://wiki.example.org', 'Give its origin'],
    ['https://', 'Give its origin'],
    ['https://wiki.example.org/path', 'without a path'],
    ['https://wiki.example.org/?a=b', 'without a path'],
    ['https://wiki.example.org?', 'without a path'],
    ['https://wiki.example.org#a', 'without a path'],
    ['https://me:secret@wiki.example.org', 'user name and the password'],
    ['https://wiki.example.org.', 'dot at the end'],
    ['https://*.example.org', '* stands for none'],
    ['https:\\\\wiki.example.org', 'Give its origin'],
    ['https://wi\tki.example.org', 'Give its origin'],
    ['http://wiki.example.org', 'Use https'],
    ['http://192.168.1.1', 'Use https'],
    ['http://localhost', 'host of Holdfast itself'],
    ['https://localhost:8443', 'ports do not part them'],
    [`https://${'a'.repeat(200)}.example.org`, 'at most 200'],
  ])('is not at %s', async (url, why) => {
    const before = await version();
    const result = await applications.register('nowhere', { ...PLAIN, url }, by);
    expect(result).toMatchObject({ ok: false, reason: 'problems', problems: { url: expect.stringContaining(why) } });
    expect(await version()).toBe(before);
    expect(await applications.findBySlug('nowhere')).toBeNull();
  });

  test.each(['http://wiki.localhost', 'http://wiki.localhost:8080', 'http://127.0.0.1:8080', 'http://[::1]:8080'])(
    'is at %s while Holdfast is on this machine',
    async (url) => {
      await applications.remove((await register({ url })).id, by);
    },
  );

  test('is not at plain http, not even of this machine, where Holdfast is reached by https', async () => {
    const secure = await import('../../src/core/applications/origins.ts');
    expect(secure.readOrigin('http://wiki.localhost', 'https://login.example.org')).toMatchObject({ ok: false });
    expect(secure.readOrigin('http://wiki.localhost', 'http://login.example.org')).toMatchObject({ ok: false });
  });

  test.each(['', 'Wiki', 'a b', '-a', 'a-', 'a_b', 'ä', 'x'.repeat(64), '../x'])('has no slug %j', async (slug) => {
    const result = await applications.register(slug, PLAIN, by);
    expect(result).toMatchObject({ ok: false, problems: { slug: expect.stringContaining('small letters') } });
  });

  test.each<[Partial<TypedSettings>, string]>([
    [{ name: ' ' }, 'name'],
    [{ name: 'x'.repeat(61) }, 'name'],
    [{ name: 'two\nlines' }, 'name'],
    [{ recentLogin: '30s' }, 'recentLogin'],
    [{ recentLogin: 'soon' }, 'recentLogin'],
    [{ idle: '1m' }, 'idle'],
    [{ absolute: '-1h' }, 'absolute'],
    [{ framedBy: ['https://a.example.org/x'] }, 'framedBy'],
    [{ framedBy: Array.from({ length: 6 }, (_, n) => `https://a${n}.example.org`) }, 'framedBy'],
    [{ everybody: false, groups: ['no such group'] }, 'groups'],
    [{ everybody: false, groups: ['nosuchgroup'] }, 'groups'],
    [{ everybody: false, groups: Array.from({ length: 16 }, (_, n) => `g${n}`) }, 'groups'],
  ])('is not registered with %j, and says so at the field', async (change, field) => {
    const result = await applications.register('wrong', { ...PLAIN, url: 'https://wrong.example.org', ...change }, by);
    expect(result).toMatchObject({ ok: false, reason: 'problems' });
    expect(Object.keys(result.ok || result.reason !== 'problems' ? {} : result.problems)).toEqual([field]);
  });

  test('has its slug and its host alone, whatever the port', async () => {
    const first = await register();
    const again = await applications.register(first.slug, { ...PLAIN, url: `${first.url}:8443` }, by);
    expect(again).toMatchObject({ problems: { slug: expect.any(String), url: expect.stringContaining(first.slug) } });
    const second = await register();
    const moved = await applications.change(second.id, typed(second, { url: first.url }), by);
    expect(moved).toMatchObject({ ok: false, problems: { url: expect.stringContaining(first.slug) } });
  });

  test('is registered once when several ask at the same instant', async () => {
    const asking = Array.from({ length: 5 }, () =>
      applications.register('at-once', { ...PLAIN, url: 'https://at-once.example.org' }, by),
    );
    expect((await Promise.all(asking)).filter(({ ok }) => ok)).toHaveLength(1);
  });
});

describe('a change', () => {
  test('tells before and after of what it changed, and nothing else', async () => {
    const group = await newGroup();
    const application = await register();
    const change = typed(application, { name: 'Handbook', everybody: false, groups: [group.name], idle: '1h' });
    const result = await applications.change(application.id, change, { ...by, seen: 0 });
    expect(result).toMatchObject({ ok: true, application: { version: 1, name: 'Handbook' } });
    expect(await newest('application_changed')).toEqual({
      application: application.slug,
      name_before: 'Wiki',
      name_after: 'Handbook',
      enter_before: 'everybody',
      enter_after: group.name,
      idle_before: null,
      idle_after: '1h',
      reason: 'a test',
    });
  });

  test('that changes nothing, or comes after another, is not made', async () => {
    const application = await register();
    const before = await version();
    const { id } = application;
    expect(await applications.change(id, typed(application), by)).toEqual({ ok: false, reason: 'unchanged' });
    const late = { ...by, seen: 7 };
    const renamed = typed(application, { name: 'New' });
    expect(await applications.change(id, renamed, late)).toEqual({ ok: false, reason: 'changed_meanwhile' });
    expect(await applications.setDisabled(id, false, by)).toEqual({ ok: false, reason: 'unchanged' });
    const nobody = { ok: false, reason: 'no_application' };
    expect(await applications.change(randomUUID(), renamed, by)).toEqual(nobody);
    expect(await applications.remove(randomUUID(), by)).toEqual(nobody);
    expect(await version()).toBe(before);
  });

  test.each<[string, Partial<TypedSettings>]>([
    ['another origin', { url: 'https://moved.example.org' }],
    ['a second factor', { secondFactor: true }],
    ['a shorter idle time', { idle: '1h' }],
    ['a shorter life', { absolute: '1h' }],
    ['nobody’s groups', { everybody: false }],
  ])('to %s ends what it no longer allows, in every process', async (_what, change) => {
    const application = await register();
    const person = await newMember();
    const session = await enter(person, application);
    const result = await applications.change(application.id, typed(application, change), by);
    expect(result).toMatchObject({ ok: true });
    for (const { context } of [web, other]) expect(await stateOf(context, session)).toBe('entry_lost');
    expect(await person.browser.profile()).toBe(200);
    await applications.remove(application.id, by);
  });

  test.each<[string, Partial<TypedSettings>]>([
    ['another name', { name: 'New' }],
    ['a recent log-in', { recentLogin: '5m' }],
    ['preflights', { preflight: true }],
  ])('to %s ends nothing', async (_what, change) => {
    const application = await register();
    const session = await enter(await newMember(), application);
    expect(await applications.change(application.id, typed(application, change), by)).toMatchObject({ ok: true });
    expect(await stateOf(other.context, session)).toBe('live');
  });

  test('to some groups lets their members go on and ends the others', async () => {
    const group = await newGroup();
    const application = await register();
    const [inside, outside] = [await newMember(), await newMember()];
    await groups.add(group.id, inside.id, by);
    const [stays, ends] = [await enter(inside, application), await enter(outside, application)];
    const narrowed = typed(application, { everybody: false, groups: [group.name] });
    expect(await applications.change(application.id, narrowed, by)).toMatchObject({ ok: true });
    expect(await stateOf(other.context, stays)).toBe('live');
    expect(await stateOf(other.context, ends)).toBe('entry_lost');
  });
});

describe('disabling and removing', () => {
  test('end every session of it, and leave those elsewhere', async () => {
    const [application, neighbour] = [await register(), await register()];
    const person = await newMember();
    const [here, there] = [await enter(person, application), await enter(person, neighbour)];
    expect(await applications.setDisabled(application.id, true, by)).toMatchObject({ ok: true });
    expect(await stateOf(other.context, here)).toBe('entry_lost');
    expect(await stateOf(other.context, there)).toBe('live');
    expect(await newest('application_changed')).toMatchObject({ disabled_before: false, disabled_after: true });
    expect(await applications.setDisabled(application.id, false, by)).toMatchObject({ ok: true });
    const again = await enter(person, application);
    expect(await applications.remove(application.id, by)).toMatchObject({ ok: true });
    expect(await stateOf(other.context, again)).toBe('entry_lost');
    expect(await applications.find(application.id)).toBeNull();
    expect(await newest('application_removed')).toMatchObject({ application: application.slug, url: application.url });
  });

  test('all sessions of one end by an operator, or one person’s, and they may enter again', async () => {
    const application = await register();
    const [one, two] = [await newMember(), await newMember()];
    const [first, second] = [await enter(one, application), await enter(two, application)];
    expect(await applications.endSessions(application.id, by, one.id)).toBe(1);
    expect(await stateOf(other.context, first)).toBe('revoked_by_operator');
    expect(await stateOf(other.context, second)).toBe('live');
    expect(await applications.endSessions(application.id, by)).toBe(1);
    expect(await stateOf(other.context, second)).toBe('revoked_by_operator');
    expect(await stateOf(other.context, await enter(one, application))).toBe('live');
  });
});

describe('who may enter', () => {
  const NOW = { authenticationMethod: 'password+totp', provedAgoMs: 0 } as const;
  const ask = (slug: string, entrant: { userId: string; authenticationMethod?: 'password'; provedAgoMs?: number }) =>
    database.transact((transaction) => applications.mayEnterWithin(transaction, { slug }, { ...NOW, ...entrant }));

  test('is whom its rules name, with what they ask for', async () => {
    const group = await newGroup();
    const rules = { everybody: false, groups: [group.name], secondFactor: true, recentLogin: '15m' };
    const application = await register(rules);
    const { id: userId } = await newMember();
    const refused = (reason: string) => ({ ok: false, reason });
    expect(await ask('no-such', { userId })).toEqual(refused('no_application'));
    expect(await ask(application.slug, { userId })).toEqual(refused('not_allowed'));
    await groups.add(group.id, userId, by);
    expect(await ask(application.slug, { userId, authenticationMethod: 'password' })).toEqual(refused('second_factor'));
    expect(await ask(application.slug, { userId, provedAgoMs: 900_001 })).toEqual(refused('old_login'));
    expect(await ask(application.slug, { userId, provedAgoMs: 900_000 })).toMatchObject({
      ok: true,
      groups: [group.name],
    });
    await applications.setDisabled(application.id, true, by);
    expect(await ask(application.slug, { userId })).toEqual(refused('disabled'));
  });

  test('is decided before or after a change, never in the middle of it', async () => {
    const application = await register();
    const { id: userId } = await newMember();
    const order: string[] = [];
    let changing: Promise<unknown> = Promise.resolve();
    await database.transact(async (transaction) => {
      const entered = await applications.mayEnterWithin(transaction, { id: application.id }, { ...NOW, userId });
      expect(entered.ok).toBe(true);
      changing = applications.setDisabled(application.id, true, by).then(() => order.push('changed'));
      await transaction.$queryRaw`SELECT pg_sleep(0.3)::text`;
      order.push('entered');
    });
    await changing;
    expect(order).toEqual(['entered', 'changed']);
  });
});

test('every change left an event in its transaction', async () => {
  for (const place of ['application', 'application_group']) {
    expect(await changesOf(stores.database, place)).toBeGreaterThan(0);
  }
});

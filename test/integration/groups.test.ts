// Groups: made, filled, emptied and removed, each time with its event; and whoever can enter an application by a group alone is
// out of it, in every process, when they leave it.
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { newEmail } from '../support/app.ts';
import { addApplication, enterDirectly, stateOf, type TestApplication } from '../support/applications.ts';
import { changesOf } from '../support/changes.ts';
import { world } from '../support/world.ts';

const { stores, web, other, worker, sql, newMember } = await world({ webs: 2, worker: true, watched: true });
const { groups } = web.context;
const by = { actor: null, origin: NO_ORIGIN, reason: 'a test' };

let made = 0;
async function newGroup() {
  made += 1;
  const result = await groups.create(`group-${made}`, by);
  if (!result.ok) throw new Error(result.reason);
  return result.group;
}

async function newAccount(): Promise<string> {
  const account = { email: newEmail(), passwordHash: 'none', role: 'member', origin: NO_ORIGIN } as const;
  const result = await web.context.users.create(account);
  return result.ok ? result.user.id : '';
}

async function version(): Promise<number> {
  const [row] = await sql<{ version: string }>('SELECT version FROM application_version');
  return Number(row?.version);
}

async function eventsAfter(seq: number, types: string) {
  await worker.sealing.seal();
  const text =
    'SELECT type, subject_id AS subject, detail FROM audit_event WHERE seq > $1 AND type LIKE $2 ORDER BY seq';
  return sql<{ type: string; subject: string | null; detail: Record<string, unknown> }>(text, [seq, types]);
}

async function lastSeq(): Promise<number> {
  await worker.sealing.seal();
  return Number((await sql<{ seq: string }>('SELECT coalesce(max(seq), 0) AS seq FROM audit_event'))[0]?.seq);
}

async function enter(userId: string, application: TestApplication) {
  const [row] = await sql<{ id: string }>(
    'SELECT id FROM session WHERE user_id = $1 AND ended_at IS NULL AND application_id IS NULL',
    [userId],
  );
  return enterDirectly(web.context, { userId, sessionId: row?.id ?? '' }, application);
}

const open = (groupId: string, application: TestApplication) =>
  sql('INSERT INTO application_group VALUES ($1, $2)', [application.id, groupId]);

describe('a group', () => {
  test('is made once, whatever the capitals, and is found by any', async () => {
    const seq = await lastSeq();
    const before = await version();
    expect(await groups.create('  Staff_1-x ', by)).toMatchObject({ ok: true, group: { name: 'Staff_1-x' } });
    expect(await groups.create('STAFF_1-X', by)).toEqual({ ok: false, reason: 'name_taken' });
    expect(await groups.findByName('staff_1-X')).toMatchObject({ name: 'Staff_1-x', members: 0, applications: [] });
    expect(await version()).toBe(before + 1);
    expect(await eventsAfter(seq, 'group%')).toEqual([
      { type: 'group_created', subject: null, detail: { group: 'Staff_1-x', reason: 'a test' } },
    ]);
  });

  test.each(['', ' ', 'two words', 'comma,', 'Ünit', 'a.b', 'x'.repeat(65), 'new\nline', 'a/b'])(
    'is not called %j',
    async (name) => {
      const before = await version();
      expect(await groups.create(name, by)).toEqual({ ok: false, reason: 'bad_name' });
      expect(await version()).toBe(before);
    },
  );

  test('is made once when two ask at the same instant', async () => {
    const results = await Promise.all(['Twins', 'twins', 'TWINS', 'tWins'].map((name) => groups.create(name, by)));
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
  });

  test('lists its members by e-mail address, page by page, without those whose account was deleted', async () => {
    const group = await newGroup();
    const ids = await Promise.all([newAccount(), newAccount(), newAccount()]);
    for (const id of ids) expect(await groups.add(group.id, id, by)).toEqual({ ok: true });
    const first = await groups.members(group.id, { take: 2 });
    const rest = await groups.members(group.id, { after: first.at(-1)?.email ?? '', take: 2 });
    expect([...first, ...rest].map(({ userId }) => userId).sort()).toEqual([...ids].sort());
    expect((await groups.find(group.id))?.members).toBe(3);
  });
});

describe('a member', () => {
  test('is added and leaves once, each with an event about them', async () => {
    const group = await newGroup();
    const userId = await newAccount();
    const [seq, before] = [await lastSeq(), await version()];
    expect(await groups.add(group.id, userId, by)).toEqual({ ok: true });
    expect(await groups.add(group.id, userId, by)).toEqual({ ok: false, reason: 'unchanged' });
    expect(await groups.namesOf(userId)).toEqual([group.name]);
    expect(await groups.leave(group.id, userId, by)).toEqual({ ok: true });
    expect(await groups.leave(group.id, userId, by)).toEqual({ ok: false, reason: 'unchanged' });
    expect(await groups.of(userId)).toEqual([]);
    expect(await version()).toBe(before + 2);
    const detail = { group: group.name, reason: 'a test' };
    expect(await eventsAfter(seq, 'group%')).toEqual([
      { type: 'group_member_added', subject: userId, detail },
      { type: 'group_member_removed', subject: userId, detail },
    ]);
  });

  test('is nobody without an account, of no group, and of fifty groups at most', async () => {
    const group = await newGroup();
    const userId = await newAccount();
    expect(await groups.add(group.id, randomUUID(), by)).toEqual({ ok: false, reason: 'no_account' });
    expect(await groups.add(randomUUID(), userId, by)).toEqual({ ok: false, reason: 'no_group' });
    await sql(
      `WITH g AS (INSERT INTO account_group (id, name, name_key)
                  SELECT gen_random_uuid(), 'many-' || n, 'many-' || n FROM generate_series(1, 50) AS n RETURNING id)
       INSERT INTO group_member (group_id, user_id) SELECT id, $1 FROM g`,
      [userId],
    );
    expect(await groups.add(group.id, userId, by)).toEqual({ ok: false, reason: 'too_many' });
  });

  test('leaves every group when their account is deleted, with events, and their sessions end', async () => {
    const [one, two] = [await newGroup(), await newGroup()];
    const person = await newMember();
    for (const { id } of [one, two]) await groups.add(id, person.id, by);
    const [seq, before] = [await lastSeq(), await version()];
    const from = { at: new Date().toISOString(), device: 'a test', ip: null };
    const told = { language: 'en', from } as const;
    const request = { userId: person.id, sessionId: null, origin: NO_ORIGIN, told };
    expect(await web.context.accountDeletion.delete(request)).toEqual({ ok: true });
    expect(await version()).toBe(before + 1);
    expect(await sql('SELECT group_id FROM group_member WHERE user_id = $1', [person.id])).toEqual([]);
    const left = (await eventsAfter(seq, 'group%')).map(({ type, detail }) => [type, detail['group']]);
    expect(left).toEqual(expect.arrayContaining([one, two].map(({ name }) => ['group_member_removed', name])));
  });
});

describe('whoever leaves a group', () => {
  test('is out of what it alone let them into, in every process, and nowhere else', async () => {
    const [group, second] = [await newGroup(), await newGroup()];
    const byOne = await addApplication(sql, { everybody: false });
    const byTwo = await addApplication(sql, { everybody: false });
    const forAll = await addApplication(sql);
    await open(group.id, byOne);
    await open(group.id, byTwo);
    await open(second.id, byTwo);
    const [person, colleague] = [await newMember(), await newMember()];
    await groups.add(group.id, person.id, by);
    await groups.add(second.id, person.id, by);
    await groups.add(group.id, colleague.id, by);
    const [atOne, atTwo, atAll] = [
      await enter(person.id, byOne),
      await enter(person.id, byTwo),
      await enter(person.id, forAll),
    ];
    const theirs = await enter(colleague.id, byOne);
    expect(await groups.leave(group.id, person.id, by)).toEqual({ ok: true });
    for (const { context } of [web, other]) {
      expect(await stateOf(context, atOne)).toBe('entry_lost');
      for (const session of [atTwo, atAll, theirs]) expect(await stateOf(context, session)).toBe('live');
    }
    expect(await person.browser.profile()).toBe(200);
  });

  test('is out by the end of the group too, and the events say by which', async () => {
    const group = await newGroup();
    const application = await addApplication(sql, { everybody: false });
    await open(group.id, application);
    const person = await newMember();
    await groups.add(group.id, person.id, by);
    const session = await enter(person.id, application);
    const seq = await lastSeq();
    expect(await groups.remove(group.id, by)).toMatchObject({ members: 1, applications: [application.slug] });
    expect(await groups.remove(group.id, by)).toBeNull();
    expect(await stateOf(other.context, session)).toBe('entry_lost');
    const events = await eventsAfter(seq, '%');
    expect(events).toEqual([
      {
        type: 'group_member_removed',
        subject: person.id,
        detail: { group: group.name, because: 'group_removed', reason: 'a test' },
      },
      {
        type: 'group_removed',
        subject: null,
        detail: { group: group.name, members: 1, applications: application.slug, reason: 'a test' },
      },
      expect.objectContaining({ type: 'session_ended', subject: person.id }),
    ]);
    expect(events[2]?.detail).toMatchObject({ reason: 'entry_lost', note: 'a test', application: application.slug });
  });
});

test('every change left an event in its transaction', async () => {
  for (const place of ['account_group', 'group_member']) {
    expect(await changesOf(stores.database, place)).toBeGreaterThan(0);
  }
});

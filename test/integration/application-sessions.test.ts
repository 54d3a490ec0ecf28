// A session at an application ends whenever the one that it hangs on does, in every process, and is nobody's own session.
import { describe, expect, test } from '@jest/globals';
import Keygrip from 'keygrip';
import pg from 'pg';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { hashApplicationToken, hashToken } from '../../src/core/credentials/random-token.ts';
import { nameOf } from '../../src/core/sessions/cache-entry.ts';
import { Prisma } from '../../src/generated/prisma/client.ts';
import { handlers } from '../../worker/handlers.ts';
import { PASSWORD, SESSION_COOKIE } from '../support/app.ts';
import { addApplication, addGroup, enterDirectly, stateOf } from '../support/applications.ts';
import { type Person, world } from '../support/world.ts';

const { stores, web, other, worker, redis, sql, newMember, newOperator, startWeb } = await world({
  webs: 2,
  worker: true,
});
const wiki = await addApplication(sql);

async function sessionsOf(userId: string) {
  const text = `SELECT id, parent_id AS "parentId", login_id AS "loginId", end_reason AS reason FROM session
                 WHERE user_id = $1 ORDER BY created_at, id`;
  const rows = await sql<{ id: string; parentId: string | null; loginId: string | null; reason: string | null }>(text, [
    userId,
  ]);
  return { people: rows.filter((row) => row.parentId === null), children: rows.filter((row) => row.parentId !== null) };
}

async function liveIdOf({ id }: Person): Promise<string> {
  const { people } = await sessionsOf(id);
  return people.find(({ reason }) => reason === null)?.id ?? '';
}

async function entered(person: Person, application = wiki) {
  return enterDirectly(web.context, { userId: person.id, sessionId: await liveIdOf(person) }, application);
}

async function eventsOf(sessionId: string) {
  await worker.sealing.seal();
  const text = 'SELECT type, detail FROM audit_event WHERE session_id = $1 ORDER BY seq';
  return sql<{ type: string; detail: Record<string, unknown> }>(text, [sessionId]);
}

const { username, pathname } = new URL(stores.database.webUrl);
const [role, database] = [username, pathname.slice(1)].map(decodeURIComponent);

/** A process that meets rows as in a large table: in the order of the index that finds them. */
async function webByIndexes() {
  for (const way of ['enable_seqscan', 'enable_bitmapscan', 'enable_hashagg', 'enable_hashjoin'])
    await sql(`ALTER ROLE "${role}" IN DATABASE "${database}" SET ${way} = off`);
  const { context } = await startWeb();
  await sql(`ALTER ROLE "${role}" IN DATABASE "${database}" RESET ALL`);
  return context;
}

/** Begins one after the other while somebody holds the lock of `held`, so that the second finds the first waiting for it. */
async function meetAt(held: string, one: () => Promise<unknown>, other: () => Promise<unknown>) {
  const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = $1 AND datname = $2`;
  const untilWaiting = (most: number) => until(async () => (await sql(waiting, [role, database])).length === most);
  const holder = new pg.Client({ connectionString: stores.database.superuserUrl });
  await holder.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT FROM session WHERE id = $1 FOR UPDATE', [held]);
    const first = one();
    await untilWaiting(1);
    const both = Promise.allSettled([first, other()]);
    await untilWaiting(2);
    await holder.query('COMMIT');
    expect((await both).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  } finally {
    await holder.end();
  }
}

const REVOKED = { reason: 'revoked', actor: null, origin: NO_ORIGIN } as const;

describe('of two who lock some of the same sessions one waits for the other, and never both:', () => {
  test('who ends those of an application, and who ends those of people', async () => {
    const context = await webByIndexes();
    const application = await addApplication(sql);
    const people: Person[] = [];
    for (let count = 0; count < 6; count += 1) people.push(await newMember());
    // The indexes have them by person, and by session: the other way round.
    for (const person of people.toReversed()) {
      await person.browser.logOut();
      await person.browser.logIn(person.email);
    }
    const sessionIds = await Promise.all(people.map(liveIdOf));
    const children: string[] = [];
    for (const person of people) children.push((await entered(person, application)).record.owner.id);
    await meetAt(
      children[2] ?? '',
      () => context.applications.endSessions(application.id, { actor: null, origin: NO_ORIGIN }),
      () =>
        context.database.transact((transaction) => context.sessions.endWithin(transaction, { sessionIds }, REVOKED)),
    );
    const ended = await sessionsOf(people[0]?.id ?? '');
    expect(ended.children.map(({ reason }) => reason)).not.toContain(null);
  });

  test.each(['written down', 'touched'])(
    'a session at an application that is %s, and the end of its younger parent',
    async (how) => {
      const { sessionTable, sessions, database: stored } = await webByIndexes();
      const person = await newMember();
      const { tokenHash, record } = await entered(person);
      const replaced = { sessionId: await liveIdOf(person), userId: person.id, origin: NO_ORIGIN };
      await stored.transact((transaction) => sessions.replaceWithin(transaction, replaced));
      // Whichever index finds them has that at the application first.
      await sql(
        `UPDATE session SET (last_seen_at, idle_deadline) = (SELECT now() - n * interval '1 hour', now() + interval '3 hours' / n
                            FROM (SELECT CASE WHEN application_id IS NULL THEN 1 ELSE 2 END) AS place(n)) WHERE user_id = $1`,
        [person.id],
      );
      const sessionIds = [await liveIdOf(person)];
      const { id } = record.owner;
      await meetAt(
        id,
        () => (how === 'touched' ? sessionTable.touch(id) : sessionTable.writeLastSeen([{ tokenHash, ageMs: 0 }])),
        () => stored.transact((transaction) => sessions.endWithin(transaction, { sessionIds }, REVOKED)),
      );
      expect((await sessionsOf(person.id)).people.map(({ reason }) => reason)).toEqual(['replaced', 'revoked']);
    },
  );
});

describe('a session at an application ends', () => {
  test('when its person logs out: in the same transaction, in Redis before the answer, in every process, with its event', async () => {
    const person = await newMember();
    const child = await entered(person);
    for (const { context } of [web, other]) expect(await stateOf(context, child)).toBe('live');
    await person.browser.logOut();
    expect(await redis.get(`hf:s:${nameOf(child.tokenHash)}`)).toBe('Elogged_out');
    for (const { context } of [web, other]) expect(await stateOf(context, child)).toBe('logged_out');
    const [parentEnd, childEnd] = await sql<{ ended: string }>(
      'SELECT xmin::text AS ended FROM session WHERE user_id = $1 ORDER BY parent_id NULLS FIRST',
      [person.id],
    );
    expect(childEnd).toEqual(parentEnd);
    const events = await eventsOf(child.record.owner.id);
    expect(events.map(({ type }) => type)).toEqual(['application_entered', 'session_ended']);
    expect(events[1]?.detail).toEqual({ reason: 'logged_out', application: wiki.slug });
  });

  test.each([
    ['all sessions of an account', (id: string) => ({ userId: id })],
    ['one by its id', async (_id: string, person: Person) => ({ sessionId: await liveIdOf(person) })],
  ])('with %s', async (_what, which) => {
    const person = await newMember();
    const child = await entered(person);
    const about = { reason: 'revoked_by_operator', actor: null, origin: NO_ORIGIN } as const;
    await other.context.sessions.end(await which(person.id, person), about);
    expect(await stateOf(web.context, child)).toBe('revoked_by_operator');
  });

  test('but not when its person ends their other sessions, whose own do', async () => {
    const person = await newMember();
    const kept = await entered(person);
    const id = await liveIdOf(person);
    const about = { reason: 'revoked', actor: person.id, origin: NO_ORIGIN } as const;
    await web.context.sessions.end({ userId: person.id, exceptSessionId: id }, about);
    expect(await stateOf(other.context, kept)).toBe('live');
  });

  test('when everybody’s sessions end, that of whoever gave the order too', async () => {
    const [person, operator] = [await newMember(), await newOperator()];
    const [one, two] = [await entered(person), await entered(operator)];
    const kept = await liveIdOf(operator);
    const order = { actor: operator.id, origin: NO_ORIGIN, reason: 'a test', kept };
    expect(await web.context.endAllSessions.ask(order)).toBe(true);
    expect(await stateOf(web.context, one)).toBe('revoked_by_operator');
    expect(await stateOf(web.context, two)).toBe('revoked_by_operator');
    await worker.endAllSessions.endRemaining();
    const { children, people } = await sessionsOf(operator.id);
    expect(children.map(({ reason }) => reason)).toEqual(['revoked_by_operator']);
    expect(people.find(({ id }) => id === kept)?.reason).toBeNull();
    expect((await web.context.endAllSessions.newest())?.done).toBe(true);
  });

  test('when its person’s expires, and when it is idle itself', async () => {
    const [one, two] = [await newMember(), await newMember()];
    const [hangs, idle] = [await entered(one), await entered(two)];
    const past = "idle_deadline = clock_timestamp() - interval '1 hour'";
    await sql(`UPDATE session SET ${past} WHERE user_id = $1 AND parent_id IS NULL`, [one.id]);
    await sql(`UPDATE session SET ${past} WHERE user_id = $1 AND parent_id IS NOT NULL`, [two.id]);
    await handlers['cleanup-sessions'](worker, {});
    expect(await stateOf(web.context, hangs)).toBe('expired');
    expect(await stateOf(web.context, idle)).toBe('expired');
    expect((await sessionsOf(two.id)).people.map(({ reason }) => reason)).toContain(null);
    expect((await eventsOf(hangs.record.owner.id)).at(-1)?.type).toBe('session_expired');
  });

  test('when a process of an older version ends its person’s, with an event, at the latest when the worker seals it', async () => {
    const person = await newMember();
    const child = await entered(person);
    await query(
      stores.database.webUrl,
      `UPDATE session SET ended_at = clock_timestamp(), end_reason = 'replaced' WHERE id = $1`,
      [await liveIdOf(person)],
    );
    await worker.sealing.seal();
    for (const { context } of [web, other]) expect(await stateOf(context, child)).toBe('replaced');
    const events = await eventsOf(child.record.owner.id);
    expect(events.at(-1)).toMatchObject({ type: 'session_ended', detail: { reason: 'replaced' } });
  });
});

test('it moves along when its person’s session is replaced, and still ends with it', async () => {
  const person = await newMember();
  const child = await entered(person);
  const before = await liveIdOf(person);
  expect((await person.browser.submit('/confirm', { password: PASSWORD })).status).toBe(303);
  const { people, children } = await sessionsOf(person.id);
  const after = people.find(({ reason }) => reason === null);
  expect(after?.id).not.toBe(before);
  expect(after?.loginId).toBe(before);
  expect(children).toMatchObject([{ parentId: after?.id, loginId: before, reason: null }]);
  for (const { context } of [web, other]) expect(await stateOf(context, child)).toBe('live');
  await person.browser.logOut();
  for (const { context } of [web, other]) expect(await stateOf(context, child)).toBe('logged_out');
});

describe('it is nobody’s own session', () => {
  const keygrip = new Keygrip([...web.config.sessionKeys], 'sha256', 'base64');
  const cookieOf = (token: string) => `${SESSION_COOKIE}=${token}.${keygrip.sign(token)}`;

  test('its token opens no page, and a person’s token no application', async () => {
    const person = await newMember();
    const child = await entered(person);
    const answer = await fetch(`${web.url}/profile`, {
      headers: { cookie: cookieOf(child.token) },
      redirect: 'manual',
    });
    expect(answer.status).toBe(303);
    expect(hashApplicationToken(child.token)).not.toEqual(hashToken(child.token));
    expect(child.tokenHash).toEqual(hashApplicationToken(child.token));
    const planted = Buffer.from(hashToken(child.token)); // as if it were stored under the hash of a person's
    await sql('UPDATE session SET token_hash = $1 WHERE id = $2', [planted, child.record.owner.id]);
    const again = await fetch(`${web.url}/profile`, { headers: { cookie: cookieOf(child.token) }, redirect: 'manual' });
    expect(again.status).toBe(303);
  });

  test('it is not listed among them, takes no place among those that an account may have, and is never surplus', async () => {
    const person = await newMember();
    for (let count = 0; count < 3; count += 1) await entered(person, await addApplication(sql));
    expect(await web.context.sessions.list(person.id)).toHaveLength(1);
    expect(await web.context.sessions.listAtApplications(person.id)).toHaveLength(3);
    await web.context.database.transact(async (transaction) => {
      await web.context.sessions.makeRoomWithin(transaction, person.id, NO_ORIGIN);
    });
    const few = await query<{ count: number }>(
      stores.database.superuserUrl,
      'SELECT count(*)::int AS count FROM session WHERE user_id = $1 AND ended_at IS NULL',
      [person.id],
    );
    expect(few).toEqual([{ count: 4 }]);
  });
});

test('its use keeps its person’s session from being idle', async () => {
  const person = await newMember();
  const child = await entered(person);
  const seen = 'last_seen_at, idle_deadline FROM session WHERE user_id = $1 AND parent_id IS NULL';
  await sql(
    `UPDATE session SET last_seen_at = last_seen_at - interval '2 hours', idle_deadline = idle_deadline - interval '2 hours'
      WHERE user_id = $1`,
    [person.id],
  );
  const [before] = await sql<Record<string, Date>>(`SELECT ${seen}`, [person.id]);
  await redis.zadd('hf:touched', Date.now(), nameOf(child.tokenHash));
  await worker.sessionCache.flushTouches();
  const [after] = await sql<Record<string, Date>>(`SELECT ${seen}`, [person.id]);
  expect(Number(after?.['idle_deadline']) - Number(before?.['idle_deadline'])).toBeGreaterThan(3_600_000);
});

describe('the registry ends', () => {
  const end = (which: Parameters<typeof web.context.applicationSessions.endWithin>[1]) =>
    web.context.database.transact((transaction) => {
      const why = { reason: 'entry_lost', actor: null, origin: NO_ORIGIN, note: 'a test' } as const;
      return web.context.applicationSessions.endWithin(transaction, which, why);
    });

  test('all of one application, or those of some people, and no other', async () => {
    const [one, two] = [await newMember(), await newMember()];
    const [mine, yours] = [await addApplication(sql), await addApplication(sql)];
    const all = [
      await entered(one, mine),
      await entered(two, mine),
      await entered(one, yours),
      await entered(two, yours),
    ];
    const states = () => Promise.all(all.map((session) => stateOf(other.context, session)));
    const counts = await web.context.applicationSessions.counts();
    expect([counts.get(mine.id), counts.get(yours.id)]).toEqual([2, 2]);
    expect(await end({ applicationId: mine.id, userIds: [one.id] })).toBe(1);
    expect(await states()).toEqual(['entry_lost', 'live', 'live', 'live']);
    const left = await web.context.applicationSessions.list(mine.id, 10);
    expect(left).toMatchObject([{ id: all[1]?.record.owner.id, userId: two.id, email: two.email }]);
    expect(await end({ applicationId: mine.id })).toBe(1);
    expect(await states()).toEqual(['entry_lost', 'entry_lost', 'live', 'live']);
    expect(await one.browser.profile()).toBe(200);
  });

  test('those of an application whose owners are not among some, or came without a second factor', async () => {
    const [inside, left] = [await newMember(), await newMember()];
    const application = await addApplication(sql, { everybody: false });
    const group = await addGroup(sql, `staff-${application.slug}`, { applicationId: application.id });
    await sql('INSERT INTO group_member (group_id, user_id) VALUES ($1, $2)', [group, inside.id]);
    const [stays, goes] = [await entered(inside, application), await entered(left, application)];
    const exceptOf = Prisma.sql`SELECT user_id FROM group_member WHERE group_id = ${group}::uuid`;
    expect(await end({ applicationId: application.id, exceptOf })).toBe(1);
    for (const { context } of [web, other]) expect(await stateOf(context, goes)).toBe('entry_lost');
    expect(await stateOf(other.context, stays)).toBe('live');
    await sql(`UPDATE session SET proved = 'password+totp' WHERE id = $1`, [stays.record.owner.id]);
    expect(await end({ applicationId: application.id, withoutSecondFactor: true })).toBe(0);
    await sql(`UPDATE session SET proved = 'password' WHERE id = $1`, [stays.record.owner.id]);
    expect(await end({ applicationId: application.id, withoutSecondFactor: true })).toBe(1);
  });
});

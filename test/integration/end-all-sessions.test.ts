// The end of everybody's sessions: at once in every process, but for the operator who asked; then row by row, each with its event.
import { expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { PASSWORD } from '../support/app.ts';
import { OUT_WITHIN_MS } from '../support/shared-out.ts';
import { world } from '../support/world.ts';

const PATH = '/operator/sessions/end-all';

const { web, other, worker, sql, newMember, newOperator } = await world({ webs: 2, worker: true });

test('counts at once in every process, the rows follow, and whoever asked stays', async () => {
  const chief = await newOperator();
  const colleague = await newOperator();
  const people = await Promise.all([newMember(), newMember(other.url), newMember(other.url)]);
  expect((await chief.browser.submit(PATH, { reason: '', word: 'everybody' }, PATH)).status).toBe(422);
  expect((await chief.browser.submit(PATH, { reason: 'a stolen backup', word: 'every' }, PATH)).status).toBe(422);
  expect(await people[0].browser.profile()).toBe(200);

  const asked = await chief.browser.submit(PATH, { reason: 'a stolen backup', word: 'Everybody' }, PATH);
  expect(asked.headers['location']).toBe('/operator?done=everybody-ended');
  // Here at once, elsewhere within a second: no row has ended yet.
  expect(await people[0].browser.profile()).toBe(303);
  expect((await people[0].browser.get('/login')).text).toContain('An operator ended this session');
  expect(await colleague.browser.profile()).toBe(303);
  await until(async () => (await people[1].browser.profile()) === 303, OUT_WITHIN_MS);
  expect(await people[2].browser.profile()).toBe(303);
  expect(await sql('SELECT FROM session WHERE end_reason = $1', ['revoked_by_operator'])).toHaveLength(0);
  expect(await web.context.sessions.list(people[0].id)).toEqual([]);
  expect((await chief.browser.get('/operator')).text).toContain('0 records are ended so far');

  expect((await people[1].browser.logIn(people[1].email)).status).toBe(303);
  expect(await people[1].browser.profile()).toBe(200);

  expect(await worker.endAllSessions.endRemaining()).toBe(4);
  expect(await worker.endAllSessions.endRemaining()).toBe(0);
  await sql("UPDATE everybody_ended SET asked_at = asked_at - interval '1 minute'");
  await worker.endAllSessions.endRemaining();
  await worker.sealing.seal();
  expect(await people[1].browser.profile()).toBe(200);
  expect(await chief.browser.profile()).toBe(200);
  const events = await sql<{ type: string; actor_id: string; detail: unknown }>(
    `SELECT type, actor_id, detail FROM audit_event
      WHERE type IN ('sessions_all_end_asked', 'sessions_all_ended') OR detail->>'note' IS NOT NULL ORDER BY seq`,
  );
  const ending = {
    type: 'session_ended',
    actor_id: chief.id,
    detail: { reason: 'revoked_by_operator', note: 'a stolen backup' },
  };
  expect(events).toEqual([
    { type: 'sessions_all_end_asked', actor_id: chief.id, detail: { reason: 'a stolen backup' } },
    ...[ending, ending, ending, ending],
    { type: 'sessions_all_ended', actor_id: chief.id, detail: { sessions: 4 } },
  ]);
});

test('leaves no way by which an ended session goes on: not as another one, with another password, nor by ending everybody’s itself', async () => {
  const { browser, id } = await newMember(other.url);
  const [session] = await sql<{ id: string }>('SELECT id FROM session WHERE user_id = $1', [id]);
  const sessionId = session?.id ?? '';
  expect(await web.context.endAllSessions.ask({ actor: null, origin: NO_ORIGIN, reason: 'a drill', kept: null })).toBe(
    true,
  );
  // In the other process, at once: it may not have heard yet.
  const { sessions, database, endAllSessions, passwordChanges } = other.context;
  const replaced = await database.prisma.$transaction((transaction) =>
    sessions.replaceWithin(transaction, { sessionId, userId: id, origin: NO_ORIGIN }),
  );
  expect(replaced).toBeNull();
  expect(await sessions.isRecent(sessionId, 60_000)).toBe(false);
  for (const current of [PASSWORD, 'not the password']) {
    const told = { language: 'en', from: { at: '', device: '', ip: '' } } as const;
    const change = { userId: id, sessionId, current, password: 'another long password', origin: NO_ORIGIN, told };
    expect(await passwordChanges.change(change)).toEqual({ ok: false, reason: 'session_ended' });
  }
  expect(await endAllSessions.ask({ actor: id, origin: NO_ORIGIN, reason: 'mine first', kept: sessionId })).toBe(false);
  expect(await sql('SELECT FROM everybody_ended WHERE kept_session_id = $1', [sessionId])).toHaveLength(0);
  await until(async () => (await browser.profile()) === 303, OUT_WITHIN_MS);
});

test('goes on while Redis is away, and from the command line nobody stays', async () => {
  const { browser, email } = await newMember();
  await other.context.endAllSessions.ask({ actor: null, origin: NO_ORIGIN, reason: 'a drill', kept: null });
  await until(async () => (await browser.profile()) === 303, OUT_WITHIN_MS);
  web.context.redis.disconnect();
  await until(() => !web.context.sessionCache.health().redis);
  expect(await browser.profile()).toBe(303);
  expect((await browser.logIn(email)).status).toBe(303);
  expect(await browser.profile()).toBe(200);
});

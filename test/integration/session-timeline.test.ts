// A session as an operator follows it: from the log-in, with what led to it, over every session of that log-in and what others did
// to the account, to its end and why; while it lives, once it has ended, and once its row is gone.
import { expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { MOST_OF_SESSIONS } from '../../src/core/audit/reading/session-events.ts';
import { readSessionTimeline } from '../../src/core/sessions/session-timeline.ts';
import { Browser, newEmail, PASSWORD } from '../support/app.ts';
import { addApplication, enterDirectly } from '../support/applications.ts';
import { linkTo } from '../support/page.ts';
import { world } from '../support/world.ts';

const { web, worker, sql, newMember, newOperator } = await world({ worker: true });
const { browser: operator, id: operatorId, email: operatorEmail } = await newOperator();

const UNKNOWN = '018f0000-0000-7000-8000-00000000dead';

async function sessionOf(userId: string): Promise<string> {
  const [row] = await sql<{ id: string }>(
    'SELECT id FROM session WHERE user_id = $1 AND application_id IS NULL ORDER BY created_at DESC, id DESC LIMIT 1',
    [userId],
  );
  return row?.id ?? '';
}

/** The titles of the timeline's rows, each with its kind. */
function titles(html: string): string[] {
  const list = /<ol class="timeline".*?<\/ol>/s.exec(html)?.[0] ?? '';
  return [...list.matchAll(/<li class="(\w+)[^"]*">.*?<bdi>([^<]*)<\/bdi>/gs)].map(
    ([, kind, title]) => `${kind}: ${title}`,
  );
}

async function open(id: string, browser = operator): Promise<string> {
  await worker.sealing.seal();
  const { status, text } = await browser.get(`/operator/sessions/${id}`);
  expect(status).toBe(200);
  return text;
}

test('tells of a log-in from what led to it to its end, and of what was done to it', async () => {
  const email = newEmail();
  const { id } = await registered(email);
  const browser = new Browser(web.url);
  await browser.logIn(email, 'not the password at all');
  await browser.logIn(email);
  const first = await sessionOf(id);
  await browser.get('/operator'); // refused
  const application = await addApplication(sql);
  await enterDirectly(web.context, { userId: id, sessionId: first }, application);
  await browser.submit('/confirm', { password: PASSWORD, next: '/profile' }, '/confirm?next=%2Fprofile');
  const second = await sessionOf(id);
  expect(second).not.toBe(first);
  const live = await open(second);
  expect(titles(live)).toEqual([
    'before: Account created',
    'before: Log-in refused',
    'inside: Session began',
    'inside: Logged in',
    'inside: Access refused',
    'inside: Entered an application',
    'inside: Session ended',
    'inside: Session began',
    'inside: Identity confirmed',
  ]);
  expect(live).toContain('another session of this log-in');
  expect(live).toContain('session at Application 1');
  expect(live).toContain('reason: a newer session of the same browser took its place');
  expect(live).toContain('>End this session</a>');
  expect(live).toContain('It ends at the latest');
  expect(live).toContain('<dt>Proved with</dt><dd>a password</dd>');

  await operator.submit(`/operator/users/${id}/sessions/${second}/revoke`, { reason: 'somebody else' });
  const ended = await open(second);
  expect(titles(ended).at(-1)).toBe('inside: Session ended');
  expect(ended).toContain(`<bdi>${operatorEmail}</bdi>`);
  expect(ended).toContain('note: somebody else');
  expect(ended).toContain('an operator ended it');
  expect(ended).not.toContain('>End this session</a>');
  expect(ended).not.toContain('It ends at the latest');
  // The same story by any of its sessions.
  expect(titles(await open(first))).toEqual(titles(ended));
});

async function registered(email: string): Promise<{ id: string }> {
  await new Browser(web.url).register(email);
  return { id: (await web.context.users.findByEmail(email))?.id ?? '' };
}

test('shows what operators did to the account meanwhile, but not who looked, nor what came after the end', async () => {
  const { id } = await newMember();
  const session = await sessionOf(id);
  const by = { actor: operatorId, origin: NO_ORIGIN } as const;
  await operator.get(`/operator/users/${id}`); // a look
  await web.context.users.setRole(id, 'operator', by); // ends the session
  await web.context.users.setRole(id, 'member', by); // after the end
  const shown = titles(await open(session));
  expect(shown.filter((title) => title === 'meanwhile: Role changed')).toHaveLength(1);
  expect(shown.at(-1)).toMatch(/Role changed|Session ended/);
  expect(shown.join()).not.toContain('looked at');
});

test('is one look at its person, is linked from their page and from an event, and 404 for what was never a session', async () => {
  const { id } = await newMember();
  const session = await sessionOf(id);
  const { browser: reader, id: readerId } = await newOperator();
  await open(session, reader);
  await open(session, reader);
  await worker.sealing.seal();
  const looks = await sql(
    `SELECT subject_id, detail FROM audit_event WHERE type = 'sensitive_read' AND actor_id = $1`,
    [readerId],
  );
  expect(looks).toEqual([{ subject_id: id, detail: { what: 'session' } }]);

  const person = (await operator.get(`/operator/users/${id}`)).text;
  expect(linkTo(person, 'From log-in to now')).toBe(`/operator/sessions/${session}`);
  const [event] = await sql<{ seq: string }>('SELECT seq FROM audit_event WHERE session_id = $1 LIMIT 1', [session]);
  expect((await operator.get(`/operator/audit/${event?.seq}`)).text).toContain(`href="/operator/sessions/${session}"`);
  await web.context.sessions.end(
    { sessionId: session, ownerId: id },
    { reason: 'logged_out', actor: id, origin: NO_ORIGIN },
  );
  const after = (await operator.get(`/operator/users/${id}`)).text;
  expect(linkTo(after, 'From log-in to end')).toBe(`/operator/sessions/${session}`);
  for (const none of [UNKNOWN, id, 'x', 'END-ALL'])
    expect((await operator.get(`/operator/sessions/${none}`)).status).toBe(404);
  expect((await operator.get('/operator/sessions/end-all')).status).toBe(200);
});

test('goes on from the log alone once the row is gone, and stays short where there is very much', async () => {
  const { id, email } = await newMember();
  const session = await sessionOf(id);
  await sql(
    `INSERT INTO outbox (event) SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'type', 'authz_fail', 'outcome', 'failure',
       'occurredAt', '2026-11-24T09:00:00.000Z', 'actor', $1::text, 'subject', NULL, 'session', $2::text, 'requestId', 'r', 'ip', '203.0.113.9',
       'userAgent', NULL, 'detail', jsonb_build_object('n', n)) FROM generate_series(1, $3) AS n`,
    [id, session, MOST_OF_SESSIONS + 10],
  );
  await worker.sealing.seal();
  const timeline = await readSessionTimeline(web.context.database.pool, session);
  expect(timeline.inside).toHaveLength(MOST_OF_SESSIONS);
  expect(timeline.cut).toBe(true);
  await sql('DELETE FROM session WHERE id = $1', [session]);
  const text = await open(session);
  expect(text).toContain('Its record is gone');
  expect(text).toContain(email);
  expect(text).toContain('The log holds more of it.');
  expect(titles(text)).toContain('inside: Session began');
});

test('a session whose events wait to be sealed has its facts already', async () => {
  const { id } = await newMember();
  await sql('DELETE FROM outbox');
  const { status, text } = await operator.get(`/operator/sessions/${await sessionOf(id)}`);
  expect(status).toBe(200);
  expect(text).toContain('None of its events is sealed yet');
});

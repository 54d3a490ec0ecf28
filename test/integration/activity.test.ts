// What people read of the log about their own account, and what they do with it: "this wasn't me" beside each log-in, the
// browsers that are known, what each session shows of itself.
import { expect, test } from '@jest/globals';
import { query } from '../../harness/query.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { ACTIVITY_OF_A_PERSON } from '../../src/core/audit/reading/activity.ts';
import { Browser, PASSWORD } from '../support/app.ts';
import { enrol } from '../support/factors.ts';
import { world } from '../support/world.ts';

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0';
const ACTIVITY = '/account/activity';
const SESSIONS = '/account/sessions';

const { stores, web, worker, sql, newMember, newOperator } = await world({ worker: true, watched: true });

async function read(browser: Browser, path = ACTIVITY): Promise<string[]> {
  await worker.sealing.seal();
  const { text } = await browser.get(path);
  return [...text.matchAll(/<p class="device">(.*?)<\/p>/g)].map(([, row = '']) =>
    row
      .replaceAll(/<[^>]+>/g, '')
      .replace(/^! /, '')
      .trim(),
  );
}

async function logIn(email: string, userAgent = FIREFOX): Promise<Browser> {
  const browser = new Browser(web.url);
  browser.agent.set('User-Agent', userAgent);
  expect((await browser.logIn(email)).status).toBe(303);
  return browser;
}

const notMe = (html: string) =>
  [...html.matchAll(/href="(\/account\/activity\/\d+\/not-me)"/g)].map(([, to]) => to ?? '');

async function age(id: string): Promise<void> {
  await sql(`UPDATE session SET created_at = created_at - interval '11 minutes', proved_at = NULL WHERE user_id = $1`, [
    id,
  ]);
}

test('log-ins, failures, new browsers and changes are sentences, the newest first, in both languages', async () => {
  const { email, browser } = await newMember();
  await new Browser(web.url).logIn(email, 'not the password');
  await logIn(email);
  await enrol(browser);
  await browser.submit('/language', { language: 'de' }, '/profile');
  expect((await read(browser)).slice(-4)).toEqual([
    'Es war die erste Anmeldung mit diesem Browser.',
    'Anmeldung mit einem Passwort.',
    'Eine Anmeldung schlug fehl: Das Passwort war falsch.',
    'Das Konto wurde angelegt.',
  ]);
  await browser.submit('/language', { language: 'en' }, '/profile');
  expect(await read(browser)).toEqual([
    'The language was changed.',
    'The language was changed.',
    'Known browsers were forgotten, on request or for safety after a change.',
    'A session ended.',
    'An authenticator app was set up.',
    'It was the first log-in with this browser.',
    'Logged in with a password.',
    'A log-in failed: the password was wrong.',
    'The account was created.',
  ]);
  const { text } = await browser.get(ACTIVITY);
  expect(text).toContain('Firefox on Windows');
  expect(text).toContain('aria-current="page">Activity');
});

test('nobody reads of others, nor where an operator was', async () => {
  const [one, other, operator] = [await newMember(), await newMember(), await newOperator()];
  const from = { ip: '203.0.113.99', userAgent: 'Operator/1.0', requestId: null };
  await web.context.users.setRole(one.id, 'operator', { actor: operator.id, origin: from });
  await web.context.users.setRole(one.id, 'member', { actor: operator.id, origin: from });
  const again = await logIn(one.email);
  expect(await read(again)).toContain('Your account is a member’s from now on.');
  const { text } = await again.get(ACTIVITY);
  expect(text).toContain('by an operator');
  expect(text).not.toContain('203.0.113.99');
  expect(text).not.toContain(operator.email);
  expect(await read(other.browser)).toEqual(['The account was created.']);
  const [theirs = ''] = notMe((await (await logIn(one.email)).get(ACTIVITY)).text);
  expect((await other.browser.get(theirs)).status).toBe(404);
  expect((await other.browser.submit(theirs, {}, '/profile')).status).toBe(404);
});

test('what a command did was by an operator too, and neither who gave it nor where is said', async () => {
  const one = await newMember();
  const command = { user: 'root-of-all', host: 'inner.example', reason: 'her neighbour complained' };
  await web.context.devices.forgetAll(one.id, { actor: null, origin: { ...NO_ORIGIN, command } });
  await worker.sealing.seal();
  const [newest] = (await web.context.activityLog.page(one.id, null, 50)).activities;
  expect([newest?.type, newest?.by]).toEqual(['known_devices_forgotten', 'operator']);
  const { text } = await one.browser.get(ACTIVITY);
  expect(text).toContain('by an operator');
  expect(text).not.toMatch(/root-of-all|inner\.example|neighbour/);
});

test('that an operator secured the account stands in its order, by an operator, without the reason', async () => {
  const [one, operator] = [await newMember(), await newOperator()];
  const by = { actor: operator.id, origin: NO_ORIGIN, reason: 'its owner called' };
  await web.context.secureAccount.secure({ userId: one.id, by });
  await web.context.users.setDisabled(one.id, true, by);
  await worker.sealing.seal();
  const { activities } = await web.context.activityLog.page(one.id, null, 50);
  const [after, secured] = activities;
  expect([after?.type, secured?.type]).toEqual(['user_disabled', 'user_secured']);
  expect(activities.map(({ seq }) => seq)).toEqual(activities.map(({ seq }) => seq).toSorted((a, b) => b - a));
  expect(activities.map(({ type }) => type)).toContain('known_devices_forgotten');
  await web.context.users.setDisabled(one.id, false, by);
  await sql(
    'UPDATE user_account SET password_hash = (SELECT password_hash FROM user_account WHERE id = $2) WHERE id = $1',
    [one.id, operator.id],
  );
  const again = await logIn(one.email);
  expect(await read(again)).toContain(
    'The account was secured: every session ended, and the password is no longer valid.',
  );
  expect((await again.get(ACTIVITY)).text).not.toContain('its owner called');
});

test('a page holds fifty, and older ones follow; what is older than ninety days is not shown', async () => {
  const { browser, id } = await newMember();
  await worker.sealing.seal();
  const copies = `INSERT INTO outbox (event) SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'occurredAt', $2::text,
      'type', 'user_data_exported', 'outcome', 'success', 'actor', $1::text, 'subject', $1::text, 'session', NULL,
      'requestId', NULL, 'ip', NULL, 'userAgent', NULL, 'detail', '{}'::jsonb) FROM generate_series(1, 70)`;
  await sql(copies, [id, new Date().toISOString()]);
  expect(await read(browser)).toHaveLength(50);
  const older = /href="(\/account\/activity\?before=\d+)"/.exec((await browser.get(ACTIVITY)).text)?.[1] ?? '';
  expect(await read(browser, older)).toHaveLength(21);
  expect((await browser.get(`${ACTIVITY}?before=x'`)).status).toBe(200);
});

test('the rows are found in order by an index that has nothing else', async () => {
  const user = '00000000-0000-7000-8000-000000000001';
  await sql('SELECT audit_ensure_partitions(1)');
  const text = ACTIVITY_OF_A_PERSON.replaceAll('$1', `'${user}'`)
    .replaceAll('$2', '9000000')
    .replaceAll('$3', '1e9')
    .replaceAll('$4', '51');
  const plan = (await query<{ 'QUERY PLAN': string }>(stores.database.webUrl, `EXPLAIN ${text}`))
    .map((row) => row['QUERY PLAN'])
    .join('\n');
  for (const index of ['subject_id_seq_idx', 'rare_activity_idx']) expect(plan).toContain(index);
  expect(plan).not.toContain('Seq Scan');
});

test('"This wasn’t me" ends every other session, forgets the browsers and leads to a new password', async () => {
  const { email, browser, id } = await newMember();
  const stranger = await logIn(email, 'curl/8');
  await worker.sealing.seal();
  const owner = await logIn(email);
  await worker.sealing.seal();
  const links = notMe((await owner.get(ACTIVITY)).text);
  expect(links).toHaveLength(1); // not beside the log-in of this session
  const [link = ''] = links;
  const asked = await owner.get(link);
  expect(asked.text).toContain('curl');
  expect(asked.text).toContain('End every other session');
  await age(id);
  const late = await owner.submit(link, {}, link);
  expect(late.headers['location']).toContain('/confirm?next=');
  expect(await stranger.profile()).toBe(200); // nothing was done yet
  expect((await owner.submit('/confirm', { password: PASSWORD, next: link })).headers['location']).toContain(link);
  const done = await owner.submit(link, {}, link);
  expect([done.status, done.headers['location']]).toEqual([303, '/account/password?done=login-disowned']);
  expect((await owner.get('/account/password?done=login-disowned')).text).toContain('Now choose a new password');
  expect([await stranger.profile(), await browser.profile(), await owner.profile()]).toEqual([303, 303, 200]);
  expect(await web.context.devices.count(id)).toBe(0);
  await worker.sealing.seal();
  const events = await sql<{ outcome: string }>(
    `SELECT outcome FROM audit_event WHERE subject_id = $1 AND type = 'authn_login_disowned'`,
    [id],
  );
  expect(events).toEqual([{ outcome: 'success' }]);
});

test('sessions say how they were proved, until when, and whether they are kept', async () => {
  const { email, browser } = await newMember();
  const kept = new Browser(web.url);
  await kept.logIn(email, PASSWORD, { remember: 'on' });
  const { text } = await browser.get(SESSIONS);
  const words = text.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ');
  expect(words.match(/logged in with a password/g)).toHaveLength(2);
  expect(words.match(/kept logged in/g)).toHaveLength(1);
  expect(words.match(/ends at the latest/g)).toHaveLength(2);
});

test('known browsers are listed by name, and forgotten one by one', async () => {
  const { email, browser, id } = await newMember();
  const firefox = await logIn(email);
  const list = (await firefox.get(SESSIONS)).text;
  expect(list).toContain('Known browsers');
  const ids = [...list.matchAll(/action="\/account\/devices\/([0-9a-f-]{36})\/forget"/g)].map(
    (match) => match[1] ?? '',
  );
  expect(ids).toHaveLength(2);
  expect(/id="browser-[^"]+">\s*<p class="device"><bdi>Firefox on Windows<\/bdi> <span class="tag">/.test(list)).toBe(
    true,
  );
  const stranger = await newMember();
  for (const one of [...ids, 'x'])
    expect((await stranger.browser.submit(`/account/devices/${one}/forget`, {}, SESSIONS)).status).toBe(404);
  expect(await web.context.devices.count(id)).toBe(2);
  const done = await browser.submit(`/account/devices/${ids[0]}/forget`, {}, SESSIONS);
  expect(done.headers['location']).toBe(`${SESSIONS}?done=browser-forgotten`);
  expect(await web.context.devices.count(id)).toBe(1);
  expect(await firefox.profile()).toBe(200); // its session goes on
  await worker.sealing.seal();
  const events = await sql<{ detail: object }>(
    `SELECT detail FROM audit_event WHERE subject_id = $1 AND type = 'known_devices_forgotten'`,
    [id],
  );
  expect(events).toEqual([{ detail: { count: 1 } }]);
});

test('the worker reads no name of a browser, and a deleted account keeps none', async () => {
  for (const column of ['user_agent', 'token_hash'])
    await expect(query(stores.database.workerUrl, `SELECT ${column} FROM known_device`)).rejects.toMatchObject({
      code: '42501',
    });
  const { email, id } = await newMember();
  const browser = await logIn(email);
  await browser.submit('/account/delete', { understood: 'on' });
  expect(await sql('SELECT FROM known_device WHERE user_id = $1 AND user_agent IS NOT NULL', [id])).toEqual([]);
});

// An operator sees which session an act ends, before and after, from a person's page and from the log; who comes too late is
// told that it has ended.
import { expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { Browser, PASSWORD } from '../support/app.ts';
import { world } from '../support/world.ts';

const { web, worker, sql, newMember, newOperator } = await world({ worker: true });
const chief = await newOperator();

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0';
const textOf = (html: string) =>
  html
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+([,:])/g, '$1')
    .replaceAll(/\s+/g, ' ');
const told = (html: string) => textOf(/<p class="lede session-named">(.*?)<\/p>/s.exec(html)?.[1] ?? '').trim();

/** A member with a session of Firefox, which began three days ago and was used four minutes ago. */
async function personWithFirefox() {
  const person = await newMember();
  const firefox = new Browser(web.url);
  firefox.agent.set('User-Agent', FIREFOX);
  await firefox.submit('/login', { email: person.email, password: PASSWORD });
  const [session] = await sql<{ id: string }>(
    `UPDATE session SET created_at = now() - interval '3 days', last_seen_at = now() - interval '4 minutes 10 seconds',
                        ip = '203.0.113.7' WHERE user_id = $1 AND user_agent = $2 RETURNING id`,
    [person.id, FIREFOX],
  );
  await worker.sealing.seal();
  const [began] = await sql<{ seq: string }>(
    "SELECT seq FROM audit_event WHERE session_id = $1 AND type = 'session_created'",
    [session?.id],
  );
  const id = session?.id ?? '';
  return {
    ...person,
    firefox,
    sessionId: id,
    path: `/operator/users/${person.id}/sessions/${id}/revoke`,
    seq: began?.seq,
  };
}

test('the act names the session: its browser, its IP address, when it began and was last used', async () => {
  const { path, firefox, id, sessionId } = await personWithFirefox();
  const page = await chief.browser.get(path);
  expect(told(page.text)).toMatch(
    /^Firefox on Windows, IP address 203\.0\.113\.7, began \d+ \w+ \d{4}, \d\d:\d\d, last used 4 minutes ago$/,
  );
  const wrong = await chief.browser.submit(path, { reason: '' }, path);
  expect([wrong.status, told(wrong.text)]).toEqual([422, told(page.text)]);
  expect((await chief.browser.submit(path, { reason: 'lost' }, path)).status).toBe(303);
  expect(await firefox.profile()).toBe(303);
  const late = await chief.browser.get(path);
  expect(late.text).toContain('This session has ended already.');
  expect(told(late.text)).toContain('ended just now: an operator ended it');
  expect(late.text).not.toContain('name="reason"');
  const twice = await chief.browser.submit(path, { reason: 'lost' }, '/operator/zone');
  expect(twice.status).toBe(409);
  await worker.sealing.seal();
  const ends = await sql('SELECT FROM audit_event WHERE session_id = $1 AND type = $2', [sessionId, 'session_ended']);
  expect(ends).toHaveLength(1);
  expect(id).not.toBe('');
});

test('a session of somebody else, or none, is no page', async () => {
  const one = await personWithFirefox();
  const other = await newMember();
  for (const sessionId of [one.sessionId, '018f0000-0000-7000-8000-000000000000', 'x']) {
    const path = `/operator/users/${other.id}/sessions/${sessionId}/revoke`;
    expect((await chief.browser.get(path)).status).toBe(404);
    expect((await chief.browser.submit(path, { reason: 'r' }, '/operator/zone')).status).toBe(404);
  }
  expect(await one.firefox.profile()).toBe(200);
});

test('the event’s page says whether its session lives, and can end it; a person’s page leads to its events', async () => {
  const { seq, path, id, sessionId, firefox } = await personWithFirefox();
  const event = async () => (await chief.browser.get(`/operator/audit/${seq}`)).text;
  const live = await event();
  expect(textOf(live)).toContain('live, last used 4 minutes ago');
  expect(live).toContain(`<a href="${path}">End this session</a>`);
  const person = (await chief.browser.get(`/operator/users/${id}`)).text;
  expect(person).toContain(`href="/operator/sessions/${sessionId}"`);
  expect((await chief.browser.get(`/operator/audit?session=${sessionId}`)).text).toContain('Session began');
  await firefox.logOut();
  const ended = await event();
  expect(textOf(ended)).toContain('ended just now: its owner logged out');
  expect(ended).not.toContain(path);
  await sql('DELETE FROM session WHERE id = $1', [sessionId]);
  expect(textOf(await event())).toContain('Its record is gone');
});

test('what ended without a mark in its row has ended: idle for too long, or with everybody’s', async () => {
  const { path, sessionId } = await personWithFirefox();
  const state = async () => told((await chief.browser.get(path)).text);
  await sql("UPDATE session SET idle_deadline = now() - interval '150 seconds' WHERE id = $1", [sessionId]);
  expect(await state()).toContain('ended 2 minutes ago: it was idle too long');
  await sql("UPDATE session SET idle_deadline = now() + interval '1 day' WHERE id = $1", [sessionId]);
  await sql(
    `INSERT INTO everybody_ended (id, asked_at, kept_session_id, reason, done_at)
     SELECT gen_random_uuid(), created_at + interval '1 second', NULL, 'r', now() FROM session WHERE id = $1`,
    [sessionId],
  );
  expect(await state()).toContain(': an operator ended it');
  await sql('DELETE FROM everybody_ended');
});

test('the act on every session lists them, and others say what they meet', async () => {
  const { id } = await personWithFirefox();
  const page = async (what: string) => textOf((await chief.browser.get(`/operator/users/${id}/${what}`)).text);
  const all = await page('sessions/revoke-all');
  expect(all).toContain('2 sessions');
  expect(all).toContain('Firefox on Windows, IP address 203.0.113.7');
  expect(await page('disable')).toContain('Live sessions 2');
  expect(await page('forget-browsers')).toMatch(/Known browsers \d/);
  expect(await page('remove-factors')).toContain('Second factors none');
  const own = (await chief.browser.get(`/operator/users/${chief.id}/sessions/revoke-all`)).text;
  expect(textOf(own)).toContain('Yours, this browser');
  await web.context.sessions.end({ userId: id }, { reason: 'revoked_by_operator', actor: null, origin: NO_ORIGIN });
});

test('what an event says is in words, with its code beside, and an outcome has one name', async () => {
  await new Browser(web.url).logIn(chief.email, 'not the password at all');
  await worker.sealing.seal();
  const list = (await chief.browser.get('/operator/audit?type=authn_login_fail')).text;
  expect(list).toContain('>Log-in refused</a> <code class="code">authn_login_fail</code>');
  expect(list).toContain('<option value="authn_login_fail" selected>Log-in refused (authn_login_fail)</option>');
  expect(list).toContain('<bdi>Type: Log-in refused</bdi>');
  const seq = /id="event-(\d+)"/.exec(list)?.[1];
  const event = (await chief.browser.get(`/operator/audit/${seq}`)).text;
  expect(event).toContain('<h1><bdi>Log-in refused</bdi> <code class="code">authn_login_fail</code></h1>');
  expect(event).toMatch(
    /<bdi>reason<\/bdi><\/th><td role="cell">wrong password <code class="code">wrong_password<\/code>/,
  );
  for (const path of ['/operator/audit', '/operator/attempts']) {
    const { text } = await chief.browser.get(path);
    expect(/<select id="outcome".*?<\/select>/s.exec(text)?.[0].match(/>(\w+)<\/option>/g)).toEqual([
      '>Any</option>',
      '>failure</option>',
      '>success</option>',
    ]);
  }
});

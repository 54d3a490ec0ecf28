// What an operator does to somebody's account: it says what will happen, wants a reason and a recent log-in, is recorded, and
// counts at once; who decided on what is no longer so is told, and nothing is done.
import { expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { Browser } from '../support/app.ts';
import { world } from '../support/world.ts';

const { web, worker, sql, newMember, newOperator } = await world({ worker: true });
const chief = await newOperator();
const by = { actor: null, origin: NO_ORIGIN };

async function eventsAbout(id: string, type: string) {
  await worker.sealing.seal();
  return sql<{ actor_id: string; detail: Record<string, unknown>; session_id: string | null }>(
    'SELECT actor_id, detail, session_id FROM audit_event WHERE subject_id = $1 AND type = $2 ORDER BY seq',
    [id, type],
  );
}

const act = (id: string, what: string, fields: Record<string, string>) =>
  chief.browser.submit(`/operator/users/${id}/${what}`, fields, `/operator/users/${id}/${what}`);

test('the page of a person shows what there is, and what can be done to it', async () => {
  const { id, email } = await newMember();
  await new Browser(web.url).logIn(email, 'not the password at all');
  await worker.sealing.seal();
  const { text } = await chief.browser.get(`/operator/users/${id}`);
  expect(text).toContain('The newest attempts');
  expect(text).toContain('user_created');
  expect(text).toContain(`/operator/users/${id}/disable`);
  expect(text).toContain(`/operator/users/${id}/forget-browsers`);
  expect(text).not.toContain(`/operator/users/${id}/enable`);
  expect(text).not.toContain(`/operator/users/${id}/remove-factors`);
  expect(await eventsAbout(id, 'sensitive_read')).toHaveLength(1);
});

test('an act without a reason, or with an endless one, is not done', async () => {
  const { id, browser } = await newMember();
  for (const reason of ['', '   ', 'x'.repeat(301)]) {
    const response = await act(id, 'disable', { reason });
    expect(response.status).toBe(422);
    expect(response.text).toContain('name="reason"');
  }
  expect(await browser.profile()).toBe(200);
});

test('disabling counts at once, is recorded with its reason, and can be undone', async () => {
  const { id, browser, email } = await newMember();
  expect((await act(id, 'disable', { reason: 'left the company' })).status).toBe(303);
  expect(await browser.profile()).toBe(303);
  expect((await new Browser(web.url).logIn(email)).status).toBe(401);
  const [event] = await eventsAbout(id, 'user_disabled');
  expect(event).toMatchObject({ actor_id: chief.id, detail: { reason: 'left the company' } });
  expect(event?.session_id).not.toBeNull();
  expect((await act(id, 'disable', { reason: 'again' })).status).toBe(409);
  expect((await act(id, 'enable', { reason: 'came back' })).status).toBe(303);
  expect((await new Browser(web.url).logIn(email)).status).toBe(303);
});

test('the role changes both ways, but the last operator stays one', async () => {
  const { id } = await newMember();
  expect((await act(id, 'make-operator', { reason: 'on call' })).status).toBe(303);
  expect((await web.context.users.find(id))?.role).toBe('operator');
  expect((await act(id, 'make-member', { reason: 'off call' })).status).toBe(303);
  const refused = await act(chief.id, 'make-member', { reason: 'tired' });
  expect(refused.status).toBe(409);
  expect(refused.text).toContain('last operator');
  expect((await act(chief.id, 'disable', { reason: 'tired' })).status).toBe(409);
  expect(await chief.browser.profile()).toBe(200);
});

test('who decides on what has changed meanwhile is shown how it is now, and nothing is done', async () => {
  const { id } = await newMember();
  const path = `/operator/users/${id}/make-operator`;
  const seen = /name="seen" value="(\d+)"/.exec((await chief.browser.get(path)).text)?.[1] ?? '';
  const colleague = await newMember();
  const theirs = { ...by, actor: colleague.id, origin: { ...NO_ORIGIN, requestId: 'r1' } };
  await web.context.users.setDisabled(id, true, { ...theirs, reason: 'left <b>us</b>' });
  await worker.sealing.seal();
  await web.context.users.setDisabled(id, false, { ...by, reason: 'came back' }); // waits to be sealed
  await web.context.users.setDisabled(id, true, { ...theirs, reason: 'left again' });
  const response = await chief.browser.submit(path, { reason: 'on call', seen }, path);
  expect(response.status).toBe(409);
  expect(response.text).toContain('changed while you decided');
  const told = /<ul class="points">.*?<\/ul>/s.exec(response.text)?.[0].replaceAll(/<[^>]*>|\s+/g, ' ') ?? '';
  const items = [
    `Disabled by ${colleague.email} , just now : left again`,
    'Enabled again on the command line , just now',
  ];
  for (const item of [...items, 'left &lt;b&gt;us&lt;/b&gt;']) expect(told.replaceAll(/ +/g, ' ')).toContain(item);
  expect(response.text).toContain('<dd>Disabled</dd>');
  expect((await web.context.users.find(id))?.role).toBe('member');

  // Whoever looked only afterwards, and wants what has been done, is told of the newest change alone.
  const again = await act(id, 'disable', { reason: 'left' });
  expect(again.status).toBe(409);
  expect(again.text.match(/<li><strong>/g)).toHaveLength(1);
  expect(again.text).toContain(`by ${colleague.email}`);
});

test('known browsers are forgotten, once', async () => {
  const { id } = await newMember();
  expect((await act(id, 'forget-browsers', { reason: 'lost laptop' })).status).toBe(303);
  expect(await web.context.devices.count(id)).toBe(0);
  const again = await act(id, 'forget-browsers', { reason: 'lost laptop' });
  expect(again.status).toBe(409);
  expect(again.text).toContain(`by ${chief.email}`);
  const events = await eventsAbout(id, 'known_devices_forgotten');
  expect(events.map(({ detail }) => detail)).toEqual([{ count: 1, reason: 'lost laptop' }]);
});

test('a link for a new password goes by mail, once for each time it is asked for, and not to a disabled account', async () => {
  const { id, email } = await newMember();
  expect((await act(id, 'send-reset', { reason: 'they asked' })).status).toBe(303);
  const mails = () => sql('SELECT recipient, template FROM mail WHERE user_id = $1', [id]);
  expect(await mails()).toEqual([{ recipient: email, template: 'reset-password' }]);
  const [event] = await eventsAbout(id, 'authn_password_reset_request');
  expect(event).toMatchObject({ actor_id: chief.id, detail: { reason: 'they asked' } });

  await web.context.users.setDisabled(id, true, by);
  const refused = await act(id, 'send-reset', { reason: 'they asked again' });
  expect(refused.status).toBe(409);
  expect(refused.text).toContain('Nothing was sent');
  expect(await mails()).toHaveLength(1);
});

test('a log-in that is no longer recent leads to the password first, and nothing is done', async () => {
  const { id, browser } = await newMember();
  const late = await newMember();
  await web.context.users.setRole(late.id, 'operator', by);
  await late.browser.logIn(late.email);
  const path = `/operator/users/${id}/disable`;
  await sql("UPDATE session SET created_at = created_at - interval '1 hour' WHERE user_id = $1", [late.id]);
  expect((await late.browser.get(path)).status).toBe(200); // it says what it would do
  const posted = await late.browser.submit(path, { reason: 'late' }, '/profile');
  expect([posted.status, posted.headers['location']]).toEqual([303, `/confirm?next=${encodeURIComponent(path)}`]);
  expect(await browser.profile()).toBe(200);
  await web.context.users.setRole(late.id, 'member', by);
});

test.each([
  'disable',
  'enable',
  'make-operator',
  'make-member',
  'send-reset',
  'forget-browsers',
  'remove-factors',
  'sessions/revoke-all',
  'sessions/{session}/revoke',
])('who decides on an account that its owner deletes meanwhile is told so: %s', async (what) => {
  const { id, browser } = await newMember();
  const [session] = await sql<{ id: string }>('SELECT id FROM session WHERE user_id = $1', [id]);
  const path = `/operator/users/${id}/${what.replace('{session}', session?.id ?? '')}`;
  const page = await chief.browser.get(path);
  expect(page.status).toBe(200);
  expect((await browser.submit('/account/delete', { understood: 'on' })).status).toBe(303);
  const told = async (sealed: boolean) => {
    const answer = await chief.browser.submit(path, { reason: 'a reason', seen: '0' }, '/profile');
    expect(answer.status).toBe(409);
    expect(answer.text).toContain('<h1>This account was deleted meanwhile</h1>');
    expect(answer.text).toContain('Nothing was done.');
    expect(answer.text.includes('by its owner')).toBe(sealed);
    for (const looked of [path, `/operator/users/${id}`]) {
      const { status, text } = await chief.browser.get(looked);
      expect([status, text.includes('<h1>This account was deleted</h1>')]).toEqual([410, true]);
    }
  };
  await told(false);
  await worker.sealing.seal();
  await told(true);
  // Later nothing is left of the row, and the log still knows.
  await worker.accountDeletion.finish();
  await sql('DELETE FROM session WHERE user_id = $1', [id]);
  await worker.accountDeletion.finish();
  expect(await sql('SELECT FROM user_account WHERE id = $1', [id])).toEqual([]);
  await told(true);
  const log = await chief.browser.get(`/operator/audit?person=${id}`);
  expect(log.status).toBe(200);
  expect(log.text).toContain('user_deleted');
});

test('the log’s page of an event leads to a deleted person, and an id that never was one is no page', async () => {
  const { id, browser } = await newMember();
  await browser.submit('/account/delete', { understood: 'on' });
  await worker.sealing.seal();
  const [event] = await sql<{ seq: string }>(
    `SELECT seq FROM audit_event WHERE subject_id = $1 AND type = 'user_deleted'`,
    [id],
  );
  const { text } = await chief.browser.get(`/operator/audit/${event?.seq}`);
  const href = `/operator/users/${id}`;
  expect(text).toContain(`href="${href}"`);
  expect((await chief.browser.get(href)).status).toBe(410);
  expect((await chief.browser.get('/operator/users/00000000-0000-4000-8000-000000000000')).status).toBe(404);
});

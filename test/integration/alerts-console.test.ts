// The console's pages of alerts and their commands: what each is like, changed and tested with a reason, which is recorded and told;
// members see nothing, auditors change nothing, and no page shows the webhook's secret or path.
import { expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { startAlertSite } from '../support/alert-site.ts';
import { PASSWORD } from '../support/app.ts';
import { commandLine } from '../support/command-line.ts';
import { fieldValue } from '../support/page.ts';

const { stores, web, worker, sql, newMember, operator, by, work, told, posts, mails, record, receiver } =
  await startAlertSite();
const { browser } = operator;
const PATH = '/operator/alerts/spraying';
const change = (fields: Readonly<Record<string, string>>, path = PATH) =>
  browser.submit(`${path}/change`, { reason: 'a test', ...fields }, `${path}/change`);
const rule = () => sql('SELECT enabled, operators, addresses, webhook, version FROM alert_rule');

test('shows each alert with whom it goes to and its newest, and no secret', async () => {
  await record({ type: 'authn_password_spraying', detail: { accounts: 20 } });
  await work();
  const { text } = await browser.get('/operator/alerts');
  for (const words of [
    'One client tries many accounts',
    'operators, webhook',
    'to 1 operator',
    new URL(receiver.url).origin,
  ])
    expect(text).toContain(words);
  const one = await browser.get(PATH);
  expect(one.text).toMatch(/failed to log in to 20 accounts/);
  expect(one.text).toMatch(/href="\/operator\/audit\/\d+"/);
  expect(one.text).not.toContain('from there');
  for (const page of [text, one.text, (await browser.get(`${PATH}/change`)).text])
    expect(page).not.toMatch(/whsec_|from=holdfast/);
});

test('leads from spraying to what its client did', async () => {
  await record({
    type: 'authn_password_spraying',
    origin: { ...NO_ORIGIN, ip: '198.51.100.7' },
    detail: { accounts: 20 },
  });
  await work();
  const { text } = await browser.get(PATH);
  for (const href of [
    '/operator/audit?address=198.51.100.7&amp;type=authn_login_success',
    '/operator/attempts?address=198.51.100.7&amp;time=all',
  ]) {
    expect(text).toContain(`href="${href}"`);
    expect((await browser.get(href.replace('&amp;', '&'))).status).toBe(200);
  }
});

test('names no way that leads nowhere', async () => {
  const [{ webhook } = { webhook: '' }] = await sql<{ webhook: string }>('SELECT webhook FROM alert_state');
  await sql('UPDATE alert_state SET webhook = NULL');
  const { text } = await browser.get('/operator/alerts');
  expect(text).toContain('none: set ALERT_WEBHOOK_URL');
  expect(text).not.toContain('operators, webhook');
  expect((await browser.get(PATH)).text).not.toContain('operators, webhook');
  await sql('UPDATE alert_state SET webhook = $1', [webhook]);
  expect((await browser.get(PATH)).text).toContain('operators, webhook');
});

test('says what could not be delivered', async () => {
  await receiver.stop();
  await record({ type: 'authn_password_spraying', detail: { accounts: 20 } });
  await work();
  await receiver.startAgain();
  expect((await browser.get('/operator/alerts')).text).toMatch(/1 waits.*could not be reached \(ECONNREFUSED\)/s);
});

test('is changed with a reason, which is recorded, and told to all operators', async () => {
  expect((await change({ reason: ' ', enabled: 'on' })).status).toBe(422);
  expect((await change({ enabled: 'on', operators: 'on', webhook: 'on' })).text).toContain('This is how it is already');
  for (const addresses of [
    'night',
    'a@b',
    'x@example.org y',
    Array.from({ length: 11 }, (_, n) => `p${n}@example.org`).join(' '),
  ])
    expect({ addresses, status: (await change({ enabled: 'on', addresses })).status }).toEqual({
      addresses,
      status: 422,
    });
  expect(await rule()).toEqual([]);
  expect((await change({ enabled: 'on', addresses: 'night@example.org, log@example.org' })).status).toBe(303);
  expect(await rule()).toEqual([
    {
      enabled: true,
      operators: false,
      addresses: ['night@example.org', 'log@example.org'],
      webhook: false,
      version: 1,
    },
  ]);
  await work();
  expect(told()).toEqual(['alerts_changed first']);
  expect(mails()).toHaveLength(1);
  expect(mails()[0]?.email.text?.replaceAll(/\s+/g, ' ')).toContain('the alert “One client tries many accounts”');
  const [event] = await sql<{ detail: unknown; actor: string }>(
    `SELECT detail, actor_id AS actor FROM audit_event WHERE type = 'sys_alert_changed' ORDER BY seq DESC LIMIT 1`,
  );
  expect(event).toEqual({
    actor: operator.id,
    detail: { rule: 'spraying', before: 'told to operators, webhook', after: 'told to 2 addresses', reason: 'a test' },
  });
  await record({ type: 'authn_password_spraying', detail: { accounts: 20 } });
  await work();
  expect(told()).toEqual(['alerts_changed first']);
  expect([mails().length, mails('night@example.org').length, mails('log@example.org').length]).toEqual([1, 1, 1]);
  expect((await browser.get(PATH)).text).toContain('night@example.org log@example.org');
});

test('of two operators at one alert the second is shown what the first did', async () => {
  const stale = { enabled: 'on', webhook: 'on', seen: '0' };
  expect((await change({ enabled: 'on', seen: '0' })).status).toBe(303);
  const { status, text } = await change(stale);
  expect(status).toBe(409);
  expect(text).toContain('Somebody else was faster');
});

test('that alerts were changed can’t be turned off', async () => {
  const path = '/operator/alerts/alerts_changed';
  expect((await browser.get(`${path}/change`)).text).toContain('always told');
  expect((await change({ addresses: 'night@example.org' }, path)).status).toBe(303);
  expect(await rule()).toMatchObject([{ enabled: true, operators: true, webhook: false }]);
  const all = { enabled: false, operators: true, addresses: [], webhook: true };
  const result = await web.context.alertSettings.change('alerts_changed', all, by);
  expect(result).toEqual({ ok: false, reason: 'always_told' });
});

test('two changes of one alert within an hour are both told', async () => {
  await change({ enabled: 'on', operators: 'on', addresses: 'night@example.org', webhook: 'on' });
  await work();
  await change({});
  await work();
  expect(told()).toEqual(['alerts_changed first', 'alerts_changed first']);
  expect((await browser.get('/operator/alerts')).text).toMatch(/<span class="mark"[^>]*><\/span>off/);
});

test('a test goes the way of its alert, also of one that is not told, and says that nothing happened', async () => {
  await change({ operators: 'on', webhook: 'on', addresses: 'night@example.org' });
  await work();
  const page = `${PATH}/test`;
  expect((await browser.submit(page, { reason: '' }, page)).status).toBe(422);
  expect((await browser.submit(page, { reason: 'does it arrive?' }, page)).status).toBe(303);
  await work();
  expect(told()).toEqual(['alerts_changed first', 'spraying test']);
  expect(posts()[1]?.text).toContain('Nothing has happened');
  expect(mails('night@example.org')[0]?.email.subject).toBe(
    'Holdfast: test of an alert: One client tries many accounts',
  );
  expect(mails().at(-1)?.email.text).toContain('Nothing has happened');
  await worker.sealing.seal();
  const events = await sql(
    `SELECT type, actor_id AS actor, detail->>'reason' AS reason, detail->>'mails' AS mails FROM audit_event
      WHERE detail->>'rule' = 'spraying' ORDER BY seq DESC LIMIT 2`,
  );
  expect(events).toEqual([
    { type: 'sys_alert_told', actor: null, reason: null, mails: '2' },
    { type: 'sys_alert_tested', actor: operator.id, reason: 'does it arrive?', mails: null },
  ]);
});

test('is nothing for members, and auditors only look', async () => {
  const [member, auditor] = [await newMember(), await newMember()];
  await web.context.users.setRole(auditor.id, 'auditor', by);
  await auditor.browser.logIn(auditor.email);
  for (const path of ['/operator/alerts', PATH, `${PATH}/change`, `${PATH}/test`])
    expect({ path, status: (await member.browser.get(path)).status }).toEqual({ path, status: 403 });
  const seen = await auditor.browser.get(PATH);
  expect(seen.status).toBe(200);
  expect(seen.text).not.toContain(`${PATH}/change`);
  for (const path of [`${PATH}/change`, `${PATH}/test`]) {
    expect((await auditor.browser.get(path)).status).toBe(403);
    expect((await auditor.browser.submit(path, { reason: 'a test' }, '/profile')).status).toBe(403);
  }
  expect(await rule()).toEqual([]);
  expect((await browser.get('/operator/alerts/another')).status).toBe(404);
});

test('asks for a recent log-in before it changes or sends anything, and keeps what was typed', async () => {
  await sql(`UPDATE session SET created_at = created_at - interval '11 minutes', proved_at = NULL WHERE user_id = $1`, [
    operator.id,
  ]);
  const { headers } = await change({ enabled: 'on', addresses: 'night@example.org' });
  const to = String(headers['location']);
  expect(to).toMatch(/^\/confirm\?next=/);
  expect(await rule()).toEqual([]);
  const next = fieldValue((await browser.get(to)).text, 'next') ?? '';
  expect((await browser.submit('/confirm', { password: PASSWORD, next }, to)).status).toBe(303);
  expect(fieldValue((await browser.get(next)).text, 'addresses')).toBe('night@example.org');
});

test('the commands list and test', async () => {
  const run = commandLine(stores);
  expect((await run(['alerts', 'list'])).out).toMatch(/new_operator +on +yes +yes/);
  const [{ webhook } = { webhook: '' }] = await sql<{ webhook: string }>('SELECT webhook FROM alert_state');
  await sql('UPDATE alert_state SET webhook = NULL');
  expect((await run(['alerts', 'list'])).out).toMatch(/new_operator +on +yes +no/); // nobody posts to one
  await sql('UPDATE alert_state SET webhook = $1', [webhook]);
  const lines = (await run(['alerts', 'list', '--json'])).out.trim().split('\n');
  expect(lines).toHaveLength(13);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    name: 'new_operator',
    state: 'on',
    operators: true,
    webhook: true,
  });
  expect(await run(['alerts', 'test', 'nothing', '--reason', 'a test'])).toMatchObject({ code: 2 });
  expect(await run(['alerts', 'test', 'stuffing', '--reason', 'a test'])).toMatchObject({ code: 0 });
  await work();
  expect(told()).toEqual(['stuffing test']);
});

// Securing every account that a part of the log is about: counted and shown first, confirmed by their number, each once, the
// operator's own left out; the rest of the order survives whatever befalls one of them.
import { expect, test } from '@jest/globals';
import { Browser } from '../support/app.ts';
import { commandLine } from '../support/command-line.ts';
import { fieldError } from '../support/page.ts';
import { type Person, world } from '../support/world.ts';

const { web, worker, stores, sql, newMember, newOperator } = await world({ worker: true, watched: true });
const chief = await newOperator();
let addresses = 0;

/** People who were got into from one address, which no other test uses. */
async function gotInto(people: readonly Person[], type = 'authn_login_success'): Promise<string> {
  addresses += 1;
  const ip = `203.0.113.${addresses}`;
  for (const { id } of people) {
    const origin = { ip, userAgent: null, requestId: null };
    const [actor, outcome] = type === 'authn_login_fail' ? [null, 'failure' as const] : [id, 'success' as const];
    await web.context.record({ type: type as 'authn_login_fail', outcome, actor, subject: id, origin });
  }
  await worker.sealing.seal();
  return `/operator/audit/secure?address=${ip}`;
}

const members = (count: number) => Promise.all(Array.from({ length: count }, () => newMember()));
const confirm = (page: string, number: number | string) =>
  chief.browser.submit(page, { reason: 'their passwords are for sale', number: String(number) });

async function securedEvents(people: readonly Person[]) {
  await worker.sealing.seal();
  return sql<{ subject_id: string; detail: Record<string, unknown> }>(
    `SELECT subject_id, detail FROM audit_event WHERE type = 'user_secured' AND subject_id = ANY ($1::uuid[])`,
    [people.map(({ id }) => id)],
  );
}

test('the page says how many and who, and does what was confirmed to each of them once', async () => {
  const people = await members(12);
  const page = await gotInto([...people, ...people, chief]);
  const { text } = await chief.browser.get(page);
  for (const words of ['12 accounts', 'and 2 more', 'Your own account is among the events', 'Type 12'])
    expect(text).toContain(words);
  const answer = await confirm(page, 12);
  expect(answer.status).toBe(303);
  const order = answer.headers['location'] ?? '';
  expect((await chief.browser.get(order)).text).toMatch(/<progress max="12" value="0"[\s\S]*0 of 12[\s\S]*Look again/);
  expect(await worker.secureMany.secureRemaining()).toBe(12);
  const after = (await chief.browser.get(order)).text;
  expect(after).toContain('12 of 12');
  expect(after).not.toContain('Look again');
  const events = await securedEvents(people);
  expect(events.map(({ subject_id }) => subject_id).sort()).toEqual(people.map(({ id }) => id).sort());
  for (const { detail } of events) expect(detail).toMatchObject({ reason: 'their passwords are for sale' });
  expect(await Promise.all(people.map(({ browser }) => browser.profile()))).toEqual(people.map(() => 303));
  expect(await chief.browser.profile()).toBe(200);
  expect(await worker.secureMany.secureRemaining()).toBe(0);
  const orders = await sql(
    `SELECT type, detail->>'accounts' AS accounts, detail->>'secured' AS secured FROM audit_event
      WHERE type IN ('users_secure_asked', 'users_secured') ORDER BY seq`,
  );
  expect(orders).toEqual([
    { type: 'users_secure_asked', accounts: '12', secured: null },
    { type: 'users_secured', accounts: null, secured: '12' },
  ]);
  const log = await chief.browser.get(
    /href="([^"]+)">The events of these/.exec(after)?.[1]?.replaceAll('&amp;', '&') ?? '',
  );
  expect(log.text).toContain('Account secured');
});

test('another number than the one that was shown, or no reason, does nothing', async () => {
  const people = await members(2);
  const page = await gotInto(people);
  for (const number of ['', '1', '3', 'all']) {
    const answer = await confirm(page, number);
    expect([answer.status, fieldError(answer.text, 'number')]).toEqual([422, 'They are 2: type that, to be sure.']);
  }
  const answer = await chief.browser.submit(page, { reason: ' ', number: '2' });
  expect([answer.status, fieldError(answer.text, 'reason')]).toEqual([422, 'Say why: the reason is recorded.']);
  const [one] = await members(1);
  const typed = await chief.browser.token(page);
  await gotInto([]); // moves on to the next address
  addresses -= 2;
  await gotInto(one ? [one] : []); // the same address once more: they are three by now
  addresses += 1;
  const late = await chief.browser.agent
    .post(page)
    .redirects(0)
    .type('form')
    .send({ reason: 'x', number: '2', _csrf: typed });
  expect([late.status, fieldError(late.text, 'number')]).toEqual([422, 'They are 3: type that, to be sure.']);
  expect(await securedEvents(people)).toEqual([]);
  expect(await sql('SELECT FROM securing_order WHERE done_at IS NULL')).toEqual([]);
});

test('who only failed to log in is not among those who were got into, and is where it is asked for', async () => {
  const page = await gotInto(await members(3), 'authn_login_fail');
  const none = await chief.browser.get(page);
  expect(none.text).toContain('0 accounts');
  expect(none.text).not.toContain('name="number"');
  expect((await chief.browser.get(`${page}&which=named`)).text).toContain('3 accounts');
});

test('operators among them are named', async () => {
  const other = await newOperator();
  const { text } = await chief.browser.get(await gotInto([other]));
  expect(text).toContain('Operators are among them');
  expect(text).toContain(other.email);
});

test('without a filter, with a wrong one or with too many events nothing is offered', async () => {
  for (const query of ['', '?address=nowhere']) {
    const { status, text } = await chief.browser.get(`/operator/audit/secure${query}`);
    expect([status, text.includes('name="number"')]).toEqual([422, false]);
  }
});

test('a log-in that is no longer recent comes back to the same accounts', async () => {
  const page = await gotInto(await members(1));
  const late = await newOperator();
  const token = await late.browser.token(page);
  await sql("UPDATE session SET created_at = created_at - interval '1 hour', proved_at = NULL WHERE user_id = $1", [
    late.id,
  ]);
  const answer = await late.browser.agent
    .post(page)
    .redirects(0)
    .type('form')
    .send({ reason: 'x', number: '1', _csrf: token });
  expect([answer.status, answer.headers['location']]).toEqual([303, `/confirm?next=${encodeURIComponent(page)}`]);
});

test('one that is deleted meanwhile, and one that can not be secured, keep nobody else from it', async () => {
  const people = await members(4);
  const [gone, broken] = people;
  const page = await gotInto(people);
  const order = (await confirm(page, 4)).headers['location'] ?? '';
  await gone?.browser.submit('/account/delete', { understood: 'on' });
  await sql(`UPDATE user_account SET email = 'no address' WHERE id = $1`, [broken?.id]);
  await worker.secureMany.secureRemaining();
  const { text } = await chief.browser.get(order);
  for (const words of ['4 of 4', '1 account deleted before its turn', '1 account could not be secured'])
    expect(text).toContain(words);
  expect(await securedEvents(people)).toHaveLength(2);
  expect(await broken?.browser.profile()).toBe(200);
});

test('the command does the same, once the number is confirmed', async () => {
  const people = await members(3);
  const address = new URLSearchParams((await gotInto(people)).split('?')[1]).get('address') ?? '';
  const run = commandLine(stores);
  const args = ['user', 'secure-log', '--address', address, '--reason', 'their passwords are for sale'];
  const asked = await run(args);
  expect([asked.code, asked.err]).toEqual([1, expect.stringContaining('Add --confirm 3')]);
  expect(await securedEvents(people)).toEqual([]);
  const done = await run([...args, '--confirm', '3']);
  expect([done.code, done.out]).toEqual([0, expect.stringContaining('Secured 3 of 3 accounts')]);
  expect(await securedEvents(people)).toHaveLength(3);
  const one = new URLSearchParams((await gotInto(await members(1))).split('?')[1]).get('address') ?? '';
  const wrong = await run(['user', 'secure-log', '--address', one, '--confirm', '9', '--reason', 'a drill']);
  expect(wrong.err).toMatch(/^1 account:\n[\s\S]*\nThere is 1 account, not 9\. Nothing was done\.\n$/);
  expect((await run(['user', 'secure-log', '--reason', 'x'])).code).toBe(2);
  expect((await new Browser(web.url).logIn(people[0]?.email ?? '')).status).toBe(401);
});

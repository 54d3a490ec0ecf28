// What succeeds, or is refused for good, costs something too when it never ends: log-ins with the right password, confirmations,
// changes, forbidden pages, sessions. Each is bounded, and the owner keeps a way in and a way to end it.
import { expect, test } from '@jest/globals';
import { ATTACKED, deviceOf, passTime, startAttacker } from '../../harness/attacker.ts';
import { Browser, newEmail, PASSWORD } from '../support/app.ts';
import { enrol } from '../support/factors.ts';
import { world } from '../support/world.ts';

const RULES = {
  ...ATTACKED,
  THROTTLE_LOGINS: '6/1h',
  THROTTLE_ACTS: '5/8/1h',
  THROTTLE_FORBIDDEN: '5/20/1h',
  SESSIONS_PER_ACCOUNT: '4',
};
const HOUR = 3_600_000;
const { web, worker, redis, sql, newMember, newOperator } = await world({ webs: [RULES], worker: true });
const guess = await startAttacker(web.url);

interface Answered {
  readonly status: number;
}

async function repeat<Answer extends Answered>(times: number, ask: (at: number) => PromiseLike<Answer>) {
  const answers: Answer[] = [];
  for (let at = 0; at < times; at += 1) answers.push(await ask(at));
  return { answers, statuses: answers.map(({ status }) => status) };
}

const times = (count: number, status: number): number[] => Array(count).fill(status);

async function eventsOf(userId: string, type: string): Promise<Record<string, unknown>[]> {
  await worker.sealing.seal();
  const rows = await sql<{ detail: Record<string, unknown> }>(
    'SELECT detail FROM audit_event WHERE type = $1 AND $2::uuid IN (actor_id, subject_id) ORDER BY seq',
    [type, userId],
  );
  return rows.map(({ detail }) => detail);
}

/** The account's known browser, and one more. */
async function twoBrowsers() {
  const { email, id } = await newMember();
  const enter = async () => deviceOf(await guess({ email, password: PASSWORD, ip: '203.0.113.1' }));
  return { email, id, first: await enter(), second: await enter() };
}

test('a known browser with the right password has so many log-ins in an hour; the others have theirs', async () => {
  const { email, first, second } = await twoBrowsers();
  const logIn = (device: string) => guess({ email, password: PASSWORD, device, ip: '198.51.100.1' });
  const { answers, statuses } = await repeat(8, () => logIn(first));
  expect(statuses).toEqual([...times(6, 303), 429, 429]);
  expect(Number(answers.at(-1)?.retryAfter)).toBeGreaterThan(0);
  expect((await logIn(second)).status).toBe(303);

  await redis.flushdb();
  expect((await logIn(first)).status).toBe(429); // read back from what waits for the worker
  await worker.sealing.seal();
  await redis.flushdb();
  expect((await logIn(first)).status).toBe(429); // and from the records
  await passTime(redis, HOUR);
  expect((await logIn(first)).status).toBe(303);
});

test('strangers who fail take nothing of what may succeed; those who know the password share one window', async () => {
  const { email } = await newMember();
  await repeat(20, (at) => guess({ email, ip: `198.51.101.${at}` }));
  const { statuses } = await repeat(8, (at) => guess({ email, password: PASSWORD, ip: `198.51.102.${at}` }));
  expect(statuses).toEqual([...times(6, 303), 429, 429]);
});

test('the right password without the second step counts as well, and finishing is not kept from the owner', async () => {
  const { browser, email, id } = await newMember();
  await enrol(browser);
  const { statuses } = await repeat(8, (at) => guess({ email, password: PASSWORD, ip: `198.51.103.${at}` }));
  expect(statuses).toEqual([...times(6, 303), 429, 429]);
  expect(await eventsOf(id, 'authn_second_factor_asked')).toHaveLength(6);
});

test('confirming again and again', async () => {
  const { browser } = await newMember();
  const { statuses } = await repeat(8, () => browser.submit('/confirm', { password: PASSWORD }));
  expect(statuses).toEqual([...times(6, 303), 429, 429]);
});

test('a member who loops a forbidden page leaves five events, a block and one with the count', async () => {
  const { browser, id } = await newMember();
  const { statuses } = await repeat(50, () => browser.get('/operator/audit'));
  expect(statuses).toEqual(times(50, 403));
  expect(await eventsOf(id, 'authz_fail')).toEqual(times(5, 0).map(() => ({ path: '/operator/audit', method: 'GET' })));
  expect(await eventsOf(id, 'excess_rate_limit_exceeded')).toMatchObject([{ scope: 'forbidden', failures: 5 }]);
  await worker.blocks.fold();
  await sql("UPDATE throttle_block SET until_at = until_at - interval '1 hour' WHERE user_id = $1", [id]);
  await worker.blocks.fold();
  expect(await eventsOf(id, 'throttle_block_ended')).toMatchObject([{ scope: 'forbidden', refused: 45 }]);

  const { browser: other, id: otherId } = await newMember();
  expect((await other.get('/operator/audit')).status).toBe(403);
  expect(await eventsOf(otherId, 'authz_fail')).toHaveLength(1);
  const operator = await newOperator();
  expect((await operator.browser.get('/operator/blocks')).text).toContain('Pages that one account may not see');
});

test('a member who loops a change gets 429, and can still end sessions, change the password and log out', async () => {
  const { browser, email, id } = await newMember();
  const language = (of: Browser) => (at: number) =>
    of.submit('/language', { language: at % 2 ? 'en' : 'de', back: '/profile' }, '/profile');
  const { answers, statuses } = await repeat(20, language(browser));
  expect(statuses).toEqual([...times(5, 303), ...times(15, 429)]);
  expect(Number(answers.at(-1)?.headers['retry-after'])).toBeGreaterThan(0);
  expect(await eventsOf(id, 'user_language_changed')).toHaveLength(5);
  expect(await eventsOf(id, 'excess_rate_limit_exceeded')).toHaveLength(1);

  const other = new Browser(web.url);
  await other.logIn(email);
  expect((await language(other)(0)).status).toBe(303); // another session has a budget of its own
  expect((await browser.submit('/confirm', { password: PASSWORD })).status).toBe(303);
  expect((await browser.submit('/account/sessions/revoke-others', {}, '/account/sessions')).status).toBe(303);
  expect(await other.profile()).toBe(303);
  // An account can be taken back: this browser has no link.
  expect((await browser.submit('/undo-email-change', {}, '/profile')).status).toBe(410);
  const changed = { current: PASSWORD, password: 'quite another battery staple' };
  expect((await browser.submit('/account/password', changed)).status).toBe(303);
  expect((await browser.logOut()).status).toBe(303);
});

test('a session that is replaced with each change is bounded by its account', async () => {
  const { browser, id } = await newMember();
  await enrol(browser);
  const { statuses } = await repeat(30, () =>
    browser.submit('/account/security/recovery-codes', {}, '/account/security'),
  );
  expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(15);
  expect(statuses.at(-1)).toBe(429);
  expect((await eventsOf(id, 'authn_recovery_codes_made')).length).toBeLessThanOrEqual(15);
});

test('an account has so many sessions: one more ends the one that was unused for longest, and says so', async () => {
  const email = newEmail();
  const [first, second, ...more] = Array.from({ length: 6 }, () => new Browser(web.url)) as [
    Browser,
    Browser,
    ...Browser[],
  ];
  await first.register(email);
  for (const browser of [second, ...more.slice(0, 2)]) await browser.logIn(email);
  const { id = '' } = (await web.context.users.findByEmail(email)) ?? {};
  await sql(
    `UPDATE session SET last_seen_at = last_seen_at - interval '1 hour'
      WHERE id = (SELECT id FROM session WHERE user_id = $1 ORDER BY created_at OFFSET 1 LIMIT 1)`,
    [id],
  );
  await more[2]?.logIn(email);
  await more[3]?.logIn(email);
  expect(await Promise.all([first, second, ...more].map((browser) => browser.profile()))).toEqual([
    303,
    303,
    ...times(4, 200),
  ]);
  expect((await first.get('/login')).text).toContain('logged in in too many places');
  const reasons = (await eventsOf(id, 'session_ended')).map(({ reason }) => reason);
  expect(reasons).toEqual(['too_many_sessions', 'too_many_sessions']);
  expect(await sql('SELECT FROM session WHERE user_id = $1 AND ended_at IS NULL', [id])).toHaveLength(4);
});

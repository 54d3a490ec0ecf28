// What looks like an attempt to get past a check leaves an event, folded: a flood of it is a few.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { rawAt } from '../support/answers.ts';
import { Browser, startWeb } from '../support/app.ts';
import { world } from '../support/world.ts';

const { stores, web, worker, redis, sql, newMember, newOperator } = await world({ worker: true });
const MOST_OF_A_FLOOD = 20;
/** As they are unless set: in tests most limits are generous. */
const FOLDING = { THROTTLE_FORBIDDEN: '5/20/1h' };
const PRODUCTION = { NODE_ENV: 'production', PUBLIC_URL: 'https://login.example.org', ...FOLDING };

/** One test's block is not the next one's. */
beforeEach(async () => {
  await redis.flushdb();
  await sql('DELETE FROM throttle_attempt');
  await sql('DELETE FROM throttle_block');
});

interface Row {
  readonly type: string;
  readonly actor_id: string | null;
  readonly ip: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

async function eventsSince(seq: number): Promise<Row[]> {
  await worker.sealing.seal();
  return sql<Row>(
    `SELECT type, actor_id, host(ip) AS ip, detail FROM audit_event WHERE seq > $1 AND type LIKE 'malicious_%' ORDER BY seq`,
    [seq],
  );
}

async function now(): Promise<number> {
  await worker.sealing.seal();
  return (await web.context.auditLog.head()).seq;
}

test('a flood of forged forms leaves few events', async () => {
  const since = await now();
  const attacked = await startWeb(stores, FOLDING);
  const { agent } = new Browser(attacked.url);
  const forge = (headers: Record<string, string>) =>
    agent.post('/account/devices/forget').redirects(0).set(headers).type('form').send({});
  for (let count = 0; count < 60; count += 1) {
    expect((await forge({ 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403);
  }
  await attacked.close();
  const events = await eventsSince(since);
  expect(events[0]).toMatchObject({
    ...{ type: 'malicious_csrf', ip: '127.0.0.1', detail: { reason: 'forged', path: '/account/devices/forget' } },
  });
  expect(events.length).toBeLessThanOrEqual(MOST_OF_A_FLOOD);
});

test('a form without the token of its session is one too', async () => {
  const { browser, id } = await newMember();
  const since = await now();
  const answer = await browser.agent.post('/account/devices/forget').redirects(0).type('form').send({ _csrf: 'x' });
  expect(answer.status).toBe(403);
  expect(await eventsSince(since)).toMatchObject([
    { type: 'malicious_csrf', actor_id: id, detail: { reason: 'stale_form' } },
  ]);
});

test('a flood of other hosts leaves few events, and a probe none', async () => {
  const production = await startWeb(stores, PRODUCTION);
  const since = await now();
  const ask = (host: string, path = '/') =>
    rawAt(production.url, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  for (let count = 0; count < 60; count += 1) expect(await ask('evil.example')).toMatch(/^HTTP\/1.1 421 /);
  await ask('10.0.0.1:3000', '/healthz');
  await ask('login.example.org');
  await production.close();
  const events = await eventsSince(since);
  expect(events[0]).toMatchObject({
    ...{ type: 'malicious_host', ip: '127.0.0.1', detail: { reason: 'wrong_host', path: '/' } },
  });
  expect(events.length).toBeLessThanOrEqual(MOST_OF_A_FLOOD);
  expect(JSON.stringify(events)).not.toContain('evil'); // a stranger's words would be kept for ever
});

test('the session of somebody else is not ended, answered like one’s own, and recorded', async () => {
  const [{ browser, id }, other] = [await newMember(), await newMember()];
  const [theirs] = await sql<{ id: string }>('SELECT id FROM session WHERE user_id = $1', [other.id]);
  const since = await now();
  const end = (session: string | undefined) =>
    browser.submit(`/account/sessions/${session}/revoke`, {}, '/account/sessions');
  expect((await end(theirs?.id)).headers['location']).toBe('/account/sessions?done=session-ended');
  expect(await other.browser.profile()).toBe(200);
  await end('0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'); // nobody's: two tabs may have ended it
  expect(await eventsSince(since)).toMatchObject([
    { type: 'malicious_direct_reference', actor_id: id, detail: { reason: 'foreign_session' } },
  ]);
});

describe('sensitive acts of operators', () => {
  test('lifting a block and exporting the log need a recent log-in', async () => {
    const operator = await newOperator();
    const block = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';
    const lift = () =>
      operator.browser.submit(`/operator/blocks/${block}/lift`, { reason: 'a test' }, '/operator/blocks');
    const exported = () => operator.browser.get('/operator/audit/export?format=csv');
    expect([(await lift()).status, (await exported()).status]).toEqual([404, 200]);
    await sql(`UPDATE session SET created_at = created_at - interval '11 minutes' WHERE user_id = $1`, [operator.id]);
    expect((await lift()).headers['location']).toBe('/confirm?next=%2Foperator%2Fblocks');
    const since = await now();
    expect((await exported()).headers['location']).toBe(
      `/confirm?next=${encodeURIComponent('/operator/audit/export?format=csv')}`,
    );
    const head = await operator.browser.agent.head('/operator/audit/export?format=csv').redirects(0);
    expect(head.status).toBe(303);
    await worker.sealing.seal();
    expect(await sql("SELECT FROM audit_event WHERE type = 'audit_export' AND seq > $1", [since])).toEqual([]);
    expect((await new Browser(web.url).get('/operator/audit/export?format=csv')).headers['location']).toMatch(
      /^\/login/,
    );
  });
});

// The log as a file from the console: whole, recorded, as slow as its reader, and given up when the reader goes.
import { createHash } from 'node:crypto';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { exportLog } from '../../src/core/audit/reading/export.ts';
import { type AuditFilter, EVERY_EVENT } from '../../src/core/audit/reading/query.ts';
import { Browser, SESSION_COOKIE, setCookie } from '../support/app.ts';
import { world } from '../support/world.ts';

const EVENTS = 30_000;

const { web, worker, sql, newOperator } = await world({ worker: true });
const { browser: operator, email } = await newOperator();

beforeAll(async () => {
  await sql(
    `INSERT INTO outbox (event) SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'type', 'sys_cleanup',
       'occurredAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'outcome', 'success',
       'ip', '203.0.113.7', 'userAgent', '=cmd|'' /C calc''!A0', 'detail', jsonb_build_object('n', n, 'text', '@SUM(1)' || E'\\u202e'))
       FROM generate_series(1, $1::int) AS n`,
    [EVENTS],
  );
  await worker.sealing.seal();
});

test('is every event that matches, oldest first, as CSV that no spreadsheet runs', async () => {
  const response = await operator.get('/operator/audit/export?format=csv&type=sys_cleanup');
  expect(response.status).toBe(200);
  expect(response.headers['content-type']).toMatch(/^text\/csv/);
  expect(response.headers['content-disposition']).toMatch(/^attachment; filename="audit-\d{4}-\d\d-\d\dT\d{6}Z\.csv"$/);
  const lines = response.text.trimEnd().split('\r\n');
  expect(lines).toHaveLength(EVENTS + 1);
  const seqs = lines.slice(1).map((line) => Number(line.split(',')[0]));
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  expect(response.text).not.toMatch(/[,"]=cmd/);
  expect(response.text).not.toContain('\u202e');
});

test('is recorded before it begins and when it ended, with what was asked for and without the address as typed', async () => {
  const response = await operator.get(`/operator/audit/export?format=ndjson&person=${encodeURIComponent(email)}`);
  expect(response.status).toBe(200);
  await worker.sealing.seal();
  const user = await web.context.users.findByEmail(email);
  const rows = await sql(
    `SELECT type, outcome, actor_id, subject_id, detail FROM audit_event WHERE type LIKE 'audit\\_export%'
      ORDER BY seq DESC LIMIT 2`,
  );
  const about = { outcome: 'success', actor_id: user?.id, subject_id: user?.id };
  const detail = { format: 'ndjson', filter: JSON.stringify({ person: user?.id }) };
  const events = response.text.trimEnd().split('\n').length - 1;
  const digest = createHash('sha256').update(
    response.text
      .match(/(?<="hash":").{43}(?=",")/g)
      ?.map((hash) => `${hash}\n`)
      .join('') ?? '',
  );
  expect(rows).toEqual([
    { ...about, type: 'audit_export', detail: { ...detail, events, digest: digest.digest('base64url') } },
    { ...about, type: 'audit_export_begun', detail },
  ]);
});

test.each([
  '',
  '?format=xml',
  '?format=csv&address=nowhere',
  '?format=csv&adress=203.0.113.7',
  '?format=csv&from=yesterday',
])('refuses %s and records nothing', async (asked) => {
  const count = async () =>
    Number((await sql<{ n: string }>(`SELECT count(*) AS n FROM outbox`))[0]?.n) +
    (await web.context.auditLog.head()).seq;
  const before = await count();
  expect((await operator.get(`/operator/audit/export${asked}`)).status).toBe(422);
  expect(await count()).toBe(before);
});

test.each(['cross-site', 'same-site'])(
  'is no act of a page of another site (%s), which leads to the log',
  async (site) => {
    const before = await sql('SELECT FROM outbox');
    const path = '/operator/audit/export?format=csv&type=sys_cleanup';
    const answer = await operator.agent.get(path).set('Sec-Fetch-Site', site).redirects(0);
    expect([answer.status, answer.headers['location']]).toEqual([303, '/operator/audit?type=sys_cleanup']);
    expect(await sql('SELECT FROM outbox')).toHaveLength(before.length);
    expect((await operator.agent.get(path).set('Sec-Fetch-Site', 'same-origin')).status).toBe(200);
  },
);

test('finds text with whatever means something to SQL in it, and nothing else, in every way to ask', async () => {
  const strange = `'); DROP TABLE outbox; -- \\' $1 \\N "`;
  await sql(
    `INSERT INTO outbox (event) SELECT jsonb_build_object('type', 'sys_cleanup', 'outcome', 'success', 'requestId', $1::text,
       'detail', jsonb_build_object('text', $1::text))`,
    [strange],
  );
  await worker.sealing.seal();
  const exported = async (filter: Partial<AuditFilter>) => {
    const parts: Uint8Array[] = [];
    for await (const { bytes, events } of exportLog(web.context, { ...EVERY_EVENT, ...filter }, 'ndjson'))
      if (events > 0) parts.push(bytes);
    return Buffer.concat(parts)
      .toString()
      .trimEnd()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  };
  const [event] = await exported({ text: strange });
  expect(event).toMatchObject({ requestId: strange, detail: { text: strange } });
  for (const filter of [{ request: strange }, { request: strange, text: strange, types: ['sys_cleanup', 'no_such'] }])
    expect(await exported(filter)).toEqual([event]);
  const { id = '' } = (await web.context.users.findByEmail(email)) ?? {};
  for (const filter of [{ person: id }, { actor: id, from: new Date(0), outcome: 'success' }])
    expect((await exported(filter)).length).toBeGreaterThan(0);
  expect(await exported({ person: id, text: strange })).toEqual([]);
  expect(await exported({ types: ["'"], address: '198.51.100.0/24', to: new Date() })).toEqual([]);
});

test('waits for a slow reader, and reads no further once the reader has gone', async () => {
  const { auditLog } = web.context;
  const original = auditLog.exportable;
  let batches = 0;
  auditLog.exportable = (...args: Parameters<typeof original>) => {
    batches += 1;
    return original.apply(auditLog, args);
  };
  try {
    const cookie = operator.agent.jar.getCookies({ path: '/', domain: '127.0.0.1', secure: false, script: false });
    const headers = { cookie: cookie.toValueString() };
    const request = http.get(`${web.url}/operator/audit/export?format=ndjson`, { headers });
    const response = await new Promise<http.IncomingMessage>((resolve) => request.once('response', resolve));
    response.pause();
    await until(() => batches > 1);
    let read = -1;
    while (read !== batches) {
      read = batches; // until what lies between the two is full
      await delay(2_000);
    }
    expect(read).toBeLessThan(EVENTS / 4_000);
    request.destroy();
    await delay(1_000);
    expect(batches).toBeLessThanOrEqual(read + 1);
  } finally {
    auditLog.exportable = original;
  }
});

test('whose reader left before the first byte is recorded as one that failed', async () => {
  await worker.sealing.seal();
  const [before] = await sql<{ seq: string }>('SELECT seq FROM audit_head');
  const events = async () => {
    await worker.sealing.seal();
    return sql(`SELECT type, outcome FROM audit_event WHERE seq > $1 AND type LIKE 'audit\\_export%' ORDER BY seq`, [
      before?.seq,
    ]);
  };
  let [hasBegun, hasLeft] = [false, false];
  const { record } = web.context;
  const recording = jest.spyOn(web.context, 'record').mockImplementation(async (event) => {
    await record(event);
    if (event.type !== 'audit_export_begun') return;
    hasBegun = true;
    await until(() => hasLeft);
  });
  const cookies = operator.agent.jar.getCookies({ path: '/', domain: '127.0.0.1', secure: false, script: false });
  const request = http.get(`${web.url}/operator/audit/export?format=ndjson`, {
    headers: { cookie: cookies.toValueString() },
  });
  request.on('error', () => undefined);
  await until(() => hasBegun);
  request.destroy();
  await delay(200); // until the server knows
  hasLeft = true;
  await until(async () => (await events()).length === 2);
  recording.mockRestore();
  expect(await events()).toEqual([
    { type: 'audit_export_begun', outcome: 'success' },
    { type: 'audit_export', outcome: 'failure' },
  ]);
});

test('is cut when the session that asked for it ends', async () => {
  const answer = await new Browser(web.url).logIn(email);
  const cookie = setCookie(answer, SESSION_COOKIE)?.split(';')[0] ?? '';
  const request = http.get(`${web.url}/operator/audit/export?format=ndjson`, { headers: { cookie } });
  const response = await new Promise<http.IncomingMessage>((resolve) => request.once('response', resolve));
  response.pause();
  const [session] = await sql<{ id: string }>('SELECT id FROM session ORDER BY created_at DESC LIMIT 1');
  await web.context.sessions.end(
    { sessionId: session?.id ?? '' },
    { reason: 'revoked', actor: null, origin: NO_ORIGIN },
  );
  response.resume();
  await new Promise((resolve) => response.once('close', resolve));
  expect(response.complete).toBe(false);
  const outcomes = async () => {
    await worker.sealing.seal();
    return sql("SELECT outcome FROM audit_event WHERE type = 'audit_export' ORDER BY seq DESC LIMIT 1");
  };
  await until(async () => JSON.stringify(await outcomes()) === '[{"outcome":"failure"}]');
});

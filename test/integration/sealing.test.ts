// Sealing on a real database: exactly once whatever is killed, in order, counted by the hour, and every event kept, also of
// another version or of no sense.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { recordEvent } from '../../src/core/audit/outbox.ts';
import { FILL, filledLog } from '../support/filled-log.ts';
import { world } from '../support/world.ts';

const { web, worker, sql, tamper, openWorker } = await world({ worker: true });
const second = await openWorker();

const { emptyLog, fillOutbox } = filledLog({ sql, tamper });

/** That each of `count` events is in the log once, in order, with a number of its own and no gap, and the chain whole. */
async function expectWholeLog(count: number): Promise<void> {
  const rows = await sql<{ seq: string; n: number }>(
    `SELECT seq, (detail->>'n')::int AS n FROM audit_event ORDER BY seq`,
  );
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  expect(rows.map(({ seq }) => Number(seq))).toEqual(numbers);
  expect(rows.map(({ n }) => n)).toEqual(numbers);
  expect(await sql('SELECT id FROM outbox')).toEqual([]);
  expect(await sql('SELECT id FROM login_attempt')).toHaveLength(Math.floor(count / 2));
  expect(await web.context.verification.verify()).toMatchObject({ intact: true, count, seq: count });
}

describe('sealing', () => {
  beforeEach(emptyLog);

  test('numbers events without a gap, in the order in which they were written, and chains them', async () => {
    await fillOutbox(1_001);
    expect(await worker.sealing.seal()).toBe(1_001);
    expect(await worker.sealing.seal()).toBe(0);
    await expectWholeLog(1_001);
  });

  test('happens exactly once with two at it', async () => {
    await fillOutbox(3_000);
    const sealed = await Promise.all([worker, second, worker, second].map(({ sealing }) => sealing.seal()));
    expect(sealed.reduce((sum, count) => sum + count, 0)).toBe(3_000);
    await expectWholeLog(3_000);
  });

  test('happens exactly once with two at it while more arrives', async () => {
    let writing = true;
    const sealers = [worker, second].map(async ({ sealing }) => {
      while (writing) await sealing.seal();
    });
    for (let n = 1; n <= 1_000; n += 1) await web.context.database.pool.query(FILL, [1, n]);
    writing = false;
    await Promise.all(sealers);
    await worker.sealing.seal();
    await expectWholeLog(1_000);
  });

  test('loses and doubles nothing when its connection is killed in the middle, again and again', async () => {
    await fillOutbox(6_000);
    let killed = 0;
    let failed = 0;
    let left = 6_000;
    while (left > 0) {
      const sealing = Promise.allSettled([worker.sealing.seal(), second.sealing.seal()]);
      if (killed < 8) {
        await delay(20 + 15 * killed);
        const rows = await sql<{ killed: boolean }>(
          `SELECT pg_terminate_backend(pid) AS killed FROM pg_stat_activity
            WHERE datname = current_database() AND usename LIKE '%worker%' AND xact_start IS NOT NULL`,
        );
        killed += Math.max(1, rows.length);
      }
      failed += (await sealing).filter(({ status }) => status === 'rejected').length;
      left = (await sql('SELECT id FROM outbox')).length;
    }
    expect(failed).toBeGreaterThan(0);
    await expectWholeLog(6_000);
  });

  test('goes on with the time of the event before when the clock was set back', async () => {
    await fillOutbox(1);
    await worker.sealing.seal();
    await sql(`UPDATE audit_head SET sealed_at = date_trunc('milliseconds', now() + interval '1 hour')`);
    await fillOutbox(1);
    await worker.sealing.seal();
    const [row] = await sql<{ ahead: boolean }>(
      `SELECT sealed_at > now() + interval '59 minutes' AS ahead FROM audit_event WHERE seq = 2`,
    );
    expect(row?.ahead).toBe(true);
    expect((await web.context.verification.verify()).intact).toBe(true);
    await sql('UPDATE audit_head SET sealed_at = now()');
  });
});

describe('the hourly summary', () => {
  beforeEach(emptyLog);

  const COUNTED = `SELECT date_trunc('hour', occurred_at, 'UTC') AS hour, type, outcome, count(*) AS events,
    min(seq) AS first_seq, max(seq) AS last_seq FROM audit_event GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;
  const KEPT = 'SELECT hour, type, outcome, events, first_seq, last_seq FROM audit_summary ORDER BY 1, 2, 3';

  /** Over five hours, of three types and both outcomes. */
  const spread = (count: number) =>
    sql(
      `INSERT INTO outbox (event) SELECT jsonb_build_object('type', 'type-' || n % 3, 'outcome', 'outcome-' || n % 2,
        'occurredAt', to_char(timestamp '2026-11-23 22:30' + n % 5 * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
        FROM generate_series(1, $1::int) AS n`,
      [count],
    );

  test('counts what was sealed, batch after batch', async () => {
    await spread(7_001);
    await worker.sealing.seal();
    await spread(90);
    await worker.sealing.seal();
    expect(await sql(KEPT)).toEqual(await sql(COUNTED));
    expect(await sql(KEPT)).toHaveLength(30);
  });

  test('writes the counts once a transaction, however many batches it has', async () => {
    await fillOutbox(3_000);
    const asked = jest.spyOn(pg.Client.prototype, 'query');
    expect(await worker.sealing.seal()).toBe(3_000);
    const names = asked.mock.calls.map(([query]) => (query as { name?: string }).name);
    asked.mockRestore();
    expect(names.filter((name) => name === 'seal-insert')).toHaveLength(3);
    expect(names.filter((name) => name === 'seal-summary')).toHaveLength(1);
  });

  test('makes up for a worker of an older version, which counts nothing', async () => {
    await spread(60);
    await worker.sealing.seal();
    await tamper('DELETE FROM audit_summary; DELETE FROM audit_hour; UPDATE audit_head SET summary_seq = 0');
    await spread(60);
    await worker.sealing.seal();
    expect(await sql(KEPT)).toEqual(await sql(COUNTED));
  });
});

describe('an event of another version, or of no sense', () => {
  beforeEach(emptyLog);

  const write = (event: unknown, attempt: unknown = null) =>
    sql('INSERT INTO outbox (event, attempt) VALUES ($1, $2)', [
      JSON.stringify(event),
      attempt && JSON.stringify(attempt),
    ]);

  async function sealedOne(): Promise<Record<string, unknown>> {
    await worker.sealing.seal();
    expect(await sql('SELECT id FROM outbox')).toEqual([]);
    expect(await web.context.verification.verify()).toMatchObject({ intact: true });
    const rows = await sql<Record<string, unknown>>('SELECT *, host(ip) AS ip FROM audit_event ORDER BY seq');
    return rows[0] ?? {};
  }

  const whole = () => ({
    v: 1,
    id: randomUUID(),
    occurredAt: '2026-11-23T19:07:05.123Z',
    type: 'authn_login_fail',
    outcome: 'failure',
    actor: null,
    subject: randomUUID(),
    session: null,
    requestId: 'r-1',
    ip: '2001:DB8:0:0::1',
    userAgent: 'test',
    detail: { reason: 'wrong_password' },
  });

  test('keeps every field, and its moment', async () => {
    const event = whole();
    await write(event);
    expect(await sealedOne()).toMatchObject({
      ...{ id: event.id, type: event.type, subject_id: event.subject, detail: event.detail, ip: '2001:db8::1' },
      ...{ occurred_at: new Date(event.occurredAt), request_id: 'r-1', user_agent: 'test', outcome: 'failure' },
    });
  });

  test('keeps what a newer version added among the details, and a type that nobody knows yet', async () => {
    await write({ ...whole(), v: 2, type: 'mfa_enrolled', factor: { kind: 'webauthn', keys: [1, 2] }, weight: 1.5 });
    expect(await sealedOne()).toMatchObject({
      type: 'mfa_enrolled',
      detail: { reason: 'wrong_password', factor: { kind: 'webauthn', keys: [1, 2] }, weight: 1.5 },
    });
  });

  test('does without what an older version did not write', async () => {
    const { id, occurredAt, type, outcome } = whole();
    await write({ id, occurredAt, type, outcome }, { identifierHash: 'AAAA' });
    expect(await sealedOne()).toMatchObject({
      ...{ id, actor_id: null, subject_id: null, session_id: null, request_id: null, ip: null, user_agent: null },
      detail: {},
    });
    expect(await sql('SELECT id FROM login_attempt')).toEqual([{ id }]);
  });

  test.each<[string, object]>([
    ['an address that is none', { ip: 'unix:' }],
    ['an id that is none', { id: 'one' }],
    ['people who are none', { actor: 'root', subject: 7, session: {} }],
    ['a moment that is none', { occurredAt: 'yesterday' }],
    ['texts that are none', { userAgent: ['a'], requestId: 5 }],
    ['a type that is none', { type: ['a'], outcome: { a: 1 } }],
    ['a type of 100 KB', { type: 'x'.repeat(100_000) }],
    ['an outcome of 100 KB', { outcome: 'x'.repeat(100_000) }],
    ['a moment that no calendar has', { occurredAt: '+012026-11-23T19:07:05.123Z' }],
    ['a moment before everything', { occurredAt: '0000-01-01T00:00:00.000Z' }],
    ['details that are none', { detail: 'text' }],
    ['fields that objects have anyway', { constructor: 'a', toString: 'b' }],
  ])('is sealed with %s, which is kept', async (_, odd) => {
    await write({ ...whole(), ...odd });
    const event = await sealedOne();
    expect(event['id']).toEqual(expect.stringMatching(/^[0-9a-f-]{36}$/));
    const { ip, ...others } = odd as Record<string, unknown>;
    expect(event['detail']).toMatchObject(ip === undefined ? others : { address: ip });
  });

  test.each([null, 'text', 7, [1, 2], true, {}])('is sealed as %j', async (event) => {
    await write(event, { identifierHash: 5 });
    expect(await sealedOne()).toMatchObject({ type: 'unknown', outcome: 'unknown' });
  });

  test('with numbers that no computer here can hold stands before no other', async () => {
    await sql(
      `INSERT INTO outbox (event) VALUES ('{"type": "a", "detail": {"big": 1e400, "long": 123456789012345678901}}')`,
    );
    await fillOutbox(2);
    expect(await sealedOne()).toMatchObject({ detail: { big: null, long: 123456789012345680000 } });
    expect(await sql('SELECT seq FROM audit_event')).toHaveLength(3);
  });

  test('passes from the web process into the log with text of any kind', async () => {
    const hostile = [
      'null \u0000 byte',
      '\ud800 lone \udfff surrogates \ud83d',
      '\u001b]0;owned\u0007\u001b[31m red',
      `${'u'.repeat(64 * 1024)}`,
      `${'a'.repeat(1_023)}😀`,
      '<script>alert(1)</script>\r\n{"v":1}',
      '\u202e\u2066 right to left',
    ];
    for (const userAgent of hostile) {
      await web.context.database.prisma.$transaction((transaction) =>
        recordEvent(transaction, {
          type: 'authn_login_fail',
          outcome: 'failure',
          actor: null,
          subject: null,
          origin: { ip: '203.0.113.7', userAgent, requestId: userAgent },
          detail: { what: userAgent, count: -0, nothing: null },
        }),
      );
    }
    await worker.sealing.seal();
    expect(await web.context.verification.verify()).toMatchObject({
      intact: true,
      count: hostile.length,
      seq: hostile.length,
    });
    const rows = await sql<{ user_agent: string; detail: { what: string } }>(
      'SELECT user_agent, detail FROM audit_event ORDER BY seq',
    );
    for (const [index, { user_agent, detail }] of rows.entries()) {
      const expected = (hostile[index] ?? '').slice(0, 1_024).toWellFormed().replaceAll('\0', '\ufffd');
      expect([user_agent, detail.what]).toEqual([expected, expected]);
    }
  });
});

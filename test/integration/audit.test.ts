// The audit log on a real database: sealed exactly once whatever is killed, refused to whoever would change it, proved to
// have been changed when somebody could, and read by operators page by page.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { query } from '../../harness/query.ts';
import { type AuditEventType, NO_ORIGIN } from '../../src/core/audit/events.ts';
import { recordEvent } from '../../src/core/audit/outbox.ts';
import { EVERY_EVENT } from '../../src/core/audit/reading/query.ts';
import { Browser, newEmail } from '../support/app.ts';
import { linkTo } from '../support/page.ts';
import { world } from '../support/world.ts';

const { stores, web, worker, sql, openWorker } = await world({ worker: true });
const second = await openWorker();

/** As the owner of the whole server could: past triggers and grants. */
const tamper = (text: string) =>
  sql(`SET session_replication_role = replica; ${text}; SET session_replication_role = DEFAULT`);

/** Begins the log anew, as no role of Holdfast could. */
async function emptyLog(): Promise<void> {
  await tamper(`
    DELETE FROM audit_event; DELETE FROM outbox; DELETE FROM login_attempt;
    DELETE FROM audit_summary;
    UPDATE audit_head SET seq = 0, summary_seq = 0, hash = decode(repeat('00', 32), 'hex')`);
}

/** Puts events into the outbox, numbered in their detail in the order in which they were written. */
const FILL = `
  INSERT INTO outbox (event, attempt)
  SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'occurredAt', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
  'type', 'authn_login_fail', 'outcome', 'failure', 'actor', NULL, 'subject', NULL, 'session', NULL,
  'requestId', 'r-' || n, 'ip', '203.0.113.' || n % 256, 'userAgent', 'test', 'detail', jsonb_build_object('n', n)),
  CASE WHEN n % 2 = 0 THEN jsonb_build_object('identifierHash', 'AAAA') END
  FROM generate_series($2::int, $2 + $1 - 1) AS n`;

async function fillOutbox(count: number): Promise<void> {
  await sql(FILL, [count, 1]);
}

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

  test('makes up for a worker of an older version, which counts nothing', async () => {
    await spread(60);
    await worker.sealing.seal();
    await tamper('DELETE FROM audit_summary; UPDATE audit_head SET summary_seq = 0');
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

describe('the chain', () => {
  beforeAll(async () => {
    await emptyLog();
    await fillOutbox(20);
    await worker.sealing.seal();
    await sql('DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM audit_event');
    await sql('DROP TABLE IF EXISTS kept_head; CREATE TABLE kept_head AS SELECT * FROM audit_head');
  });

  beforeEach(async () => {
    await tamper(`DELETE FROM audit_event; INSERT INTO audit_event SELECT * FROM kept;
      DELETE FROM audit_head; INSERT INTO audit_head SELECT * FROM kept_head`);
    expect(await web.context.verification.verify()).toMatchObject({ intact: true, count: 20, seq: 20 });
  });

  const COPY = `actor_id, subject_id, session_id, request_id, detail, ip, user_agent, personal_salt, personal_hash, prev_hash, hash`;

  test.each<[string, string, number, string]>([
    ['a detail', `UPDATE audit_event SET detail = '{"n": 77}' WHERE seq = 7`, 7, 'event 7 was altered'],
    ['an outcome', `UPDATE audit_event SET outcome = 'success' WHERE seq = 20`, 20, 'event 20 was altered'],
    [
      'a moment',
      `UPDATE audit_event SET occurred_at = occurred_at + interval '1 ms' WHERE seq = 1`,
      1,
      'event 1 was altered',
    ],
    ['an actor', `UPDATE audit_event SET actor_id = gen_random_uuid() WHERE seq = 7`, 7, 'event 7 was altered'],
    [
      'an address',
      `UPDATE audit_event SET ip = '203.0.113.99' WHERE seq = 7`,
      7,
      'event 7 was altered: address or browser',
    ],
    [
      'a browser',
      `UPDATE audit_event SET user_agent = 'x' WHERE seq = 7`,
      7,
      'event 7 was altered: address or browser',
    ],
    [
      'an address that comes back after it was erased',
      `UPDATE audit_event SET personal_salt = NULL WHERE seq = 7`,
      7,
      'event 7 was altered: erased values came back',
    ],
    ['a row taken out of the middle', 'DELETE FROM audit_event WHERE seq = 7', 7, 'event 7 is missing'],
    ['rows taken out of the middle', 'DELETE FROM audit_event WHERE seq IN (7, 8, 9)', 7, 'events 7 to 9 are missing'],
    ['the first row taken away', 'DELETE FROM audit_event WHERE seq = 1', 1, 'event 1 is missing'],
    ['the last row taken away', 'DELETE FROM audit_event WHERE seq = 20', 20, 'event 20 is missing'],
    ['the last rows taken away', 'DELETE FROM audit_event WHERE seq > 15', 16, 'events 16 to 20 are missing'],
    ['every row taken away', 'DELETE FROM audit_event', 1, 'events 1 to 20 are missing'],
    [
      'the last row taken away, and the head set back',
      `DELETE FROM audit_event WHERE seq = 20; UPDATE audit_head SET seq = 19`,
      19,
      'event 19 is not the one that the head of the chain names',
    ],
    [
      'a row put in between',
      `INSERT INTO audit_event SELECT seq, sealed_at + interval '1 ms', id, occurred_at, type, outcome, ${COPY} FROM kept WHERE seq = 7`,
      7,
      'event 7 was inserted: it stands twice or out of order',
    ],
    [
      'a row put before the first',
      `INSERT INTO audit_event SELECT 0, sealed_at, id, occurred_at, type, outcome, ${COPY} FROM kept WHERE seq = 1`,
      0,
      'event 0 was inserted: it stands twice or out of order',
    ],
    [
      'a row put after the last',
      `INSERT INTO audit_event SELECT 21, sealed_at, id, occurred_at, type, outcome, ${COPY} FROM kept WHERE seq = 20`,
      21,
      'event 21 was inserted past the head of the chain',
    ],
    [
      'two rows that changed places',
      'UPDATE audit_event SET seq = 99 WHERE seq = 7; UPDATE audit_event SET seq = 7 WHERE seq = 8; UPDATE audit_event SET seq = 8 WHERE seq = 99',
      7,
      'event 7 was altered',
    ],
  ])('names %s', async (_, change, seq, problem) => {
    await tamper(change);
    expect(await web.context.verification.verify()).toEqual({ intact: false, seq, problem });
  });

  test('names a row that was rewritten with a hash of its own', async () => {
    const { hashEvent, hashPersonal } = await import('../../src/core/audit/canonical-event.ts');
    const { events } = await web.context.auditLog.page(EVERY_EVENT, { before: 8 }, 1);
    const [event] = events;
    if (!event?.personalSalt) throw new Error('no event');
    const forged = { ...event, ip: '198.51.100.1', detail: { n: 'forged' } };
    const personalHash = hashPersonal(event.personalSalt, forged);
    const hash = hashEvent({ ...forged, personalHash });
    await tamper(`UPDATE audit_event SET ip = '198.51.100.1', detail = '{"n": "forged"}', hash = '\\x${hash.toString('hex')}',
      personal_hash = '\\x${personalHash.toString('hex')}' WHERE seq = 7`);
    expect(await web.context.verification.verify()).toEqual({
      intact: false,
      seq: 8,
      problem: 'event 8 does not follow the one before it: one of them was replaced',
    });
  });

  test('stays whole when personal values are erased', async () => {
    await tamper('UPDATE audit_event SET ip = NULL, user_agent = NULL, personal_salt = NULL WHERE seq IN (3, 7)');
    expect(await web.context.verification.verify()).toMatchObject({ intact: true, count: 20, seq: 20 });
  });

  test('is proved batch by batch, also where a row stands twice at the edge of a batch', async () => {
    await tamper('DELETE FROM audit_event');
    await emptyLog();
    await fillOutbox(5_001);
    await worker.sealing.seal();
    const progress: number[] = [];
    expect((await web.context.verification.verify({ onProgress: (done) => progress.push(done) })).intact).toBe(true);
    expect(progress).toEqual([5_000, 5_001]);
    await tamper(`INSERT INTO audit_event SELECT seq, sealed_at + interval '1 ms', id, occurred_at, type, outcome, ${COPY}
      FROM audit_event WHERE seq = 5000`);
    expect(await web.context.verification.verify()).toMatchObject({ intact: false, seq: 5_000 });
  });
});

describe('the database', () => {
  const CHANGES = [
    `UPDATE audit_event SET outcome = 'success'`,
    'DELETE FROM audit_event',
    'TRUNCATE audit_event',
    `UPDATE audit_event_PARTITION SET outcome = 'success'`,
    'DELETE FROM audit_event_PARTITION',
    'TRUNCATE audit_event_PARTITION',
  ];
  let partition = '';

  beforeAll(async () => {
    await emptyLog();
    await fillOutbox(5);
    await worker.sealing.seal();
    const [row] = await sql<{ name: string }>('SELECT tableoid::regclass::text AS name FROM audit_event LIMIT 1');
    partition = row?.name ?? '';
    expect(partition).toMatch(/^audit_event_\d{4}_\d\d$/);
  });

  async function codeOf(url: string, text: string): Promise<string> {
    const error = await query(url, text.replace('audit_event_PARTITION', partition)).catch((one: unknown) => one);
    return String((error as { code?: string }).code ?? 'none');
  }

  test.each(CHANGES)('refuses every role of Holdfast: %s', async (change) => {
    const { webUrl, workerUrl, ownerUrl, superuserUrl } = stores.database;
    for (const url of [webUrl, workerUrl, ownerUrl, superuserUrl]) expect(await codeOf(url, change)).toBe('42501');
    expect(await sql('SELECT seq FROM audit_event')).toHaveLength(5);
  });

  test('says to its owner why', async () => {
    await expect(query(stores.database.ownerUrl, 'DELETE FROM audit_event')).rejects.toThrow(
      'audit_event is append-only: DELETE refused',
    );
    await expect(query(stores.database.ownerUrl, 'TRUNCATE audit_event')).rejects.toThrow(
      'append-only: TRUNCATE refused',
    );
  });

  test.each([
    ['web', 'INSERT INTO audit_event SELECT * FROM audit_event'],
    ['web', 'UPDATE audit_head SET seq = 1'],
    ['web', 'SELECT event FROM outbox'],
    ['web', 'SELECT * FROM outbox'],
    ['web', 'DELETE FROM outbox'],
    ['web', 'UPDATE outbox SET attempt = NULL'],
    ['web', 'DELETE FROM session'],
    ['web', 'DELETE FROM user_account'],
    ['web', 'INSERT INTO login_attempt SELECT * FROM login_attempt'],
    ['web', 'DELETE FROM login_attempt'],
    ['web', 'ALTER TABLE audit_event DISABLE TRIGGER ALL'],
    ['web', 'SET session_replication_role = replica'],
    ['web', 'SELECT audit_ensure_partitions(1)'],
    ['web', 'CREATE TABLE mine (a int)'],
    ['worker', 'SELECT password_hash FROM user_account'],
    ['worker', 'SELECT * FROM user_account'],
    ['worker', `UPDATE user_account SET role = 'operator'`],
    ['worker', 'INSERT INTO session SELECT * FROM session'],
    ['worker', 'INSERT INTO token SELECT * FROM token'],
    ['worker', 'DELETE FROM audit_head'],
    ['worker', 'ALTER TABLE audit_event DISABLE TRIGGER ALL'],
    ['worker', 'CREATE TABLE mine (a int)'],
  ] as const)('refuses the %s process: %s', async (process, text) => {
    const { webUrl, workerUrl } = stores.database;
    expect(await codeOf(process === 'web' ? webUrl : workerUrl, text)).toBe('42501');
  });
});

describe('the page', () => {
  let operator: Browser;
  let operatorEmail: string;
  let otherEmail: string;

  beforeAll(async () => {
    await emptyLog();
    operator = new Browser(web.url);
    operatorEmail = newEmail();
    otherEmail = newEmail();
    await operator.register(operatorEmail);
    await new Browser(web.url).register(otherEmail);
    const chief = await web.context.users.findByEmail(operatorEmail);
    await web.context.users.setRole(chief?.id ?? '', 'operator', { actor: null, origin: NO_ORIGIN });
    await operator.logIn(operatorEmail);
    await worker.sealing.seal();
    await emptyLog();
    const other = await web.context.users.findByEmail(otherEmail);
    // 130 events: every tenth is the other person's, done or suffered; the rest is nobody's.
    for (let n = 1; n <= 130; n += 1) {
      const type: AuditEventType = n % 2 ? 'authn_login_fail' : 'session_created';
      const whose =
        n % 10 === 0
          ? { actor: n % 20 ? null : (other?.id ?? null), subject: other?.id ?? null }
          : { actor: null, subject: null };
      await web.context.database.prisma.$transaction((transaction) =>
        recordEvent(transaction, { type, outcome: 'success', ...whose, origin: NO_ORIGIN, detail: { n } }),
      );
    }
    await worker.sealing.seal();
  });

  const seqsOf = (html: string) => [...html.matchAll(/id="event-(\d+)"/g)].map(([, seq]) => Number(seq));
  const down = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, index) => from - index);
  const open = async (path: string) => {
    const response = await operator.get(path);
    expect(response.status).toBe(200);
    return response.text;
  };

  test('shows the newest first, and leads to the end and back without leaving one out', async () => {
    const first = await open('/operator/audit');
    expect(seqsOf(first)).toEqual(down(130, 81));
    expect(first).toContain('130 in the log');
    expect([linkTo(first, 'Newer'), linkTo(first, 'Newest')]).toEqual([undefined, undefined]);
    const middle = await open(linkTo(first, 'Older') ?? '');
    expect(seqsOf(middle)).toEqual(down(80, 31));
    const last = await open(linkTo(middle, 'Older') ?? '');
    expect(seqsOf(last)).toEqual(down(30, 1));
    expect(linkTo(last, 'Older')).toBeUndefined();
    const back = await open(linkTo(last, 'Newer') ?? '');
    expect(seqsOf(back)).toEqual(down(80, 31));
    const top = await open(linkTo(back, 'Newer') ?? '');
    expect(seqsOf(top)).toEqual(down(130, 81));
    expect(linkTo(top, 'Newer')).toBeUndefined();
    expect(linkTo(top, 'Newest')).toBe('/operator/audit');
  });

  test('stays where it is while more is written', async () => {
    const older = linkTo(await open('/operator/audit'), 'Older') ?? '';
    await web.context.record({
      type: 'sys_startup',
      outcome: 'success',
      actor: null,
      subject: null,
      origin: NO_ORIGIN,
    });
    await worker.sealing.seal();
    expect(seqsOf(await open(older))).toEqual(down(80, 31));
    expect(seqsOf(await open('/operator/audit'))[0]).toBe(131);
  });

  test('is filtered by type', async () => {
    const page = await open('/operator/audit?type=authn_login_fail');
    const seqs = seqsOf(page);
    expect(seqs).toHaveLength(50);
    expect(seqs.every((seq) => seq % 2 === 1)).toBe(true);
    expect(page).toContain('65 match');
    expect(page).toContain('<option value="authn_login_fail" selected>');
    const older = linkTo(page, 'Older') ?? '';
    expect(new URLSearchParams(older.split('?')[1]).get('type')).toBe('authn_login_fail');
    expect(seqsOf(await open(older))).toHaveLength(15);
  });

  test('is filtered by person, whatever they did or suffered, each once, and by both', async () => {
    const mine = down(13, 1).map((tenth) => tenth * 10);
    const byEmail = `/operator/audit?person=${encodeURIComponent(otherEmail.toUpperCase())}`;
    expect(seqsOf(await open(byEmail))).toEqual(mine);
    const id = (await web.context.users.findByEmail(otherEmail))?.id ?? '';
    expect(seqsOf(await open(`/operator/audit?person=${id}`))).toEqual(mine);
    expect(seqsOf(await open(`${byEmail}&type=session_created`))).toEqual(mine);
    const none = await open(`${byEmail}&type=authn_login_fail`);
    expect(seqsOf(none)).toEqual([]);
    expect(none).toContain('No event matches these filters.');
  });

  test('has a chip for each filter, which leads to the page without it', async () => {
    const both = await open(`/operator/audit?type=session_created&person=${encodeURIComponent(otherEmail)}`);
    const chips = [...both.matchAll(/<a class="chip" href="([^"]+)">.*?<bdi>([^<]+)<\/bdi>/g)];
    expect(chips.map(([, href, label]) => [label, href])).toEqual([
      ['Type: session_created', `/operator/audit?person=${encodeURIComponent(otherEmail)}`],
      [`Person: ${otherEmail}`, '/operator/audit?type=session_created'],
    ]);
    expect(await open('/operator/audit?type=session_created')).toContain('<a class="chip" href="/operator/audit">');
  });

  test.each([
    ['type=nonsense', 'There is no event of this type. Choose one from the list.'],
    ['type=constructor', 'There is no event of this type. Choose one from the list.'],
    ['person=nobody@example.org', 'There is no account with this address. Check the spelling.'],
    ["person=' OR 1=1 --", 'There is no account with this address. Check the spelling.'],
    ['person=%00', 'Person has a character in it that no event can have.'],
    ['type=%3Cscript%3Ealert(1)%3C/script%3E', 'There is no event of this type. Choose one from the list.'],
    ['person=a&person=b', 'Person is given more than once.'],
    [`text=${'x'.repeat(301)}`, 'Detail has more than 300 characters.'],
    ['address=203.0.113.7/33', 'This is not an address, such as 203.0.113.7'],
    ['address=203.0.113', 'This is not an address, such as 203.0.113.7'],
    ['address=0x7f.1', 'This is not an address, such as 203.0.113.7'],
    ['address=::1/x', 'This is not an address, such as 203.0.113.7'],
    ['outcome=maybe', 'The outcome is success or failure.'],
    ['session=1', 'This is not the id of a session.'],
    ['actor=nobody', 'There is no account with this address.'],
    ['from=yesterday', 'From is not a moment.'],
    ['from=2026-02-30', 'From is not a moment.'],
    ['from=0000-01-01', 'From is not a moment.'],
    ['to=9999-12-31', 'Before is not a moment.'],
    ['to=9999-12-31T23:00-02:00', 'Before is not a moment.'],
    ['to=2026-11-24T25:00', 'Before is not a moment.'],
    ['from=2026-11-24T10:00&to=2026-11-24T09:00', 'The time ends before it begins.'],
  ])('says what is wrong with %s', async (filter, problem) => {
    const response = await operator.get(`/operator/audit?${filter.replaceAll(' ', '%20').replaceAll("'", '%27')}`);
    expect(response.status).toBe(422);
    expect(response.text).toContain(problem);
    expect(response.text).toContain('Nothing was searched.');
    expect(response.text).not.toContain('<script>alert');
  });

  test.each([
    'before=x',
    'before=-1',
    'before=0',
    'before=1e400',
    'after=999999999',
    'before=5&before=6',
    'before[]=5',
    'after=9007199254740993',
  ])('is an answer also for ?%s', async (key) =>
    expect((await operator.get(`/operator/audit?${key}`)).status).toBe(200),
  );

  test('shows hostile text as text', async () => {
    const email = 'a+<b>@example.org';
    const markup = '<img src=x onerror=alert(1)>"\'&';
    await sql(
      `INSERT INTO user_account (id, email, email_key, password_hash) VALUES ('018f0000-0000-7000-8000-00000000beef', $1, $1, '')`,
      [email],
    );
    await sql('INSERT INTO outbox (event) VALUES ($1)', [
      JSON.stringify({
        type: markup,
        outcome: markup,
        actor: '018f0000-0000-7000-8000-00000000beef',
        userAgent: markup,
        ip: '2001:db8::2',
        detail: { [markup]: { nested: markup } },
      }),
    ]);
    await worker.sealing.seal();
    const page = await open('/operator/audit');
    expect(page).not.toContain('<img src=x');
    expect(page).not.toContain('a+<b>');
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(page).not.toContain('[object Object]');
    expect(page).toContain(`href="/operator/audit?person=${encodeURIComponent(email)}"`);
    expect(page).toContain('2001:db8::2');
  });

  test('draws a log of many years', async () => {
    await sql(`INSERT INTO audit_summary SELECT timestamptz '2000-01-01' + n * interval '1 hour', 'sys_startup', 'success', 1, 1, 1
                 FROM generate_series(1, 150000) AS n`);
    expect(await open('/operator/audit?from=2000-01-01')).toContain('<svg');
    await sql(`DELETE FROM audit_summary WHERE hour < '2017-06-01'`);
  });
});

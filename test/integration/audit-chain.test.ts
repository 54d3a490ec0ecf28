// The sealed log on a real database: refused to whoever would change it, and proved to have been changed when somebody could.
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { query } from '../../harness/query.ts';
import { EVERY_EVENT } from '../../src/core/audit/reading/query.ts';
import { filledLog } from '../support/filled-log.ts';
import { world } from '../support/world.ts';

const { stores, web, worker, sql, tamper } = await world({ worker: true });

const { emptyLog, fillOutbox } = filledLog({ sql, tamper });

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
    await sql(`INSERT INTO outbox (event) VALUES ('{"type": "personal_data_erased", "detail": {"events": 2}}')`);
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
    ['worker', `UPDATE user_account SET password_hash = 'another'`],
    ['worker', 'DELETE FROM audit_head'],
    ['worker', 'ALTER TABLE audit_event DISABLE TRIGGER ALL'],
    ['worker', 'CREATE TABLE mine (a int)'],
  ] as const)('refuses the %s process: %s', async (process, text) => {
    const { webUrl, workerUrl } = stores.database;
    expect(await codeOf(process === 'web' ? webUrl : workerUrl, text)).toBe('42501');
  });
});

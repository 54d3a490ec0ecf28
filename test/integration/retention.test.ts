// Old months of the log are dropped whole, oldest first, and the rest still verifies.
import { beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { query } from '../../harness/query.ts';
import { exportLog } from '../../src/core/audit/reading/export.ts';
import { EVERY_EVENT } from '../../src/core/audit/reading/query.ts';
import { createExportSigning } from '../../src/core/audit/verification/exports/export-signing.ts';
import { createRetention } from '../../src/core/audit/verification/retention.ts';
import { createVerification } from '../../src/core/audit/verification/verify-log.ts';
import { key, keys, provedWorld } from '../support/proved-world.ts';

const DAY = 86_400_000;
const today = new Date();
/** Until the month that began three months ago: of those before nothing is kept, on whatever day this runs. */
const KEPT_MS = today.getTime() - Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - 3);

const { stores, worker, sql, tamper, begin, seal, checkpoints, verify, exported, verifyText } = await provedWorld();

const retention = (retentionMs: number) => createRetention({ ...worker, checkpoints: checkpoints(), retentionMs });

describe('a month that has been kept long enough', () => {
  beforeAll(async () => {
    await begin();
    const owner = (text: string, values: unknown[] = []) => query(stores.database.ownerUrl, text, values);
    for (const months of [5, 4, 3]) {
      await owner(
        `SELECT audit_make_partition(date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => $1))`,
        [months],
      );
    }
    // Sealed then: the head's clock is set, as a log of that age would have it.
    const [oldest] = [await sealAt(5), await sealAt(4), await sealAt(3)];
    // These waited for months: their hour lies on both sides of what is dropped.
    await sql(
      `INSERT INTO outbox (event) SELECT jsonb_build_object('type', 'sys_startup', 'outcome', 'success', 'occurredAt', $1::text)
         FROM generate_series(1, 3)`,
      [oldest.toISOString()],
    );
    await seal(10);
  });

  /** Seals ten events in the middle of a month, and says when they occurred. */
  async function sealAt(months: number): Promise<Date> {
    const { chainEvents, countEvents, appendEvents, lockHead, moveHead } = await import(
      '../../src/core/audit/append.ts'
    );
    const { readOutboxEvent } = await import('../../src/core/audit/outbox-event.ts');
    const client = await worker.database.pool.connect();
    await client.query('BEGIN');
    const head = await lockHead(client);
    const then = new Date();
    then.setUTCDate(15);
    then.setUTCMonth(then.getUTCMonth() - months);
    const known = Array.from({ length: 10 }, () => readOutboxEvent({ type: 'sys_startup', outcome: 'success' }, then));
    const events = chainEvents(known, { ...head, now: then });
    await appendEvents(client, events);
    await countEvents(client, events);
    const last = events.at(-1);
    if (last) await moveHead(client, last, 0);
    await client.query('COMMIT');
    client.release();
    return then;
  }

  test('is dropped whole, the oldest first, and the rest still verifies', async () => {
    expect(await verify()).toMatchObject({ intact: true, count: 43 });
    expect(await retention(3_650 * DAY).dropOld()).toEqual([]);
    await tamper('UPDATE audit_event SET outcome = $$failure$$ WHERE seq = 4');
    expect(await retention(KEPT_MS).dropOld()).toEqual([]);
    await tamper('UPDATE audit_event SET outcome = $$success$$ WHERE seq = 4');
    await worker.sealing.seal();
    expect(await sql(`SELECT detail->>'seq' AS seq FROM audit_event WHERE type = 'sys_audit_altered'`)).toEqual([
      { seq: '4' },
    ]);

    // An export has begun, and a verification is about to read its first events, when the months go.
    const exporting = exportLog(worker, EVERY_EVENT, 'csv');
    await exporting.next();
    let dropped: string[] = [];
    const { pool } = worker.database;
    const query = async (text: string, values: unknown[]) => {
      if (text.includes('(seq, sealed_at) >') && dropped.length === 0) dropped = await retention(KEPT_MS).dropOld();
      return pool.query(text, values);
    };
    const interrupted = createVerification({ database: { ...worker.database, pool: { query } as unknown as pg.Pool } });
    expect(await interrupted.verify({ keys })).toMatchObject({ intact: true, first: dropped.length * 10 + 1 });
    await expect(exporting.next()).rejects.toThrow('Export again');
    expect(dropped).toHaveLength(2);
    await worker.sealing.seal();
    const gone = dropped.length * 10;
    expect(await verify()).toMatchObject({ intact: true, first: gone + 1 });
    const told = await sql<{ detail: { month: string } }>(
      `SELECT detail FROM audit_event WHERE type = 'sys_audit_dropped' ORDER BY seq`,
    );
    expect(told.map(({ detail }) => detail.month)).toEqual(dropped);
    expect(told[1]?.detail).toMatchObject({ first: 11, last: 20 });
    const kept = await sql('SELECT FROM audit_event');
    expect(await worker.auditLog.count(EVERY_EVENT)).toEqual({ events: kept.length, andMore: false });
    const [counted] = await sql<{ equal: boolean }>(
      'SELECT (SELECT sum(events) FROM audit_summary) = (SELECT count(*) FROM audit_event) AS equal',
    );
    expect(counted?.equal).toBe(true);
    expect(
      await sql(`SELECT events, first_seq FROM audit_summary WHERE type = 'sys_startup' ORDER BY hour LIMIT 1`),
    ).toEqual([{ events: '3', first_seq: '31' }]);
    const own = { ...worker, checkpoints: checkpoints(), key, nudge: () => undefined };
    const text = await exported('ndjson', EVERY_EVENT, createExportSigning(own));
    const all = await checkpoints().all();
    expect(await verifyText(text, { checkpoints: all })).toMatchObject({ intact: true, first: gone + 1 });
    await tamper(`DELETE FROM audit_event WHERE seq = ${gone + 1}`);
    expect(await verify()).toMatchObject({ intact: false, problem: `event ${gone + 1} is missing` });
  });

  test('is refused by the database otherwise', async () => {
    const drop = (url: string, months: number) =>
      query(
        url,
        `SELECT audit_drop_month(date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => $1))`,
        [months],
      );
    const { webUrl, workerUrl } = stores.database;
    await expect(drop(webUrl, 3)).rejects.toMatchObject({ code: '42501' });
    for (const months of [0, 1]) await expect(drop(workerUrl, months)).rejects.toThrow('too young');
    await expect(drop(workerUrl, 7)).rejects.toThrow('not the oldest');
    await sealAt(3).catch(() => undefined);
  });
});

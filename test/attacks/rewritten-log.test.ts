// Somebody owns the database and rewrites the log in it, with every hash made anew, or takes away its end. The worker, which
// signs, holds the table against what it has sealed and signed itself and against its file: it signs nothing, and says so, until
// somebody with the key accepts it.
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readPublicKeys, readSigningKey } from '../../src/core/audit/ed25519.ts';
import { type Checkpoint, isSigned, parseCheckpoints } from '../../src/core/audit/verification/signed-checkpoint.ts';
import type { Context } from '../../src/core/context.ts';
import { openWorker } from '../support/app.ts';
import { filledLog } from '../support/filled-log.ts';
import { world } from '../support/world.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-rewritten-'));
const SIGNING = 'ab'.repeat(32);
const keys = readPublicKeys([readSigningKey(SIGNING)?.publicText ?? '']) ?? new Map();

const { stores, web, worker: forger, sql, tamper, atEnd } = await world({ worker: true });
atEnd(() => rmSync(folder, { recursive: true, force: true }));
const { emptyLog } = filledLog({ sql, tamper });

let file: string;
let worker: Context;
let files = 0;

beforeEach(async () => {
  await emptyLog();
  await tamper('DELETE FROM audit_checkpoint');
  files += 1;
  file = path.join(folder, `checkpoints-${files}`);
  worker = await signer({ AUDIT_CHECKPOINT_FILE: file });
});

/** Each is closed after its test: a database of tests has few connections. */
const signers: Context[] = [];
async function signer(env: Record<string, string> = {}): Promise<Context> {
  const opened = await openWorker(stores, { AUDIT_SIGNING_KEY: SIGNING, ...env });
  signers.push(opened);
  return opened;
}

afterEach(async () => {
  for (const opened of signers.splice(0)) await opened.close();
});

const inFile = () => parseCheckpoints(readFileSync(file, 'utf8'));
const verify = (checkpoints: readonly Checkpoint[] = []) => web.context.verification.verify({ keys, checkpoints });

async function seal(count: number, by: Context = worker, what = 'true'): Promise<void> {
  await sql(
    `INSERT INTO outbox (event) SELECT jsonb_build_object('type', 'authz_fail', 'outcome', 'failure', 'detail',
       jsonb_build_object('what', $2::text)) FROM generate_series(1, $1::int)`,
    [count, what],
  );
  await by.sealing.seal();
}

/** As the owner of the database: another history from event `from` on, as long as the true one. */
async function rewrite(from: number, { checkpoints }: { checkpoints: 'kept' | 'deleted' }): Promise<void> {
  const { seq } = await web.context.auditLog.head();
  await cutAfter(from - 1);
  if (checkpoints === 'deleted')
    await tamper('DELETE FROM audit_checkpoint; DELETE FROM audit_tree; DELETE FROM audit_tree_tile');
  await seal(seq - from + 1, forger, 'forged');
  expect(await verify()).toMatchObject({ intact: checkpoints === 'deleted' });
}

async function cutAfter(seq: number): Promise<void> {
  await tamper(`DELETE FROM audit_event WHERE seq > ${seq}; DELETE FROM outbox; DELETE FROM audit_summary; DELETE FROM audit_hour;
    UPDATE audit_head SET (seq, summary_seq, hash) = (SELECT ${seq}, ${seq}, coalesce((SELECT hash FROM audit_event WHERE seq = ${seq}),
      decode(repeat('00', 32), 'hex')))`);
}

const alarms = () =>
  sql<{ problem: string }>(
    `SELECT event->'detail'->>'problem' AS problem FROM outbox WHERE event->>'type' = 'sys_audit_altered'`,
  );

describe('a log that was rewritten, with its checkpoints', () => {
  test.each([1, 15])('is not signed, whatever the table says: from event %s on', async (from) => {
    await seal(20);
    expect(await worker.checkpoints.write('schedule')).toMatchObject({ seq: 20 });
    await seal(5);
    await rewrite(from, { checkpoints: 'deleted' });
    expect(await worker.checkpoints.write('schedule')).toBeNull();
    expect(worker.checkpoints.isAlarmed()).toBe(true);
    expect(await alarms()).toEqual([
      { problem: expect.stringMatching(/^event 20 is not the one .* in the file names/) },
    ]);
    expect(await worker.checkpoints.write('schedule')).toBeNull();
    expect(await alarms()).toHaveLength(1); // once for each thing that is wrong
    const restarted = await signer({ AUDIT_CHECKPOINT_FILE: file });
    expect(await restarted.checkpoints.write('schedule')).toBeNull();
    expect(inFile()).toHaveLength(1);
  });

  test('is not signed by a worker without a file either, while it lives', async () => {
    worker = await signer();
    await seal(20);
    await worker.checkpoints.write('schedule');
    await rewrite(3, { checkpoints: 'deleted' });
    expect(await worker.checkpoints.write('schedule')).toBeNull();
    expect(await alarms()).toEqual([{ problem: expect.stringContaining('that the worker has signed names') }]);
  });

  test('is found where only what nobody had signed yet was rewritten', async () => {
    await seal(20);
    await worker.checkpoints.write('schedule');
    await seal(10);
    await rewrite(25, { checkpoints: 'deleted' });
    expect(await worker.checkpoints.write('schedule')).toBeNull();
    expect(await alarms()).toEqual([
      { problem: 'event 31 is not the one that the memory of the worker names: the log was rewritten' },
    ]);
  });

  test('drops no month', async () => {
    await seal(20);
    await worker.checkpoints.write('schedule');
    await rewrite(1, { checkpoints: 'deleted' });
    expect(await worker.checkpoints.writeUpTo(10, 'retention')).toBeNull();
  });

  test('is told on the overview until something is signed again', async () => {
    await seal(20);
    await worker.checkpoints.write('schedule');
    await rewrite(1, { checkpoints: 'deleted' });
    await worker.checkpoints.write('schedule');
    await forger.sealing.seal();
    expect((await web.context.readOverview()).checkpoint?.alarm).toBe(21);
    await worker.checkpoints.acceptLoss('a test');
    expect((await web.context.readOverview()).checkpoint?.alarm).toBeNull();
  });
});

describe('a log that lost its end', () => {
  test('is not signed until that is accepted, which every later proof then knows', async () => {
    await seal(10);
    await worker.checkpoints.write('schedule');
    await seal(10);
    await worker.checkpoints.write('schedule');
    const kept = inFile();
    await cutAfter(15);
    await tamper('DELETE FROM audit_checkpoint WHERE seq > 15');
    await seal(2, forger);
    expect(await worker.checkpoints.write('schedule')).toBeNull();
    expect(await alarms()).toEqual([
      { problem: expect.stringMatching(/^events? .*missing: .* in the file names event 2\d$/) },
    ]);
    expect((await verify(kept)).intact).toBe(false);
    await forger.sealing.seal();

    const operator = await signer({ AUDIT_CHECKPOINT_FILE: file }); // the command is a process of its own
    const { seq } = await web.context.auditLog.head();
    expect(await operator.checkpoints.acceptLoss('the standby had not got the rest')).toMatchObject({
      ok: true,
      kept: seq,
    });
    expect(await verify(kept)).toMatchObject({ intact: true, confirmed: seq, accepted: expect.any(Number) });
    await seal(30);
    expect(await worker.checkpoints.write('schedule')).toMatchObject({ seq: seq + 31 });
    expect(worker.checkpoints.isAlarmed()).toBe(false);
    expect(await verify(inFile())).toMatchObject({ intact: true });
    const [told] = await sql<{ detail: object }>(
      `SELECT detail FROM audit_event WHERE type = 'sys_audit_loss_accepted'`,
    );
    expect(told?.detail).toMatchObject({ reason: 'the standby had not got the rest', kept: seq });
  });

  test('does not excuse what is rewritten after it was accepted', async () => {
    await seal(20);
    await worker.checkpoints.write('schedule');
    await cutAfter(10);
    await tamper('DELETE FROM audit_checkpoint');
    await worker.checkpoints.acceptLoss('a test');
    await seal(20);
    await worker.checkpoints.write('schedule');
    await rewrite(5, { checkpoints: 'kept' });
    expect(await worker.checkpoints.write('schedule')).toBeNull();
    await tamper(`DELETE FROM audit_checkpoint WHERE reason <> 'accepted'`);
    expect(await worker.checkpoints.write('schedule')).toBeNull();
  });

  test('can’t be accepted without the key, nor where the rest is not whole', async () => {
    await seal(20);
    await expect(forger.checkpoints.acceptLoss('a test')).rejects.toThrow('AUDIT_SIGNING_KEY');
    await tamper(`UPDATE audit_event SET outcome = 'success' WHERE seq = 12`);
    expect(await worker.checkpoints.acceptLoss('a test')).toEqual({ ok: false, problem: 'event 12 was altered' });
    expect(await sql('SELECT seq FROM audit_checkpoint')).toEqual([]);
  });
});

describe('a checkpoint', () => {
  test('names the one before it, so that the next one tells of one that is gone', async () => {
    for (let round = 0; round < 3; round += 1) {
      await seal(10);
      await worker.checkpoints.write('schedule');
    }
    const [first, second, third] = await web.context.checkpoints.all();
    expect(first?.link?.before).toBeNull();
    expect(second?.link?.before).toEqual({ seq: first?.seq, hash: first?.hash });
    expect(third?.link?.before).toEqual({ seq: second?.seq, hash: second?.hash });
    expect(inFile()).toEqual([first, second, third]);
    await tamper(`DELETE FROM audit_checkpoint WHERE seq = ${second?.seq}`);
    expect(await verify()).toMatchObject({ intact: true });
  });

  test('is right for a version that does not know what it names, and wrong where that was changed', async () => {
    await seal(10);
    const checkpoint = await worker.checkpoints.write('schedule');
    if (!checkpoint?.link) throw new Error('it names nothing');
    const { link, ...known } = checkpoint;
    expect(isSigned(known, keys)).toBe(true);
    expect(isSigned(checkpoint, keys)).toBe(true);
    expect(isSigned({ ...checkpoint, link: { ...link, before: { seq: 1, hash: known.hash } } }, keys)).toBe(false);
    await tamper(
      `UPDATE audit_checkpoint SET link = jsonb_set(link, '{accepts}', '{"from": 1, "newest": {"seq": 1, "hash": "${known.hash}"}}')`,
    );
    expect(await verify()).toMatchObject({ intact: false, problem: expect.stringContaining('altered or forged') });
  });

  test('is signed also after a worker that died while it wrote a line', async () => {
    await seal(10);
    await worker.checkpoints.write('schedule');
    appendFileSync(file, '{"v":1,"seq":4');
    await seal(10);
    expect(await worker.checkpoints.write('schedule')).toMatchObject({ seq: 21 });
  });
});

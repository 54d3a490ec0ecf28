// The Merkle tree over the log: one event proved to somebody without the log, one checkpoint by another, witnesses; and what
// retention, erasure, a rewritten log and an accepted loss do to it.
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { isConsistent } from '../../src/core/audit/tree/merkle.ts';
import { cosign, headOf, parseNote, verifierKey } from '../../src/core/audit/tree/signed-note.ts';
import { rootAt } from '../../src/core/audit/tree/tiles.ts';
import { tileReader } from '../../src/core/audit/tree/tree-records.ts';
import { keepCosignatures } from '../../src/core/audit/verification/proofs/cosignatures.ts';
import { newestNote, proveConsistency, proveEvent } from '../../src/core/audit/verification/proofs/event-proof.ts';
import { type Believed, readProof, verifyProof } from '../../src/core/audit/verification/proofs/proof-file.ts';
import { type Checkpoint, treeHeadOf } from '../../src/core/audit/verification/signed-checkpoint.ts';
import { key, keys, newKey, provedWorld } from '../support/proved-world.ts';

const run = promisify(execFile);
const { stores, worker, sql, tamper, begin, seal, checkpoints, verify } = await provedWorld();
const { pool } = worker.database;
const BELIEVED: Believed = { keys, witnesses: [] };

/** The text, or why there is none. */
async function proofOf(seq: number, options: { bare?: boolean } = {}): Promise<string> {
  const proved = await proveEvent({ pool, auditLog: worker.auditLog }, seq, options);
  return proved.ok ? proved.text : proved.why;
}

const witness = generateKeyPairSync('ed25519');
const WITNESS = { name: 'witness.example/w1', publicKey: witness.publicKey, type: 4 } as const;

beforeEach(begin);

describe('one event', () => {
  test.each([1, 2, 255, 256, 257, 300, 700])('of %i is proved by the file alone, in little space', async (count) => {
    await seal(count);
    await checkpoints().write('schedule');
    for (const seq of new Set([1, Math.ceil(count / 2), count])) {
      const text = await proofOf(seq);
      expect(text.length).toBeLessThan(3_000);
      expect(verifyProof(text, BELIEVED)).toMatchObject({
        ...{ intact: true, proved: true, size: count, origin: 'localhost:3000/audit' },
        event: { seq, type: 'authn_login_fail', ip: '203.0.113.7', userAgent: 'test' },
      });
      expect(verifyProof(text, { ...BELIEVED, keys: new Map() })).toMatchObject({ intact: true, proved: false });
    }
    expect(await proofOf(count + 1)).toContain(`names event ${count}: wait some minutes`);
  });

  test('without address and browser shows neither, and is proved all the same', async () => {
    await seal(20);
    await checkpoints().write('schedule');
    const text = await proofOf(7, { bare: true });
    expect(readProof(text)?.line).not.toContain('203.0.113.7');
    expect(verifyProof(text, BELIEVED)).toMatchObject({ intact: true, event: { seq: 7, ip: null, userAgent: null } });
  });

  test('that was altered, or whose proof, checkpoint or key is another, is not proved', async () => {
    await seal(20);
    await checkpoints().write('schedule');
    const text = await proofOf(7);
    const other = await proofOf(8);
    const lines = text.split('\n');
    const withLine = (change: (line: string) => string) =>
      lines.with(1, `extra ${Buffer.from(change(readProof(text)?.line ?? '')).toString('base64')}`).join('\n');
    for (const [forged, problem] of [
      [withLine((line) => line.replace('failure', 'success')), 'event 7 was altered'],
      [
        withLine((line) => line.replace('{', '{"outcome":"success",')),
        'event 7 was altered: a field stands in it twice',
      ],
      [withLine((line) => line.replace('203.0.113.7', '203.0.113.8')), 'event 7 was altered: address or browser'],
      [withLine(() => readProof(other)?.line ?? ''), 'does not have event 8'],
      [withLine((line) => `${line}\n${readProof(other)?.line}`), 'does not hold one event'],
      [withLine((line) => `${line}\n{"manifest":{}}`), 'does not hold one event'],
      [
        withLine((line) => line.replace(/\}$/, ',"actorEmail":null,"subjectEmail":"boss@example.org"}')),
        'no hash covers',
      ],
      [withLine(() => ''), 'it is no proof of an event'],
      [withLine(() => '{"seq":7}'), 'does not hold one event'],
      [lines.with(2, 'index 7').join('\n'), 'does not have event 7'],
      [lines.with(2, 'index 99').join('\n'), 'does not have event 7'],
      [lines.toSpliced(3, 1).join('\n'), 'does not have event 7'],
      [text.replace('\n20\n', '\n21\n'), 'key did not sign it'],
      ['nonsense', 'it is no proof of an event'],
      ['', 'it is no proof of an event'],
    ] as const)
      expect(verifyProof(forged, BELIEVED)).toEqual({ intact: false, problem: expect.stringContaining(problem) });
    const stranger = new Map([['x', newKey().publicKey]]);
    expect(verifyProof(text, { ...BELIEVED, keys: stranger })).toMatchObject({
      problem: 'none of the keys given has signed the checkpoint',
    });
  });

  test('has no proof where nothing was signed, where it is not kept, and where the tree is another', async () => {
    await seal(300);
    expect(await proofOf(1)).toContain('no checkpoint names a tree yet');
    await checkpoints().write('schedule');
    await tamper(
      `UPDATE audit_tree_tile SET hashes = overlay(hashes PLACING decode(repeat('ab', 32), 'hex') FROM 33) WHERE level = 0 AND index = 0`,
    );
    expect(await proofOf(1)).toContain('does not have event 1 as the log has it');
  });
});

describe('the tree', () => {
  test('is in each checkpoint, grows in any steps, and is what the events are', async () => {
    const heads: ReturnType<typeof treeHeadOf>[] = [];
    for (const count of [3, 250, 4, 600, 1]) {
      await seal(count);
      heads.push(treeHeadOf((await checkpoints().write('schedule')) as Checkpoint));
    }
    const { seq } = await worker.auditLog.head();
    expect(heads.map((head) => head?.size)).toEqual([3, 254, 258, 858, 859]); // with the event of the key
    expect(await verify()).toMatchObject({ intact: true, count: seq, tree: { size: seq } });
    for (const older of heads) {
      const proved = await proveConsistency(pool, older?.size ?? 0, 859);
      const [request = '', body = ''] = proved.ok
        ? [proved.text.split('\n\n')[0], proved.text.split('\n\n').slice(1).join('\n\n')]
        : [];
      const [old, ...hashes] = request.split('\n').filter(Boolean);
      expect(old).toBe(`old ${older?.size}`);
      const newer = headOf(parseNote(body) as never);
      expect(
        isConsistent(
          older as never,
          newer as never,
          hashes.map((hash) => Buffer.from(hash, 'base64')),
        ),
      ).toBe(true);
    }
    expect(await proveConsistency(pool, 5, 6)).toMatchObject({ ok: false });
  });

  test('of a log that is there already is built in the background, and signed once the whole log was proved', async () => {
    await seal(700);
    const old = checkpoints({
      tree: { ...worker.tree, opened: async () => ({ origin: '', first: 1, size: 0 }), grow: async () => 0 },
    });
    expect(await old.write('schedule')).not.toHaveProperty('tree');
    await tamper('DELETE FROM audit_tree; DELETE FROM audit_tree_tile');
    await seal(20);
    expect(await worker.tree.grow({ withinMs: 60_000 })).toBe(512);
    expect(await checkpoints().write('schedule')).not.toHaveProperty('tree'); // it has not reached the one before
    await seal(60);
    expect(await worker.tree.grow()).toBe(768);
    expect(treeHeadOf((await checkpoints().write('schedule')) as Checkpoint)).toMatchObject({ size: 781 });
    expect(await verify()).toMatchObject({ intact: true, tree: { size: 781 } });
    expect(verifyProof(await proofOf(3), BELIEVED)).toMatchObject({ intact: true, proved: true });
  });

  test.each([
    [
      `UPDATE audit_tree_tile SET hashes = overlay(hashes PLACING decode(repeat('ab', 32), 'hex') FROM 33) WHERE level = 0 AND index = 1`,
      'not that of the events at event 258',
    ],
    ['DELETE FROM audit_tree_tile WHERE level = 0 AND index = 0', 'not that of the events at event 1'],
    [
      `UPDATE audit_tree_tile SET hashes = substring(hashes FOR 32) WHERE level = 1`,
      'not that of the events at event 257',
    ],
    [`UPDATE audit_checkpoint SET tree = replace(tree, E'\\n700\\n', E'\\n701\\n')`, 'was altered or forged'],
  ])('that was tampered with is found, and nothing is signed: %s', async (change, problem) => {
    await seal(700);
    await checkpoints().write('schedule');
    await tamper(change);
    expect(await verify()).toMatchObject({ intact: false, problem: expect.stringContaining(problem) });
  });

  test('whose latest part was tampered with stops the next checkpoint, until an operator accepts it', async () => {
    await seal(300);
    const own = checkpoints();
    await own.write('schedule');
    await tamper(
      `UPDATE audit_tree_tile SET hashes = overlay(hashes PLACING decode(repeat('ab', 32), 'hex') FROM 33) WHERE level = 0 AND index = 1`,
    );
    await seal(5);
    expect(await own.write('schedule')).toBeNull();
    expect(own.isAlarmed()).toBe(true);
    expect(await own.acceptLoss('a test')).toMatchObject({ ok: true });
    const note = (await newestNote(pool)) as never as { parsed: never };
    expect(headOf(note.parsed)).toMatchObject({ origin: 'localhost:3000/audit/2' });
    expect(await verify()).toMatchObject({ intact: true, tree: { origin: 'localhost:3000/audit/2' } });
    expect(verifyProof(await proofOf(258), BELIEVED)).toMatchObject({ intact: true, proved: true });
  });

  test('follows a log that was rewritten and accepted, under another name', async () => {
    await seal(600);
    await checkpoints().write('schedule');
    const before = await proofOf(10);
    await tamper(
      `DELETE FROM audit_event WHERE seq > 300; DELETE FROM outbox; UPDATE audit_head SET (seq, summary_seq, hash) = (SELECT 300, 300, hash FROM audit_event WHERE seq = 300)`,
    );
    await seal(500, 'another');
    const own = checkpoints();
    expect(await own.write('schedule')).toBeNull();
    expect(await own.acceptLoss('a test')).toMatchObject({ ok: true, from: 600 });
    expect(await verify()).toMatchObject({ intact: true, accepted: 1, tree: { size: 800 } });
    expect(await rootAt(tileReader(pool), 800)).toEqual(headOf((await newestNote(pool))?.parsed as never)?.root);
    for (const seq of [10, 300, 301, 800])
      expect(verifyProof(await proofOf(seq), BELIEVED)).toMatchObject({ intact: true });
    expect(verifyProof(before, BELIEVED)).toMatchObject({ intact: true, origin: 'localhost:3000/audit' });
    await seal(3);
    expect(await own.write('schedule')).toHaveProperty('tree');
  });

  test('begins anew where events were dropped before it had them', async () => {
    await seal(300);
    await tamper('DELETE FROM audit_event WHERE seq <= 40');
    await worker.tree.grow();
    expect(await worker.tree.read()).toEqual({ origin: 'localhost:3000/audit', first: 41, size: 256 });
    await tamper('DELETE FROM audit_event WHERE seq <= 299');
    await seal(300);
    await worker.tree.grow();
    expect(await worker.tree.read()).toEqual({ origin: 'localhost:3000/audit/2', first: 300, size: 256 });
  });

  test('keeps what was proved of an event whose values are erased, or that retention has dropped', async () => {
    await seal(300);
    await checkpoints().write('schedule');
    const before = await proofOf(9);
    await sql(`UPDATE audit_event SET ip = NULL, user_agent = NULL, personal_salt = NULL WHERE seq = 9`);
    await sql(`INSERT INTO outbox (event) VALUES ('{"type": "personal_data_erased", "detail": {"events": 1}}')`);
    await seal(1);
    expect(await verify()).toMatchObject({ intact: true, erased: 1 });
    expect(verifyProof(await proofOf(9), BELIEVED)).toMatchObject({ intact: true, event: { ip: null } });
    expect(verifyProof(before, BELIEVED)).toMatchObject({ intact: true, event: { ip: '203.0.113.7' } });
    await checkpoints().writeUpTo(100, 'retention');
    await tamper('DELETE FROM audit_event WHERE seq <= 100');
    expect(await verify()).toMatchObject({ intact: true, first: 101, tree: { size: 303 } });
    expect(await proofOf(9)).toBe('event 9 is not kept');
    expect(verifyProof(before, BELIEVED)).toMatchObject({ intact: true });
    expect(verifyProof(await proofOf(101), BELIEVED)).toMatchObject({ intact: true, proved: true });
    await tamper(
      `UPDATE audit_tree_tile SET hashes = overlay(hashes PLACING decode(repeat('ab', 32), 'hex') FROM 33) WHERE level = 0 AND index = 0`,
    );
    expect(await verify()).toMatchObject({
      intact: false,
      problem: expect.stringContaining('the tree up to event 100'),
    });
  });
});

describe('a witness', () => {
  const cosigned = async (): Promise<string> => {
    const note = (await newestNote(pool)) as NonNullable<Awaited<ReturnType<typeof newestNote>>>;
    return cosign(note.parsed.body, WITNESS.name, 1_700_000_000, witness);
  };

  test('signs beside the log, and is asked for where a proof is verified', async () => {
    await seal(20);
    await checkpoints().write('schedule');
    const asked = { ...BELIEVED, witnesses: [WITNESS] };
    expect(verifyProof(await proofOf(7), asked)).toMatchObject({
      problem: 'the witness witness.example/w1 has not signed the checkpoint',
    });
    const line = await cosigned();
    expect(await keepCosignatures(pool, line, [WITNESS])).toEqual({ ok: true, seq: 20, names: [WITNESS.name] });
    const text = await proofOf(7);
    expect(text).toContain('\n\u2014 witness.example/w1 ');
    expect(verifyProof(text, asked)).toMatchObject({
      intact: true,
      witnesses: [{ name: WITNESS.name, at: '2023-11-14T22:13:20.000Z' }],
    });
    const whole = (await newestNote(pool))?.text ?? '';
    expect(await keepCosignatures(pool, whole, [WITNESS])).toMatchObject({ ok: true });
  });

  test('whose line is wrong, of another log or of an unknown key is not kept', async () => {
    await seal(20);
    await checkpoints().write('schedule');
    const line = await cosigned();
    const stranger = { ...WITNESS, publicKey: newKey().publicKey };
    for (const [text, witnesses] of [
      [line, [stranger]],
      ['nonsense', [WITNESS]],
      [`other.example/log\n20\n${Buffer.alloc(32).toString('base64')}\n\n${line}`, [WITNESS]],
      [cosign('another', WITNESS.name, 1, witness), [WITNESS]],
    ] as const)
      expect(await keepCosignatures(pool, text, witnesses)).toMatchObject({ ok: false });
    expect(await sql('SELECT FROM audit_cosignature')).toEqual([]);
  });
});

describe('the commands', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-prove-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const cli = (...args: string[]) =>
    run(process.execPath, [path.resolve('dist/src/cli/main.js'), 'audit', ...args], {
      env: {
        ...{ PATH: process.env['PATH'] ?? '', NODE_ENV: 'test', REDIS_URL: stores.redisUrl },
        ...{ DATABASE_URL: stores.database.ownerUrl, AUDIT_PUBLIC_KEYS: key.publicText },
      },
    }).then(
      ({ stdout }) => ({ code: 0, said: stdout }),
      ({ code, stdout, stderr }) => ({ code, said: stdout + stderr }),
    );

  test('prove an event to an outsider, and hand a checkpoint to a witness', async () => {
    await seal(300);
    const file = path.join(folder, 'one.tlog-proof');
    expect(await cli('prove', '7', '--reason', 'a test')).toMatchObject({
      code: 1,
      said: expect.stringContaining('no checkpoint names a tree yet'),
    });
    expect(await cli('prove', '999999', '--reason', 'a test', '--output', file)).toEqual({
      code: 1,
      said: 'There is no event 999,999: the newest is 300.\n',
    });
    await checkpoints().write('schedule');
    expect(await cli('prove', '7', '--reason', 'a test', '--output', file)).toEqual({ code: 0, said: '' });
    const proved = await cli('verify', '--proof', file, '--public-key', key.publicText);
    expect(proved).toMatchObject({
      code: 0,
      said: expect.stringMatching(/^Event 7 is one of the 300 events of localhost:3000\/audit, unaltered\.\n/),
    });
    await writeFile(`${file}.bad`, (await readFile(file, 'utf8')).replace('index 6', 'index 7'));
    expect(await cli('verify', '--proof', `${file}.bad`)).toMatchObject({
      code: 1,
      said: expect.stringContaining('The event is NOT proved: the tree of the checkpoint does not have event 7.'),
    });
    // Another program, from the description in docs/operations.md alone.
    const { stdout } = await run('python3', [path.resolve('test/support/outsider.py'), file]);
    expect(stdout).toBe('7 localhost:3000/audit 300\n');
    await expect(run('python3', [path.resolve('test/support/outsider.py'), `${file}.bad`])).rejects.toThrow(
      'AssertionError',
    );
    await worker.sealing.seal();
    expect(await sql(`SELECT detail FROM audit_event WHERE type = 'audit_export'`)).toEqual([
      { detail: expect.objectContaining({ format: 'proof', filter: '{"seq":7}', events: 1, reason: 'a test' }) },
    ]);
    const note = (await cli('checkpoints', '--note')).said;
    expect(note).toMatch(/^localhost:3000\/audit\n300\n.{44}\n\n\u2014 localhost:3000\/audit \S+\n$/);
    expect((await cli('checkpoints', '--consistency', '0', '300')).said).toBe(`old 0\n\n${note}`);
    expect((await cli('checkpoints', '--verifier-key')).said).toBe(
      `${verifierKey({ name: 'localhost:3000/audit', publicKey: key.publicKey, type: 1 })}\n`,
    );
    const line = path.join(folder, 'line');
    await writeFile(line, cosign(parseNote(note)?.body ?? '', WITNESS.name, 1_700_000_000, witness));
    expect(await cli('checkpoints', '--cosign', line)).toMatchObject({ code: 2 });
    expect(await cli('checkpoints', '--cosign', line, '--witness', verifierKey(WITNESS))).toEqual({
      code: 0,
      said: 'Kept under the checkpoint of event 300: witness.example/w1.\n',
    });
    expect((await cli('checkpoints', '--note')).said).toBe(note + (await readFile(line, 'utf8')));
  });
});

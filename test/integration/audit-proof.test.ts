// What proves the log: signed checkpoints, the keys that sign them, and part of the log alone.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { query } from '../../harness/query.ts';
import type { SealedEvent } from '../../src/core/audit/canonical-event.ts';
import { readPublicKeys, readSigningKey } from '../../src/core/audit/ed25519.ts';
import { signCheckpoint } from '../../src/core/audit/verification/signed-checkpoint.ts';
import { key, newKey, provedWorld } from '../support/proved-world.ts';

const { stores, worker, sql, tamper, begin, seal, checkpoints, verify } = await provedWorld();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'holdfast-proof-'));
});

afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
});

describe('a checkpoint', () => {
  beforeEach(begin);

  test('is signed where the log ends, once, and confirms it', async () => {
    await seal(10);
    const file = path.join(folder, 'checkpoints');
    const first = await checkpoints({ file }).write('schedule');
    expect(first).toMatchObject({ seq: 10, reason: 'schedule', keyId: key.id });
    await worker.sealing.seal(); // the event that tells of the key
    await checkpoints({ file }).write('schedule');
    expect(await checkpoints({ file }).write('schedule')).toBeNull();
    expect(await verify()).toMatchObject({ intact: true, count: 11, confirmed: 11, checkpoints: 2, unproved: 0 });
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual([10, 11]);
    expect(await sql(`SELECT type, detail FROM audit_event WHERE seq = 11`)).toEqual([
      { type: 'sys_audit_key', detail: { key: key.id, publicKey: key.publicText } },
    ]);
  });

  test('is not signed over a log that was altered, and the log says so', async () => {
    await seal(10);
    await checkpoints().write('schedule');
    await seal(10);
    await tamper(`UPDATE audit_event SET outcome = 'success' WHERE seq = 15`);
    expect(await checkpoints().write('schedule')).toBeNull();
    await worker.sealing.seal();
    expect(await sql(`SELECT detail FROM audit_event WHERE type = 'sys_audit_altered'`)).toEqual([
      { detail: { seq: 15, problem: 'event 15 was altered' } },
    ]);
  });

  test('is not signed without a key, and with another key both are believed', async () => {
    await seal(3);
    expect(await checkpoints({ key: null }).write('schedule')).toBeNull();
    await checkpoints().write('schedule');
    const next = newKey();
    await seal(3);
    await checkpoints({ key: next }).write('schedule');
    const both = readPublicKeys([key.publicText, next.publicText]) ?? new Map();
    expect(await verify({ keys: both })).toMatchObject({ intact: true, unproved: 0, checkpoints: 2 });
    expect(await verify()).toMatchObject({ intact: true, unproved: 1 });
  });

  test('finds that the tail was cut off and the head set back, from the database and from a file', async () => {
    await seal(20);
    const checkpoint = await checkpoints().write('schedule');
    const cut = `DELETE FROM audit_event WHERE seq > 15; UPDATE audit_head SET seq = 15,
      hash = (SELECT hash FROM audit_event WHERE seq = 15)`;
    await tamper(cut);
    const missing = { intact: false, seq: 16, problem: expect.stringContaining('events 16 to 20 are missing') };
    expect(await verify()).toEqual(missing);
    await tamper('DELETE FROM audit_checkpoint');
    expect(await verify()).toEqual({ intact: false, seq: 16, problem: 'the tree has event 16, which is missing' });
    await tamper('DELETE FROM audit_tree; DELETE FROM audit_tree_tile');
    expect(await verify()).toMatchObject({ intact: true, count: 15 }); // nothing in the database tells of it any more
    expect(await verify({ checkpoints: checkpoint ? [checkpoint] : [] })).toEqual(missing);
  });

  test('finds a log that was rewritten to the end, with every hash made anew', async () => {
    await seal(20);
    const checkpoint = await checkpoints().write('schedule');
    await begin();
    await seal(20, 'another');
    expect((await verify()).intact).toBe(true);
    expect(await verify({ checkpoints: checkpoint ? [checkpoint] : [] })).toMatchObject({
      intact: false,
      seq: 20,
      problem: expect.stringContaining('the log was rewritten'),
    });
  });

  test.each([
    'seq = 19',
    `hash = decode(repeat('ab', 32), 'hex')`,
    `made_at = now() + interval '1 day'`,
    `reason = 'retention'`,
  ])('that was changed itself is named: %s', async (change) => {
    await seal(20);
    await checkpoints().write('schedule');
    await tamper(`UPDATE audit_checkpoint SET ${change}`);
    expect(await verify()).toMatchObject({ intact: false, problem: expect.stringContaining('was altered or forged') });
  });

  test('that nobody known has signed stands for nothing that is gone, and confirms nothing', async () => {
    await seal(20);
    const stranger = newKey();
    await checkpoints({ key: stranger }).write('schedule');
    expect(await verify()).toMatchObject({ intact: true, confirmed: 0, checkpoints: 1, unproved: 1 });
    const event = (await worker.auditLog.event(10)) as SealedEvent;
    const point = { seq: 10, hash: event.hash.toString('base64url'), sealedAt: event.sealedAt.toISOString() };
    const forged = signCheckpoint(point, { reason: 'retention', madeAt: new Date(), key: stranger });
    await tamper(`DELETE FROM audit_event WHERE seq <= 10; INSERT INTO audit_checkpoint VALUES (10, '${forged.madeAt}',
      'retention', decode('${event.hash.toString('hex')}', 'hex'), '${forged.sealedAt}', '${forged.keyId}',
      decode('${Buffer.from(forged.signature, 'base64url').toString('hex')}', 'hex'))`);
    expect(await verify()).toEqual({
      intact: false,
      seq: 1,
      problem: `events 1 to 10 are missing, and key ${stranger.id}, which signed that they were dropped, is not known`,
    });
    const known = readPublicKeys([key.publicText, stranger.publicText]) ?? new Map();
    expect(await verify({ keys: known })).toMatchObject({ intact: true, first: 11, confirmed: 20 });
    expect(await checkpoints().write('schedule')).toBeNull();
    await worker.sealing.seal();
    expect(await checkpoints({ publicKeys: [stranger.publicText] }).write('schedule')).toMatchObject({ keyId: key.id });
  });

  test('is not signed over a log that was rewritten up to the one before', async () => {
    await seal(20);
    await checkpoints().write('schedule');
    await tamper('CREATE TABLE kept AS SELECT * FROM audit_checkpoint');
    await begin();
    await tamper('INSERT INTO audit_checkpoint SELECT * FROM kept; DROP TABLE kept');
    await seal(20, 'another');
    await seal(5);
    expect(await checkpoints().write('schedule')).toBeNull();
    await worker.sealing.seal();
    expect(await sql(`SELECT detail->>'seq' AS seq FROM audit_event WHERE type = 'sys_audit_altered'`)).toEqual([
      { seq: '21' },
    ]);
  });

  test.each(['UPDATE audit_checkpoint SET seq = 1', 'DELETE FROM audit_checkpoint', 'TRUNCATE audit_checkpoint'])(
    'can be changed by no role of Holdfast: %s',
    async (text) => {
      await seal(1);
      await checkpoints().write('schedule');
      const { webUrl, workerUrl, ownerUrl } = stores.database;
      for (const url of [webUrl, workerUrl, ownerUrl])
        await expect(query(url, text)).rejects.toMatchObject({ code: '42501' });
    },
  );
});

describe('a key', () => {
  test.each(['hex', 'base64', 'base64url'] as const)('is read from %s', (encoding) => {
    expect(readSigningKey(randomBytes(32).toString(encoding))?.id).toMatch(/^[0-9a-f]{16}$/);
  });

  test('is read from PEM, also in one line', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
    const signing = readSigningKey(pem.replaceAll('\n', '\\n'));
    expect(readSigningKey(pem)?.id).toBe(signing?.id);
    const found = readPublicKeys([publicKey.export({ format: 'pem', type: 'spki' }) as string]);
    expect([...(found?.keys() ?? [])]).toEqual([signing?.id]);
  });

  test.each(['', 'secret', 'a'.repeat(63), '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'])(
    '%j is none',
    (text) => {
      expect(readSigningKey(text)).toBeNull();
      expect(readPublicKeys([text])).toBeNull();
    },
  );
});

describe('part of the log', () => {
  beforeAll(async () => {
    await begin();
    await seal(30);
    await tamper(`UPDATE audit_event SET outcome = 'success' WHERE seq = 12`);
  });

  test('is proved alone', async () => {
    expect(await verify({ from: 13 })).toMatchObject({ intact: true, first: 13, count: 18 });
    expect(await verify({ to: 11 })).toMatchObject({ intact: true, count: 11 });
    expect(await verify({ from: 5, to: 20 })).toMatchObject({ intact: false, seq: 12 });
    expect(await verify({ to: 31 })).toMatchObject({ intact: false, problem: 'event 12 was altered' });
    expect(await verify({ from: 20, to: 31 })).toMatchObject({ intact: false, problem: 'event 31 is missing' });
  });
});

// What the checkpoints and an export prove, against somebody who owns the whole database: each way to cheat is named, with and
// without the database. And the end of a month that has been kept long enough, behind which the rest still verifies.
import { execFile, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { query } from '../../harness/query.ts';
import type { SealedEvent } from '../../src/core/audit/canonical-event.ts';
import { exportLog } from '../../src/core/audit/reading/export.ts';
import { EVERY_EVENT } from '../../src/core/audit/reading/query.ts';
import { type CheckpointsOptions, createCheckpoints } from '../../src/core/audit/verification/checkpoints.ts';
import { createRetention } from '../../src/core/audit/verification/retention.ts';
import {
  readPublicKeys,
  readSigningKey,
  type SigningKey,
  signCheckpoint,
} from '../../src/core/audit/verification/signed-checkpoint.ts';
import { type VerifyExportOptions, verifyExport } from '../../src/core/audit/verification/verify-export.ts';
import { createVerification } from '../../src/core/audit/verification/verify-log.ts';
import type { Context } from '../../src/core/context.ts';
import { world } from '../support/world.ts';

const run = promisify(execFile);
const newKey = () => readSigningKey(randomBytes(32).toString('hex')) as SigningKey;
const key = newKey();
const keys = readPublicKeys([key.publicText]) ?? new Map();
const DAY = 86_400_000;

const { stores, worker, sql, tamper } = await world({ webs: 0, worker: true });
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'holdfast-proof-'));
});

afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
});

const checkpoints = (options: Partial<Omit<CheckpointsOptions, 'database' | 'verification' | 'log'>> = {}) =>
  createCheckpoints({ ...worker, key, publicKeys: [], file: null, ...options });
const retention = (retentionMs: number) =>
  createRetention({ database: worker.database, checkpoints: checkpoints(), retentionMs });
const verify = (options: Parameters<Context['verification']['verify']>[0] = {}) =>
  worker.verification.verify({ keys, ...options });

/** Begins anew with `count` events that were sealed `daysAgo`. */
async function begin(): Promise<void> {
  await tamper(`DELETE FROM audit_event; DELETE FROM outbox; DELETE FROM audit_summary; DELETE FROM audit_checkpoint;
    UPDATE audit_head SET seq = 0, summary_seq = 0, hash = decode(repeat('00', 32), 'hex'), sealed_at = now()`);
}

async function seal(count: number, userAgent = 'test', detail: unknown = { reason: 'test' }): Promise<void> {
  await sql(
    `INSERT INTO outbox (event) SELECT jsonb_build_object('type', 'authn_login_fail', 'outcome', 'failure', 'ip', '203.0.113.7',
       'userAgent', $2::text, 'requestId', $2::text, 'detail', $3::jsonb) FROM generate_series(1, $1::int)`,
    [count, userAgent, JSON.stringify(detail)],
  );
  await worker.sealing.seal();
}

async function exported(format: 'ndjson' | 'csv' = 'ndjson', filter = EVERY_EVENT): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const { bytes } of exportLog(worker.auditLog, filter, format)) parts.push(bytes);
  return Buffer.concat(parts).toString();
}

const verifyText = (text: string, options: Partial<VerifyExportOptions> = {}) =>
  verifyExport(
    Readable.from(
      Buffer.from(text)
        .toString('latin1')
        .match(/[\s\S]{1,700}/g) ?? [],
    ).map((part) => Buffer.from(part, 'latin1')),
    {
      checkpoints: [],
      keys,
      filtered: false,
      ...options,
    },
  );

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

describe('an address', () => {
  beforeAll(async () => {
    await begin();
    await seal(9);
    await sql(`INSERT INTO outbox (event) SELECT jsonb_build_object('type', 'sys_startup', 'outcome', 'success')`);
    await worker.sealing.seal();
  });

  test.each([
    ['a network', 7, '203.0.113.7/24', '203.0.113.7'],
    ['the same in the clothes of the other version', 7, '::ffff:203.0.113.7', '203.0.113.7'],
    ['another', 7, '203.0.113.8', '203.0.113.7'],
    ['a network where none was', 10, '203.0.113.0/24', null],
  ])('that became %s is found, in the log and in an export', async (_, seq, address, before) => {
    const problem = { intact: false, problem: `event ${seq} was altered: address or browser` };
    const text = await exported();
    expect(await verifyText(text)).toMatchObject({ intact: true });
    await tamper(`UPDATE audit_event SET ip = '${address}' WHERE seq = ${seq}`);
    expect(await verify()).toMatchObject(problem);
    expect(await verifyText(await exported())).toMatchObject(problem);
    await tamper(`UPDATE audit_event SET ip = ${before === null ? 'NULL' : `'${before}'`} WHERE seq = ${seq}`);
    const lines = text.split('\n');
    lines[seq - 1] = lines[seq - 1]?.replace(/"ip":(null|"[^"]*")/, `"ip":"${address}"`) ?? '';
    expect(await verifyText(lines.join('\n'))).toMatchObject(problem);
  });

  test('that became no address is found in an export', async () => {
    const text = (await exported()).replace(/"ip":null/, '"ip":"nowhere"');
    expect(await verifyText(text)).toMatchObject({ intact: false, seq: 10 });
  });
});

describe('an export', () => {
  let text: string;
  let lines: string[];
  const HOSTILE =
    'null \ufffd \u001b[31m \u009b31m \u202e \u2028 =HYPERLINK("http://example.org") <script>\r\n" \\ "v":1,"ip": 😀';

  beforeAll(async () => {
    await begin();
    await seal(12);
    await seal(4, HOSTILE, { [HOSTILE]: HOSTILE, nested: { seq: 5, v: 1, z: [1.5, -0, 1e21] } });
    await seal(4);
    await sql(`UPDATE audit_event SET ip = NULL, user_agent = NULL, personal_salt = NULL WHERE seq = 9`);
    text = await exported();
    lines = text.trimEnd().split('\n');
  });

  const without = (seq: number) => lines.filter((_, index) => index !== seq - 1).join('\n');
  const changed = (seq: number, change: (line: string) => string) =>
    lines.map((line, index) => (index === seq - 1 ? change(line) : line)).join('\n');

  test('proves itself without a database, whatever the events hold', async () => {
    expect(lines).toHaveLength(20);
    expect(await verifyText(text)).toMatchObject({ intact: true, count: 20, erased: 1, pieces: 1, confirmed: 0 });
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e]/);
    expect(JSON.parse(lines[13] ?? '')).toMatchObject({ userAgent: HOSTILE, requestId: HOSTILE, seq: 14 });
  });

  test('proves itself also as another program has written it', async () => {
    const rewritten = lines.map((line) =>
      JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(line)).reverse()), null, 1),
    );
    const again = rewritten.map((line) => line.replaceAll('\n', '')).join('\r\n');
    expect(await verifyText(again)).toMatchObject({ intact: true, count: 20, erased: 1 });
  });

  test('is held against a checkpoint', async () => {
    const checkpoint = await checkpoints().write('command');
    const held = { checkpoints: checkpoint ? [checkpoint] : [] };
    expect(await verifyText(text, held)).toMatchObject({ intact: true, confirmed: 20 });
    expect(await verifyText(lines.slice(0, 15).join('\n'), held)).toMatchObject({
      intact: false,
      problem: expect.stringContaining('events 16 to 20 are missing'),
    });
    expect(await verifyText(lines.slice(0, 15).join('\n'), { ...held, to: 15 })).toMatchObject({ intact: true });
    expect(await verifyText(text, { ...held, keys: new Map() })).toMatchObject({ intact: true, unproved: 1 });
  });

  test.each<[string, () => string, string]>([
    [
      'an altered outcome',
      () => changed(7, (line) => line.replace('"outcome":"failure"', '"outcome":"success"')),
      'event 7 was altered',
    ],
    [
      'an altered address',
      () => changed(7, (line) => line.replace('203.0.113.7', '203.0.113.8')),
      'event 7 was altered: address or browser',
    ],
    [
      'a second type behind the first',
      () => changed(7, (line) => line.replace(/\}$/, ',"type":"user_created"}')),
      'event 7 was altered',
    ],
    [
      'a field of nobody',
      () => changed(7, (line) => line.replace(/\}$/, ',"note":"harmless"}')),
      'event 7 was altered: it has a field "note" that no event has',
    ],
    [
      'an address that comes back',
      () => changed(9, (line) => line.replace('"ip":null', '"ip":"192.0.2.1"')),
      'event 9 was altered: erased values came back',
    ],
    [
      'a hash of another',
      () => changed(7, (line) => line.replace(/"hash":"."/, '"hash":"x"').replace(/"hash":".{3}/, '"hash":"AAA')),
      'event 7 was altered',
    ],
    ['a missing event', () => without(7), 'event 7 is missing'],
    [
      'a doubled event',
      () => changed(7, (line) => `${line}\n${line}`),
      'event 7 was inserted: it stands twice or out of order',
    ],
    [
      'two that changed places',
      () => changed(7, () => lines[7] ?? '').replace(lines[7] ?? '', lines[7] ?? ''),
      'event 7 is missing',
    ],
  ])('names %s', async (_, forged, problem) => {
    expect(await verifyText(forged())).toMatchObject({ intact: false, problem });
  });

  test('that was filtered proves each event, and says that it is in pieces', async () => {
    const part = [lines[1], lines[2], lines[6], lines[18]].join('\n');
    expect(await verifyText(part)).toMatchObject({ intact: false, problem: 'events 4 to 6 are missing' });
    expect(await verifyText(part, { filtered: true })).toMatchObject({ intact: true, count: 4, pieces: 3, first: 2 });
    const forged = part.replace('"outcome":"failure"', '"outcome":"success"');
    expect(await verifyText(forged, { filtered: true })).toMatchObject({ intact: false, seq: 2 });
  });

  test.each(['nonsense', '{"seq":1}', '[]', '{"seq":1,"hash":"a","prevHash":"b","v":1}'])(
    'a line that is none is not passed over: %s',
    async (line) => {
      const result = await verifyText(line).catch((error: Error) => error.message);
      expect(typeof result === 'string' || !result.intact).toBe(true);
    },
  );

  test('as CSV holds a row an event that no spreadsheet runs and no terminal obeys', async () => {
    const csv = await exported('csv');
    const rows = csv.trimEnd().split('\r\n');
    expect(rows).toHaveLength(21);
    expect(csv.replaceAll('\r\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
    await begin();
    const formulas = ['=1+1', '+1', '-1', '@a', ' =1', '|a', '%a', '\uff1d1', `'=1`, '"=1', 'a;=1', 'a; "=1;+1'];
    for (const formula of formulas) await seal(1, formula);
    const cells = (await exported('csv'))
      .trimEnd()
      .split('\r\n')
      .slice(1)
      .map((row) => row.split('203.0.113.7,')[1]);
    for (const cell of cells) expect(cell).toMatch(/^"?'|^"a;'/);
    expect(cells.at(-1)).toContain(`"a;' ""=1;'+1"`);
  });
});

describe('the commands', () => {
  let env: Record<string, string>;
  beforeAll(async () => {
    await begin();
    await seal(9);
    env = {
      ...{ PATH: process.env['PATH'] ?? '', NODE_ENV: 'test', REDIS_URL: stores.redisUrl },
      ...{ DATABASE_URL: stores.database.ownerUrl, AUDIT_PUBLIC_KEYS: key.publicText },
    };
  });
  type Ended = { code: number | null; signal?: string; stdout: string; stderr: string };
  const cli = (...args: string[]) =>
    run(process.execPath, [path.resolve('dist/src/cli/main.js'), 'audit', ...args], { env }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, signal, stdout, stderr }: Ended) => ({ code: code ?? signal, stdout, stderr }),
    );
  /** What a verification says; all that it said is shown where that is not it. */
  const says = (code: number, text: string) => ({ code, stdout: expect.stringContaining(text), stderr: '' });

  test('export, prove without a database, and tell that it was exported', async () => {
    const file = path.join(folder, 'export.ndjson');
    expect(await cli('export', '--output', file)).toMatchObject({ code: 0, stderr: 'Exported 9 events.\n' });
    env = { ...env, DATABASE_URL: '' };
    const proved = await cli('verify', '--file', file);
    expect(proved).toEqual(says(0, 'The export is intact: 9 events, none altered, missing or inserted.\n'));
    expect(proved.stdout).toContain('No checkpoint names an event of it');
    env = { ...env, DATABASE_URL: stores.database.ownerUrl };
    await worker.sealing.seal();
    const kept = path.join(folder, 'kept');
    await checkpoints({ file: kept }).write('schedule');
    const short = path.join(folder, 'short.ndjson');
    await writeFile(short, (await readFile(file, 'utf8')).split('\n').slice(0, 4).join('\n'));
    const cut = await cli('verify', '--file', short, '--checkpoint', kept, '--public-key', key.publicText);
    expect(cut).toEqual(says(1, 'NOT intact: events 5 to 10 are missing'));
    expect((await cli('export', '--output', file)).code).toBe(1); // it is there already
    expect(await sql(`SELECT detail FROM audit_event WHERE type = 'audit_export'`)).toEqual([
      { detail: { format: 'ndjson', filter: '{}' } },
    ]);
  });

  test('print the newest events, by filter, and the checkpoints and the key', async () => {
    const newest = await cli('tail', '-n', '3', '--type', 'authn_login_fail', '--address', '203.0.113.0/24');
    expect(
      newest.stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(['7', '8', '9']);
    expect((await cli('tail', '--address', 'nowhere')).stderr).toContain('nowhere is no address');
    expect((await cli('public-key')).stdout).toBe(`${key.publicText}\n`);
    expect(JSON.parse((await cli('checkpoints')).stdout.trim())).toMatchObject({ seq: 10, keyId: key.id });
    expect((await cli('verify', '--from', '0')).code).toBe(2);
  });

  test('name the first of several that are wrong, however the threads take turns at a long export', async () => {
    await seal(6_000, 'a browser with a long name '.repeat(60));
    const file = path.join(folder, 'long.ndjson');
    expect(await cli('export', '--output', file)).toMatchObject({ code: 0 });
    const whole = await readFile(file, 'utf8');
    expect(whole.length).toBeGreaterThan(8 << 20);
    expect(await cli('verify', '--file', file)).toEqual(says(0, 'The export is intact'));
    const lines = whole.replace('"seq":5500,', '"seq":5500,"note":1,').split('\n');
    await writeFile(file, lines.join('\n'));
    expect(await cli('verify', '--file', file)).toEqual(says(1, 'NOT intact: event 5500 was altered'));
    lines.splice(1_999, 2);
    await writeFile(file, lines.join('\n'));
    expect(await cli('verify', '--file', file)).toEqual(says(1, 'NOT intact: events 2000 to 2001 are missing'));
  });

  test('say so and fail when a verification ends without a verdict', async () => {
    const NODE_OPTIONS = '--import=data:text/javascript,process.stdin.unref()'; // nothing holds the process while it reads
    const child = spawn(process.execPath, [path.resolve('dist/src/cli/main.js'), 'audit', 'verify', '--file', '-'], {
      env: { ...env, NODE_OPTIONS },
    });
    const [said, [code]] = await Promise.all([textOf(child.stderr), once(child, 'exit')]);
    expect({ code, said }).toEqual({ code: 1, said: expect.stringContaining('without a verdict: nothing is proved') });
  });
});

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
    expect(await retention(100 * DAY).dropOld()).toEqual([]);
    await tamper('UPDATE audit_event SET outcome = $$success$$ WHERE seq = 4');
    await worker.sealing.seal();
    expect(await sql(`SELECT detail->>'seq' AS seq FROM audit_event WHERE type = 'sys_audit_altered'`)).toEqual([
      { seq: '4' },
    ]);

    // An export has begun, and a verification is about to read its first events, when the months go.
    const exporting = exportLog(worker.auditLog, EVERY_EVENT, 'csv');
    await exporting.next();
    let dropped: string[] = [];
    const { pool } = worker.database;
    const query = async (text: string, values: unknown[]) => {
      if (text.includes('(seq, sealed_at) >') && dropped.length === 0) dropped = await retention(100 * DAY).dropOld();
      return pool.query(text, values);
    };
    const interrupted = createVerification({ database: { ...worker.database, pool: { query } as unknown as pg.Pool } });
    expect(await interrupted.verify({ keys })).toMatchObject({ intact: true, first: dropped.length * 10 + 1 });
    await expect(exporting.next()).rejects.toThrow('Export again');
    expect(dropped.length).toBeGreaterThanOrEqual(2);
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
    const text = await exported();
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

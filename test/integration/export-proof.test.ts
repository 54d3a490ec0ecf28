// An export of the log, which proves itself without a database; and the commands that make it, print it and verify it.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { verifyFile } from '../../src/cli/audit/verify-file.ts';
import { key, provedWorld } from '../support/proved-world.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

const run = promisify(execFile);

const { stores, worker, sql, tamper, begin, seal, checkpoints, verify, exported, verifyText } = await provedWorld();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'holdfast-proof-'));
});

afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
});

test('a folder is no export, and is not left open', async () => {
  const options = { checkpoints: [], keys: new Map(), filtered: false };
  await expect(verifyFile(folder, options)).rejects.toThrow(`${folder} is a folder.`);
  const open = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
  expect(await Promise.all(open)).not.toContain(folder);
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
    await sql(`INSERT INTO outbox (event) VALUES ('{"type": "personal_data_erased", "detail": {"events": 1}}')`);
    const whole = await exported();
    lines = whole.trimEnd().split('\n').slice(0, -1);
    text = lines.join('\n'); // as an older version wrote it
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
      'event 7 was altered: a field stands in it twice',
    ],
    [
      'a second type before the true one, which most programs never see and people do',
      () => changed(7, (line) => line.replace('{', '{"type":"user_created",')),
      'event 7 was altered: a field stands in it twice',
    ],
    [
      'a second value in the detail, by a name that is spelled otherwise',
      () => changed(14, (line) => line.replace('"nested":{', '"nested":{"\\u0073eq":4,')),
      'event 14 was altered: a field stands in it twice',
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
    expect(rows[0]).toMatch(/,hash,actorEmail,subjectEmail$/);
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
    expect(await cli('export', '--reason', 'a test', '--output', file)).toMatchObject({
      code: 0,
      stderr: 'Exported 9 events.\n',
    });
    env = { ...env, DATABASE_URL: '' };
    const proved = await cli('verify', '--file', file);
    expect(proved).toEqual(says(0, 'The export is intact: 9 events, none altered, missing or inserted.\n'));
    expect(proved.stdout).toContain('Nobody signed its manifest: this log has no signing key.');
    const withKey = ['--public-key', key.publicText];
    const nobody = await cli('verify', '--file', file, ...withKey);
    expect(nobody).toEqual(
      says(1, 'The export is NOT proved: nobody signed its manifest: this log has no signing key.\nIt has 9 events'),
    );
    const json = JSON.parse((await cli('verify', '--file', file, '--json', ...withKey)).stdout);
    expect(json).toMatchObject({ intact: false, problem: expect.stringContaining('nobody signed') });
    const head = path.join(folder, 'head.ndjson');
    await writeFile(head, `${(await readFile(file, 'utf8')).split('\n').slice(0, 4).join('\n')}\n`);
    const headAlone = await cli('verify', '--file', head, ...withKey);
    expect(headAlone).toEqual(says(1, 'The export is NOT proved: it has no manifest that a key has signed.\n'));
    expect(headAlone.stdout).toMatch(/4 events[\s\S]*cut off[\s\S]*older version/);
    expect(JSON.parse((await cli('verify', '--file', head, '--json', ...withKey)).stdout).intact).toBe(false);
    // Without a key nothing is said to be proved.
    expect(await cli('verify', '--file', head)).toEqual(says(0, 'The file has no manifest'));
    env = { ...env, DATABASE_URL: stores.database.ownerUrl };
    await worker.sealing.seal();
    const kept = path.join(folder, 'kept');
    await checkpoints({ file: kept }).write('schedule');
    const short = path.join(folder, 'short.ndjson');
    await writeFile(short, (await readFile(file, 'utf8')).split('\n').slice(0, 4).join('\n'));
    const cut = await cli('verify', '--file', short, '--checkpoint', kept, '--public-key', key.publicText);
    expect(cut).toEqual(says(1, 'NOT intact: events 5 to 11 are missing'));
    expect((await cli('export', '--reason', 'a test', '--output', file)).code).toBe(1); // it is there already
    expect(await sql(`SELECT detail FROM audit_event WHERE type = 'audit_export'`)).toEqual([
      { detail: expect.objectContaining({ format: 'ndjson', filter: '{}', by: 'cli', reason: 'a test' }) },
    ]);
  });

  test('print the newest events, by filter, and the checkpoints and the key', async () => {
    const newest = await cli('tail', '-n', '3', '--type', 'authn_login_fail', '--address', '203.0.113.0/24');
    expect(
      newest.stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(['number', '7', '8', '9']);
    expect((await cli('tail', '--address', 'nowhere')).stderr).toContain('nowhere is no IP address');
    expect((await cli('public-key')).stdout).toBe(`${key.publicText}\n`);
    expect(JSON.parse((await cli('checkpoints')).stdout.trim())).toMatchObject({ seq: 11, keyId: key.id });
    expect((await cli('verify', '--from', '0')).code).toBe(2);
  });

  test('name the first of several that are wrong, however the threads take turns at a long export', async () => {
    await seal(6_000, 'a browser with a long name '.repeat(60));
    const file = path.join(folder, 'long.ndjson');
    expect(await cli('export', '--reason', 'a test', '--output', file)).toMatchObject({ code: 0 });
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

  test('say of a filtered export what it is, once a worker has signed it, and of one without its manifest what they can', async () => {
    const AUDIT_SIGNING_KEY = (key.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string).replaceAll(
      '\n',
      '\\n',
    );
    const running = startWorkerProcess({ ...stores, env: { AUDIT_SIGNING_KEY } });
    try {
      await until(
        async () =>
          (await sql('SELECT FROM audit_checkpoint WHERE seq > 9')).length > 0 || running.log().includes('ready'),
      );
      const file = path.join(folder, 'filtered.ndjson');
      const filter = ['--type', 'authn_login_fail', '--text', 'odd'];
      await sql(`INSERT INTO outbox (event) SELECT jsonb_build_object('type', 'authn_login_fail', 'outcome', 'failure', 'detail',
        jsonb_build_object('n', CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END)) FROM generate_series(1, 21) AS n`);
      await until(async () => (await sql('SELECT FROM outbox')).length === 0);
      expect(await cli('export', '--reason', 'a test', '--output', file, ...filter)).toMatchObject({ code: 0 });
      const proved = await cli('verify', '--file', file, '--public-key', key.publicText);
      expect(proved).toEqual(says(0, '11 events of one filter, unaltered, signed up to '));
      expect(proved.stdout).toMatch(
        /\nLooked through were the events 1 to [\d,]+, for text odd; types authn_login_fail\.\n$/,
      );
      expect(await cli('verify', '--file', file)).toEqual(
        says(0, 'without its public key (--public-key) that is not proved'),
      );
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.trimEnd().split('\n').slice(0, -1).join('\n'));
      const old = await cli('verify', '--file', file);
      expect(old).toEqual(says(1, '11 events in 11 pieces, each as its hash says; event '));
      expect(old.stdout).not.toContain('NOT intact');
      expect(await cli('verify', '--file', file, '--filtered')).toEqual(
        says(0, 'No event in the export was altered: 11 events'),
      );
    } finally {
      running.process.kill('SIGTERM');
      await running.exited;
    }
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

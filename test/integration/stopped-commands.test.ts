// Long commands that are stopped: each says so, what it was is in the log, nothing half made stays, and the terminal is as before.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { atTerminal, commandLine } from '../support/command-line.ts';
import { filledLog } from '../support/filled-log.ts';
import { world } from '../support/world.ts';

const { stores, web, worker, sql, tamper, atEnd } = await world({ worker: true });
const { fillOutbox } = filledLog({ sql, tamper });
const cli = commandLine(stores);
const terminal = atTerminal(stores);
const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-stopped-'));
atEnd(() => rmSync(folder, { recursive: true }));

const WHY = ['--reason', 'a drill'];
const EVENTS = 60_000;

beforeAll(async () => {
  await fillOutbox(EVENTS);
  await worker.sealing.seal();
});

const headOfLog = async () => (await web.context.auditLog.head()).seq;

async function eventsSince(since: number, type: string) {
  await worker.sealing.seal();
  return sql<{ outcome: string; detail: Record<string, unknown> }>(
    'SELECT outcome, detail FROM audit_event WHERE seq > $1 AND type = $2 ORDER BY seq',
    [since, type],
  );
}

const hasBegun = (file: string) => () => existsSync(file) && statSync(file).size > 0;

describe('audit export', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('by %s: a failure in the log, no half file', async (signal) => {
    const since = await headOfLog();
    const file = path.join(folder, `${signal}.ndjson`);
    const args = ['audit', 'export', '--output', file, ...WHY];
    const stopped = await cli(args, { stopOnce: hasBegun(file), signal });
    const err = expect.stringMatching(/^Stopped after about \d+ events: the export is not whole\.\n$/);
    expect(stopped).toEqual({ code: 1, out: '', err });
    expect(existsSync(file)).toBe(false);
    expect(await eventsSince(since, 'audit_export_begun')).toHaveLength(1);
    const [end, ...more] = await eventsSince(since, 'audit_export');
    expect(more).toEqual([]);
    expect(end).toMatchObject({ outcome: 'failure', detail: { by: 'cli', events: expect.any(Number) } });
    expect(Number(end?.detail['events'])).toBeLessThan(EVENTS);
  });

  test('on standard output too', async () => {
    const since = await headOfLog();
    const { code, err } = await cli(['audit', 'export', ...WHY], { stopWhen: (out) => out !== '' });
    expect([code, err]).toEqual([1, expect.stringContaining('the export is not whole')]);
    expect(await eventsSince(since, 'audit_export')).toMatchObject([{ outcome: 'failure' }]);
  });
});

describe('people export', () => {
  test('says that it is not whole', async () => {
    await sql(
      `INSERT INTO user_account (id, email, email_key, password_hash)
       SELECT gen_random_uuid(), n || '@many.example', n || '@many.example', '' FROM generate_series(1, 30000) AS n`,
    );
    const { code, err } = await cli(['people', 'export', ...WHY], { stopWhen: (out) => out !== '' });
    await sql("DELETE FROM user_account WHERE email LIKE '%@many.example'");
    expect([code, err]).toEqual([1, expect.stringMatching(/^Stopped after about \d+ people: .*not whole\.\n$/)]);
  });
});

describe('import', () => {
  const peopleIn = async () =>
    Number(
      (await sql<{ count: string }>("SELECT count(*) FROM user_account WHERE email LIKE '%@moved.example'"))[0]?.count,
    );

  test('says how far it came, and goes on there', async () => {
    const file = path.join(folder, 'people.ndjson');
    const lines = Array.from({ length: 30_000 }, (_, n) => `{"externalId":"m${n}","email":"${n}@moved.example"}\n`);
    writeFileSync(file, lines.join(''));
    let done = false;
    const look = setInterval(async () => (done ||= (await peopleIn()) > 0), 50);
    const stopped = await cli(['import', file, ...WHY], { stopOnce: () => done });
    clearInterval(look);
    expect(stopped).toMatchObject({ code: 1, out: expect.stringMatching(/^\d+ people taken over\./) });
    expect(stopped.err).toMatch(/^Stopped after \d+ people; run it again to go on\.\n$/);
    expect(existsSync(`${file}.errors.ndjson`)).toBe(false);
    const before = await peopleIn();
    expect(before).toBeLessThan(30_000);
    const { out } = await cli(['import', file, ...WHY]);
    expect(out).toContain(`${30_000 - before} people taken over, ${before} here already.`);
  });

  test('does not wait for a source that says nothing more', async () => {
    const report = path.join(folder, 'stdin.errors.ndjson');
    const args = ['import', '-', '--report', report, ...WHY];
    const { code, err } = await cli(args, { input: null, stopOnce: () => existsSync(report) });
    // Before the database is open it ends at once, after that by itself.
    expect([1, 130]).toContain(code);
    expect(err).not.toContain('is not there');
  });
});

test('audit verify says that it has no verdict', async () => {
  const url = new URL(stores.database.webUrl);
  url.searchParams.set('application_name', 'the_verification');
  const reading = `SELECT FROM pg_stat_activity WHERE application_name = 'the_verification' AND query LIKE '%sealed_at) > (%'`;
  let begun = false;
  const look = setInterval(async () => {
    begun ||= (await sql(reading)).length > 0;
  }, 20);
  const { code, err } = await cli(['audit', 'verify'], { env: { DATABASE_URL: url.href }, stopOnce: () => begun });
  clearInterval(look);
  expect([code, err]).toEqual([1, 'The verification ended without a verdict: nothing is proved.\n']);
});

describe('at a terminal Ctrl-C gives back the cursor and the lines', () => {
  const lines = Array.from({ length: 30_000 }, (_, n) => `{"externalId":"t${n}","email":"${n}@typed.example"}\n`);

  test.each([
    ['audit export', 'Exporting', ['audit', 'export', '--output', path.join(folder, 'typed.ndjson'), ...WHY]],
    ['audit verify', 'Verifying', ['audit', 'verify']],
    ['import', 'Importing', ['import', path.join(folder, 'typed-people.ndjson'), ...WHY]],
  ] as const)('%s', async (_, doing, args) => {
    writeFileSync(path.join(folder, 'typed-people.ndjson'), lines.join(''));
    const { code, out } = await terminal(args, [[`${doing} `, '\x03']]);
    expect(code).toBe(1);
    for (const mode of ['?25', '?7']) {
      expect(out).toContain(`\x1b[${mode}l`);
      expect(out.lastIndexOf(`\x1b[${mode}h`)).toBeGreaterThan(out.lastIndexOf(`\x1b[${mode}l`));
    }
  });
});

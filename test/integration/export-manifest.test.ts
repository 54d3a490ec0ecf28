// The manifest at the end of an export: signed by the worker, which reads the log itself, and held against every line.
import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { EVERY_EVENT } from '../../src/core/audit/reading/query.ts';
import { createExportSigning } from '../../src/core/audit/verification/exports/export-signing.ts';
import { key, keys, newKey, provedWorld } from '../support/proved-world.ts';

const { worker, openAs, sql, begin, seal, tamper, checkpoints, exported, verifyText } = await provedWorld();
const RARE = { ...EVERY_EVENT, types: ['sys_cleanup'] };

/** The worker with a key, and a web process without. */
const signing = (own = checkpoints()) =>
  createExportSigning({ ...worker, checkpoints: own, key, nudge: () => undefined });
const web = await openAs('web');
const asking = (waitMs = 30_000, nudge: () => unknown = () => signing().answerDue()) =>
  createExportSigning({ ...web, key: null, waitMs, nudge: () => void nudge() });

const rare = (count: number, more: object = {}) =>
  sql(
    `INSERT INTO outbox (event) SELECT jsonb_build_object('type', 'sys_cleanup', 'outcome', 'success', 'ip', '203.0.113.' || n) || $2
       FROM generate_series(1, $1::int) AS n`,
    [count, JSON.stringify(more)],
  );

/** Events of which some are rare. */
async function mixed(): Promise<void> {
  for (let round = 0; round < 11; round += 1) {
    await rare(1);
    await seal(3);
  }
}

const lastLine = (text: string) => JSON.parse(text.trimEnd().split('\n').at(-1) ?? '');

beforeEach(begin);

describe('a filtered export', () => {
  let text: string;
  let lines: string[];

  beforeAll(async () => {
    await begin();
    await mixed();
    await checkpoints().write('schedule');
    await seal(5);
    text = await exported('ndjson', RARE, asking());
    lines = text.trimEnd().split('\n');
  });

  test('is signed by the worker alone, up to an event after its own, and says so', async () => {
    const { manifest, signature } = lastLine(text);
    expect(manifest).toMatchObject({
      ...{ v: 1, filter: { types: ['sys_cleanup'] }, after: 0, to: 50, count: 11, first: 1, keyId: key.id },
      checkpoint: { reason: 'export', keyId: key.id },
    });
    expect(manifest.checkpoint.seq).toBeGreaterThanOrEqual(50);
    expect(signature).toMatch(/^[\w-]{86}$/);
    expect(await verifyText(text)).toMatchObject({
      ...{ intact: true, count: 11, pieces: 11 },
      manifest: { keyId: key.id, proved: true, signedTo: manifest.checkpoint.seq, range: { after: 0, to: 50 } },
    });
    expect(await verifyText(text, { keys: new Map() })).toMatchObject({ intact: true, manifest: { proved: false } });
    const stranger = newKey();
    const { readPublicKeys } = await import('../../src/core/audit/ed25519.ts');
    expect(await verifyText(text, { keys: readPublicKeys([stranger.publicText]) ?? new Map() })).toMatchObject({
      intact: false,
      problem: expect.stringContaining('which is not among those given'),
    });
  });

  test('is what another program has written of it, too', async () => {
    const again = lines.map((line) => JSON.stringify(JSON.parse(line)).replace(/^\{/, '{ ')).join('\r\n');
    expect(await verifyText(again)).toMatchObject({ intact: true, manifest: { proved: true } });
  });

  const changed = (at: number, change: (line: string) => string) => lines.with(at, change(lines[at] ?? '')).join('\n');

  test.each<[string, () => string, string]>([
    ['a line changed', () => changed(4, (line) => line.replace('success', 'failure')), 'event 17 was altered'],
    ['a line missing', () => lines.toSpliced(4, 1).join('\n'), 'event 17 is missing'],
    ['the first line missing', () => lines.slice(1).join('\n'), 'event 1 is missing'],
    ['the last line missing', () => lines.toSpliced(-2, 1).join('\n'), 'event 41 is missing'],
    ['a line twice', () => changed(4, (line) => `${line}\n${line}`), 'stands twice or out of order'],
    [
      'lines in another order',
      () =>
        lines
          .with(4, lines[5] ?? '')
          .with(5, lines[4] ?? '')
          .join('\n'),
      'out of order',
    ],
    ['another filter', () => changed(11, (line) => line.replace('sys_cleanup', 'sys_startup')), 'manifest was altered'],
    ['another count', () => changed(11, (line) => line.replace('"count":11', '"count":12')), 'manifest was altered'],
    ['another range', () => changed(11, (line) => line.replace('"to":50', '"to":49')), 'manifest was altered'],
    ['a line after it', () => `${text}${lines[3]}\n`, 'added after the manifest'],
    [
      'a name that nobody had',
      () => changed(4, (line) => line.replace('"actorEmail":null', '"actorEmail":"a@b"')),
      'event 17',
    ],
    [
      'an erasure that nobody did',
      () =>
        changed(4, (line) =>
          line.replace(/"ip":.*?,"prevHash"/, '"ip":null,"userAgent":null,"personalSalt":null,"prevHash"'),
        ),
      'event 17 is not as it was exported',
    ],
  ])('names %s', async (_, forged, problem) => {
    expect(await verifyText(forged())).toMatchObject({ intact: false, problem: expect.stringContaining(problem) });
  });

  test('takes no manifest that says a part of itself twice', async () => {
    const forged = changed(11, (line) => line.replace('"filter":', '"filter":{},"filter":'));
    await expect(verifyText(forged)).rejects.toThrow('The manifest of the export was altered');
  });

  test('without a known key still names a count that is not the lines’', async () => {
    const forged = changed(11, (line) => line.replace('"count":11', '"count":12'));
    expect(await verifyText(forged, { keys: new Map() })).toMatchObject({
      problem: 'the manifest says 12 events, and the export has 11',
    });
  });

  test('with a line from another log, its hash made anew, is found out', async () => {
    await begin();
    await mixed();
    await seal(5);
    const other = (await exported('ndjson', RARE)).split('\n');
    expect(await verifyText(changed(4, () => other[4] ?? ''))).toMatchObject({
      ...{ intact: false, seq: 17 },
      problem: expect.stringContaining('event 17 is not as it was exported'),
    });
  });

  test('whose manifest was cut off is sound, and not said to be whole', async () => {
    expect(await verifyText(lines.slice(0, -1).join('\n'))).toMatchObject({
      ...{ intact: false, isGap: true, problem: 'events 2 to 4 are missing', sound: { count: 11, pieces: 11 } },
      manifest: null,
    });
  });
});

test('a whole export is held against its end', async () => {
  await seal(30);
  await checkpoints().write('schedule');
  const text = await exported('ndjson', EVERY_EVENT, asking());
  expect(await verifyText(text)).toMatchObject({ intact: true, count: 30, pieces: 1, manifest: { filter: {} } });
  const lines = text.trimEnd().split('\n');
  for (const [gone, problem] of [
    [29, 'event 30 is missing'],
    [14, 'event 15 is missing'],
    [0, 'event 1 is missing'],
  ] as const)
    expect(await verifyText(lines.toSpliced(gone, 1).join('\n'))).toMatchObject({ intact: false, problem });
});

test('an export of nothing says that there is nothing', async () => {
  await seal(3);
  await checkpoints().write('schedule');
  const text = await exported('ndjson', RARE, asking());
  expect(text.trimEnd().split('\n')).toHaveLength(1);
  expect(await verifyText(text)).toMatchObject({ intact: true, count: 0, manifest: { proved: true } });
});

test('addresses stand beside the events as they are now, until somebody is deleted', async () => {
  const id = randomUUID();
  await sql(
    `INSERT INTO user_account (id, email, email_key, password_hash) VALUES ($1, 'Née@example.org', 'née@example.org', 'x')`,
    [id],
  );
  await rare(1, { actor: id, subject: null });
  await rare(1, { actor: null, subject: id });
  await worker.sealing.seal();
  await checkpoints().write('schedule');
  const emails = async () => {
    const text = await exported('ndjson', EVERY_EVENT, asking(), web);
    expect(await verifyText(text)).toMatchObject({ intact: true, manifest: { proved: true } });
    return text
      .split('\n')
      .slice(0, 2)
      .map((line) => JSON.parse(line))
      .map(({ actorEmail, subjectEmail }) => [actorEmail, subjectEmail]);
  };
  expect(await emails()).toEqual([
    ['Née@example.org', null],
    [null, 'Née@example.org'],
  ]);
  expect((await exported('csv', EVERY_EVENT, asking(), web)).split('\r\n')[1]).toMatch(/,Née@example\.org,$/);
  await tamper(`UPDATE user_account SET email = 'new@example.org', email_key = 'new@example.org'`);
  expect(await emails()).toEqual([
    ['new@example.org', null],
    [null, 'new@example.org'],
  ]);
  await tamper(`UPDATE user_account SET deleted_at = now()`);
  expect(await emails()).toEqual([
    [null, null],
    [null, null],
  ]);
  await tamper('DELETE FROM user_account');
});

describe('nobody signs', () => {
  const unsigned = async (text: string) => {
    const { unsigned: why, signature } = lastLine(text);
    expect(signature).toBeUndefined();
    expect(await verifyText(text)).toMatchObject({
      intact: true,
      manifest: { keyId: null, unsigned: why, signedTo: 0 },
    });
    return why;
  };

  test('without a key, and nobody waits', async () => {
    await seal(3);
    expect(
      await unsigned(
        await exported(
          'ndjson',
          RARE,
          asking(30_000, () => undefined),
        ),
      ),
    ).toBe('this log has no signing key');
  });

  test('while no worker answers, which does not end the export', async () => {
    await mixed();
    await checkpoints().write('schedule');
    expect(
      await unsigned(
        await exported(
          'ndjson',
          RARE,
          asking(300, () => undefined),
        ),
      ),
    ).toBe('no worker signed it in time');
  });

  test('what the log does not show: other events, fewer, or none where there are some', async () => {
    await mixed();
    await checkpoints().write('schedule');
    const { manifest } = lastLine(await exported('ndjson', RARE, asking()));
    const { v: _v, madeAt: _madeAt, checkpoint: _checkpoint, keyId: _keyId, ...claim } = manifest;
    const ask = async (change: object) => JSON.parse(await asking().manifestFor({ ...claim, ...change }));
    expect(await ask({})).toHaveProperty('signature');
    for (const change of [
      { filter: { types: ['authn_login_fail'] } },
      { filter: {} },
      { count: 10 },
      { events: claim.lines },
      { count: 0, first: null, last: null },
      { to: 40 },
      { after: 1 },
      { last: { ...claim.last, hash: claim.events } },
    ])
      expect(await ask(change)).toMatchObject({ unsigned: expect.stringContaining('does not have just these events') });
    expect(await ask({ filter: { colour: 'blue' } })).toMatchObject({ unsigned: 'the worker is of another version' });
  });

  test('over a log that was altered', async () => {
    await mixed();
    await checkpoints().write('schedule');
    await seal(3);
    await tamper(`UPDATE audit_event SET outcome = 'success' WHERE seq = 46`);
    expect(await unsigned(await exported('ndjson', RARE, asking()))).toContain('the log contradicts');
  });

  test('and a web process can write no answer, nor change a claim', async () => {
    await seal(3);
    const { pool } = web.database;
    const insert = 'INSERT INTO export_manifest (id, asked, answer) VALUES ($1, $2, $2)';
    await expect(pool.query(insert, [randomUUID(), '{}'])).rejects.toThrow('permission denied');
    for (const statement of [`UPDATE export_manifest SET answer = '{}'`, 'DELETE FROM export_manifest'])
      await expect(pool.query(statement)).rejects.toThrow('permission denied');
  });
});

test('claims and answers are forgotten after an hour, and one that nobody reads any more stops nobody', async () => {
  await seal(3);
  await checkpoints().write('schedule');
  await sql(
    `INSERT INTO export_manifest (id, asked, asked_at) VALUES (gen_random_uuid(), '{}', now() - interval '2 hours')`,
  );
  await sql(`INSERT INTO export_manifest (id, asked) VALUES (gen_random_uuid(), '"nonsense"')`);
  expect(await verifyText(await exported('ndjson', RARE, asking()))).toMatchObject({ manifest: { proved: true } });
  expect(await sql("SELECT FROM export_manifest WHERE asked_at < now() - interval '1 hour'")).toEqual([]);
  expect(keys.size).toBe(1);
});

test('a worker without a key forgets claims too', async () => {
  await sql(
    `INSERT INTO export_manifest (id, asked, asked_at) VALUES (gen_random_uuid(), '{}', now() - interval '2 hours')`,
  );
  const keyless = createExportSigning({ ...worker, checkpoints: checkpoints(), key: null, nudge: () => undefined });
  expect(await keyless.answerDue()).toBe(0);
  expect(await sql("SELECT FROM export_manifest WHERE asked_at < now() - interval '1 hour'")).toEqual([]);
});

test('a claim that the log can’t be asked about stops no other', async () => {
  await mixed();
  await checkpoints().write('schedule');
  const { manifest } = lastLine(await exported('ndjson', RARE, asking()));
  const { v: _v, madeAt: _madeAt, checkpoint: _checkpoint, keyId: _keyId, ...claim } = manifest;
  const odd = { ...claim, filter: { address: 'no address' } };
  await sql('INSERT INTO export_manifest (id, asked) VALUES (gen_random_uuid(), $1)', [JSON.stringify(odd)]);
  await expect(signing().answerDue()).rejects.toThrow('no address');
  expect(await signing().answerDue()).toBe(0);
  expect(await sql('SELECT FROM export_manifest WHERE answer IS NULL')).toEqual([]);
});

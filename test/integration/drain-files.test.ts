// The drain that writes a file: whole lines in order, put aside when it is full, also after a crash, beside another program that
// moves it, and on a disk that is full.
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { openRotatingFile } from '../../src/core/shipping/receivers/rotating-file.ts';
import { openDrain, type TestDrain } from '../support/drains.ts';
import { FILL, filledLog } from '../support/filled-log.ts';
import { world } from '../support/world.ts';

const { worker, sql, tamper } = await world({ webs: 0, worker: true });
const { emptyLog } = filledLog({ sql, tamper });
const root = mkdtempSync(path.join(tmpdir(), 'holdfast-drain-file-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folder: string;
let file: string;
let filled: number;
let count = 0;

beforeEach(async () => {
  await emptyLog();
  await sql('DELETE FROM audit_drain');
  filled = 0;
  folder = path.join(root, String(count++));
  mkdirSync(folder);
  file = path.join(folder, 'audit.ndjson');
});

const opened: TestDrain[] = [];
afterEach(() => Promise.all(opened.splice(0).map((drain) => drain.end())));
function open(rotateBytes = 1_000_000_000, keep = 3, { name = 'siem', to = file } = {}): TestDrain {
  const drain = openDrain(worker, { name, receiver: openRotatingFile({ kind: 'file', path: to, rotateBytes, keep }) });
  opened.push(drain);
  return drain;
}
async function sealMore(events: number): Promise<void> {
  await sql(FILL, [events, filled + 1]);
  filled += events;
  await worker.sealing.seal();
}
const seqsIn = (name: string) =>
  readFileSync(path.join(folder, name), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { seq: number }).seq);
const allUpTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
const row = async () => (await worker.drains.list())[0];

test('is put aside when it is full, and the oldest goes', async () => {
  const drain = open(400_000, 2);
  for (let part = 0; part < 6; part += 1) {
    await sealMore(500);
    await drain.run();
  }
  expect(readdirSync(folder).sort()).toEqual(['audit.ndjson', 'audit.ndjson.1', 'audit.ndjson.2']);
  const kept = ['audit.ndjson.2', 'audit.ndjson.1', 'audit.ndjson'].flatMap(seqsIn);
  const { seq = 0 } = (await row()) ?? {};
  expect(kept).toEqual(allUpTo(seq).slice(-kept.length));
  expect(kept.length).toBeLessThan(seq);
});

test('what a crash has begun is taken back before the next line', async () => {
  await sealMore(100);
  const before = open();
  await before.run();
  await before.end();
  appendFileSync(file, '{"seq":101,"half');
  await sealMore(100);
  await open().run();
  expect(seqsIn('audit.ndjson')).toEqual(allUpTo((await row())?.seq ?? 0));
});

test('a file of nothing but a begun line is emptied', async () => {
  writeFileSync(file, `{"a":"${'x'.repeat(200_000)}`);
  await sealMore(10);
  await open().run();
  expect(seqsIn('audit.ndjson')).toEqual(allUpTo(10));
});

test('another program may put it aside', async () => {
  await sealMore(10);
  const drain = open();
  await drain.run();
  renameSync(file, path.join(folder, 'moved'));
  await sealMore(10);
  await drain.run();
  expect([...seqsIn('moved'), ...seqsIn('audit.ndjson')]).toEqual(allUpTo((await row())?.seq ?? 0));
});

test('a folder that is not there, and a full disk, are said and waited for', async () => {
  await sealMore(10);
  rmSync(folder, { recursive: true });
  const drain = open();
  await drain.run();
  expect(await row()).toMatchObject({ seq: 0, failures: 1, lastError: 'could not be written (ENOENT)' });
  mkdirSync(folder);
  await drain.run();
  expect(seqsIn('audit.ndjson')).toEqual(allUpTo(10));
  await open(1_000_000, 1, { name: 'full', to: '/dev/full' }).run();
  const drains = await worker.drains.list();
  expect(drains.find(({ name }) => name === 'full')).toMatchObject({
    seq: 0,
    lastError: 'could not be written (ENOSPC)',
  });
});

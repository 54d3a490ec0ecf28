// The logs under `npm run up` stay small while their programs write to them.
import { closeSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openLog } from '../../src/launcher/machine/files.ts';
import { moveWhatItHolds, rotateLogs } from '../../src/launcher/program-log.ts';

const MEGABYTES = 1024 * 1024;

let folder: string;
let file: string;
let log: number;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-logs-'));
  file = path.join(folder, 'web.log');
  log = openLog(file);
});

afterEach(() => {
  closeSync(log);
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string): void {
  writeSync(log, `${name}\n${'.'.repeat(21 * MEGABYTES)}\n`);
}

const firstLine = (name: string) => readFileSync(path.join(folder, name), 'utf8').split('\n', 1)[0];

test('a large one is moved aside, its program goes on in the small one, and the oldest goes', () => {
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    write(name);
    rotateLogs(folder, moveWhatItHolds);
    rotateLogs(folder, moveWhatItHolds); // a small one stays
  }
  writeSync(log, 'g\n');
  expect(readFileSync(file, 'utf8')).toBe('g\n');
  const old = ['web.log.1', 'web.log.2', 'web.log.3', 'web.log.4'];
  expect(readdirSync(folder)).toEqual(['web.log', ...old]);
  expect(old.map(firstLine)).toEqual(['f', 'e', 'd', 'c']);
  expect(statSync(path.join(folder, 'web.log.1')).mode & 0o777).toBe(0o600);
  expect(statSync(path.join(folder, 'web.log.1')).size).toBe(21 * MEGABYTES + 3);
});

test('where it can’t be moved, nothing but the oldest goes, however often it is tried', () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    write(name);
    rotateLogs(folder, moveWhatItHolds);
  }
  write('f');
  mkdirSync(path.join(folder, 'web.log.new/in the way'), { recursive: true });
  for (let tries = 0; tries < 3; tries += 1) rotateLogs(folder, moveWhatItHolds);
  expect(['web.log', 'web.log.1', 'web.log.2', 'web.log.3'].map(firstLine)).toEqual(['f', 'e', 'd', 'c']);
});

// What the launcher keeps in a data folder while it can't be read, as another user's file: it is neither made anew nor taken for
// that of the dead. Links that lead to themselves stand for such files, as root may read everything.
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { claimFolder, holderOf } from '../../src/launcher/machine/claims.ts';
import { keptSecret } from '../../src/launcher/machine/files.ts';
import { keptSecrets } from '../../src/launcher/secrets.ts';

const NO_PROCESS = 2 ** 22 + 1;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-kept-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function unreadable(name: string): string {
  const file = path.join(folder, name);
  symlinkSync(name, file);
  return file;
}

test('secrets that can not be read stop the start, and stay as they are', () => {
  const file = unreadable('secrets.json');
  expect(() => keptSecrets(folder)).toThrow(`${file} can't be read (ELOOP). Start Holdfast as its owner`);
  expect(lstatSync(file).isSymbolicLink()).toBe(true);
  const one = unreadable('owner.secret');
  expect(() => keptSecret(one)).toThrow("can't be read (ELOOP)");
  expect(lstatSync(one).isSymbolicLink()).toBe(true);
});

test('secrets are made once, and their file is left alone from then on', () => {
  const made = keptSecrets(folder);
  const file = path.join(folder, 'secrets.json');
  const before = statSync(file);
  expect(keptSecrets(folder)).toEqual(made);
  expect(statSync(file)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(made);
});

test('a claim that can not be read counts as long as a process with its id runs', () => {
  const name = `up.${process.ppid}`;
  unreadable(name);
  expect(holderOf(folder, 'up')).toBe(process.ppid);
  expect(claimFolder(folder, 'up')).toMatchObject({ heldBy: process.ppid, isEnding: false });
  expect(readdirSync(folder)).toEqual([name]);
});

test('a claim that can not be read is removed when no process has its id', () => {
  unreadable(`up.${NO_PROCESS}`);
  expect(holderOf(folder, 'up')).toBeUndefined();
  expect(claimFolder(folder, 'up').heldBy).toBeUndefined();
  expect(readdirSync(folder)).toEqual([`up.${process.pid}`]);
});

test('a claim that a power cut left empty counts for nobody, whatever process has its id now', () => {
  writeFileSync(path.join(folder, `up.${process.ppid}`), '');
  expect(holderOf(folder, 'up')).toBeUndefined();
  expect(claimFolder(folder, 'up').heldBy).toBeUndefined();
  expect(readdirSync(folder)).toEqual([`up.${process.pid}`]);
});

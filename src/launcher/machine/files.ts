// Small files of the launcher: private ones, written whole or not at all; logs; programs on the PATH.

import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Throws a sentence where there can't be one. */
export function makeFolder(folder: string, mode?: number): void {
  try {
    mkdirSync(folder, { recursive: true, ...(mode === undefined ? {} : { mode }) });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isNoFolder = code === 'EEXIST' || code === 'ENOTDIR';
    const why = isNoFolder ? 'something that is no folder stands there' : `${code}`;
    throw new Error(`The folder ${folder} can't be made (${why}). Give another DATA_DIR.`);
  }
}

/** Writes a file of mode 0600 in one step: a reader sees the old text or the new, never half of it, also after a power cut. */
export function writePrivate(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.new`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flush: true });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** The secret kept in this file; a random one (256 bits, base64url) is made and kept on first use. Throws as `readKept` does. */
export function keptSecret(file: string): string {
  const kept = readKept(file)?.trim();
  if (kept) return kept;
  const secret = randomBytes(32).toString('base64url');
  writePrivate(file, `${secret}\n`);
  return secret;
}

/** The absolute path of the first of these programs on the PATH. */
export function findProgram(names: string[], searchPath: string): string | undefined {
  const folders = searchPath.split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  for (const name of names) {
    for (const folder of folders) {
      const file = path.join(folder, name);
      if (isExecutable(file)) return file;
    }
  }
  return undefined;
}

/** The caller closes it. */
export function openLog(file: string): number {
  mkdirSync(path.dirname(file), { recursive: true });
  return openSync(file, 'a', 0o600);
}

export function tail(file: string, lines = 12): string {
  return (readIfThere(file) ?? '').trimEnd().split('\n').slice(-lines).join('\n');
}

/** What must not be made anew while it is there: undefined only where there is none, a sentence thrown where it can't be read. */
export function readKept(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (isNone(code)) return undefined;
    throw new Error(`${file} can't be read (${code}). Start Holdfast as its owner, or give the file to this user.`);
  }
}

/** Whether a file that could not be read is not there at all. */
export function isNone(code: string | undefined): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** For what is of no use where it can't be read. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

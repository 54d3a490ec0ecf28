// The log files of the processes under `up`: they write by themselves, so that nothing is lost when the launcher dies. The files
// are kept small meanwhile, and warnings and errors are repeated shortly on the terminal.

import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';

/** As for the containers of docker-compose.yml: five files of 20 MB. */
const rotateAtBytes = 20 * 1024 * 1024;
const oldFiles = 4;
const rotateEveryMs = 10_000;
const chunkBytes = 1024 * 1024;
const warnLevel = 40;
const pollMs = 300;
const repeatAfterMs = 10_000;
const mostRemembered = 1_000;

/** Keeps each log in this folder small from now on, before any program writes to one. */
export function keepLogsSmall(folder: string): void {
  rotateLogs(folder, renameSync);
  setInterval(rotateLogs, rotateEveryMs, folder, moveWhatItHolds).unref();
}

/** Renames older ones to `.2`, `.3` and so on, and has `move` bring the large log to `<file>.1`. What can't be is tried later. */
export function rotateLogs(folder: string, move: (file: string, to: string) => void): void {
  for (const name of logsIn(folder)) {
    const file = path.join(folder, name);
    try {
      if (statSync(file).size <= rotateAtBytes) continue;
      rmSync(`${file}.${oldFiles}`, { force: true }); // first: a full disk needs its room
      move(file, `${file}.new`);
      for (let older = oldFiles - 1; older >= 1; older -= 1) renameIfThere(`${file}.${older}`, `${file}.${older + 1}`);
      renameSync(`${file}.new`, `${file}.1`);
    } catch {
      // Nothing depends on it.
    }
  }
}

/** For a file that a program appends to meanwhile: its name would go on with that program. */
export function moveWhatItHolds(file: string, to: string): void {
  const buffer = Buffer.alloc(chunkBytes);
  rmSync(to, { force: true });
  const [from, target] = [openSync(file, 'r+'), openSync(to, 'wx', 0o600)];
  try {
    for (let read = -1; read !== 0; writeAll(target, buffer.subarray(0, read))) read = readSync(from, buffer);
    ftruncateSync(from); // at once after the read that found no more: hardly a line comes in between
  } catch (error) {
    rmSync(to, { force: true });
    throw error;
  } finally {
    for (const descriptor of [from, target]) closeSync(descriptor);
  }
}

/** Shows warnings and errors that are written from now on. Returns a function that ends it. */
export function watchLog(file: string, name: string, show: (line: string) => void): () => void {
  let position = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  let rest = '';
  const shownAt = new Map<string, number>();
  const look = () => {
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size < position) position = 0; // it was rotated
    if (size === position) return;
    const text = rest + readBetween(file, position, size);
    position = size;
    const lines = text.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const said = inShort(line, name);
      if (!said || performance.now() - (shownAt.get(said) ?? Number.NEGATIVE_INFINITY) < repeatAfterMs) continue;
      if (shownAt.size >= mostRemembered) shownAt.clear();
      shownAt.set(said, performance.now());
      show(said);
    }
  };
  const timer = setInterval(() => {
    try {
      look();
    } catch {
      // Nothing depends on it, and what it says stays in the file.
    }
  }, pollMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Undefined for what does not belong on the terminal. */
function inShort(line: string, name: string): string | undefined {
  if (!line.startsWith('{')) return line.trim() ? `${name}: ${line}` : undefined;
  try {
    const { level, msg, err } = JSON.parse(line) as { level?: number; msg?: string; err?: { message?: string } };
    if (level === undefined || level < warnLevel) return undefined;
    return `${name}: ${level > warnLevel ? 'error' : 'warning'}: ${[msg, err?.message].filter(Boolean).join(': ')}`;
  } catch {
    return `${name}: ${line}`;
  }
}

function readBetween(file: string, from: number, to: number): string {
  const buffer = Buffer.alloc(Math.min(to - from, 1024 * 1024));
  const descriptor = openSync(file, 'r');
  try {
    return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, buffer.length, to - buffer.length));
  } finally {
    closeSync(descriptor);
  }
}

function logsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.log'));
  } catch {
    return []; // the first start makes it
  }
}

function renameIfThere(file: string, to: string): void {
  if (statSync(file, { throwIfNoEntry: false })) renameSync(file, to);
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
}

// The log files of the processes under `up`: they write by themselves, so that nothing is lost when the launcher dies, and
// warnings and errors are repeated shortly on the terminal.

import { closeSync, openSync, readSync, renameSync, statSync } from 'node:fs';

const rotateAtBytes = 10 * 1024 * 1024;
const warnLevel = 40;
const pollMs = 300;
const repeatAfterMs = 10_000;

/** Renames a large file to `<file>.1`. */
export function rotate(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > rotateAtBytes) renameSync(file, `${file}.1`);
}

/** Shows warnings and errors that are written from now on. Returns a function that ends it. */
export function watchLog(file: string, name: string, show: (line: string) => void): () => void {
  let position = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  let rest = '';
  const shownAt = new Map<string, number>();
  const look = () => {
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size <= position) {
      position = size;
      return;
    }
    const text = rest + readBetween(file, position, size);
    position = size;
    const lines = text.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const said = inShort(line, name);
      if (!said || Date.now() - (shownAt.get(said) ?? 0) < repeatAfterMs) continue;
      shownAt.set(said, Date.now());
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

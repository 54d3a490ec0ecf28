// Standard output: whoever reads it may leave (`| head -1`), and it may be a file on a full disk.
import { printable } from './print.ts';

const left = new AbortController();

/** Aborts once nothing more that is written can arrive. */
export const outputGone: AbortSignal = left.signal;

/** A reader who leaves has what they wanted, and the command goes on to its end. `fail` is told of anything else. */
export function watchOutput(fail: (error: Error) => void): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (left.signal.aborted) return;
    left.abort();
    if (error.code !== 'EPIPE') fail(error);
  });
  process.stderr.on('error', () => undefined);
}

export function say(line: string): void {
  if (!left.signal.aborted) process.stdout.write(`${line}\n`);
}

/** Control characters and marks of direction stand as `\u001b`. */
export function sayJson(value: unknown): void {
  say(printable(JSON.stringify(value)));
}

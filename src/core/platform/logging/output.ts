// Where log lines go: standard output, written in the background, so that nothing waits for a line. Where nobody reads the
// pipe or the disk is full, lines are held up to a bound, later ones are dropped, and how many is said once there is room.
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import type { DestinationStream } from 'pino';
import { createHeldLines } from './held-lines.ts';

const STDOUT = 1;
const FLUSH_INTERVAL_MS = 200;
/** A pipe without room is tried again soon, a full disk later. */
const NO_ROOM_MS = 50;
const BROKEN_MS = 1_000;

export interface LogOutputOptions {
  /** Lines wait for one another, for a fifth of a second at most, until there are so many bytes. */
  readonly together?: number;
  /** The line that says how many were dropped. */
  readonly droppedLine: (count: number) => string;
}

/** What pino writes to, and asks to flush. */
export interface LogOutput extends DestinationStream {
  /** Calls back when everything that was written so far has left the process. */
  flush(done: () => void): void;
  /** What can be written now, without waiting. */
  flushSync(): void;
}

const open = new Set<LogOutput>();
process.on('exit', () => {
  for (const output of open) output.flushSync();
});

export function createLogOutput({ together = 0, droppedLine }: LogOutputOptions): LogOutput {
  const held = createHeldLines(droppedLine);
  const waiting: (() => void)[] = [];
  let target: Target | undefined;
  /** While a chunk is on its way to a file, and until it is tried again where there was no room. */
  let busy = false;
  let closed = false;
  /** When what is held goes, whether or not there is more of it. */
  let later: NodeJS.Timeout | undefined;

  const output: LogOutput = {
    write(text) {
      if (closed) return;
      target ??= start();
      held.add(text);
      if (held.size() >= together) writeSome();
      else later ??= setTimeout(writeSome, FLUSH_INTERVAL_MS).unref();
    },

    flush(done) {
      if (closed || held.isEmpty()) return done();
      waiting.push(done);
      writeSome();
    },

    flushSync() {
      if (closed || target === undefined) return;
      try {
        // A chunk that is on its way to a file gets there.
        if (busy && !target.mayLackRoom) held.written(Number.POSITIVE_INFINITY);
        for (let next = held.chunk(); next !== null; next = held.chunk()) held.written(writeSync(target.fd, next));
      } catch {
        // No room, or nobody there: it stays.
      }
    },
  };

  function start(): Target {
    open.add(output);
    return openTarget();
  }

  function writeSome(): void {
    clearTimeout(later);
    later = undefined;
    const chunk = busy || closed ? null : held.chunk();
    if (chunk === null || target === undefined) return;
    busy = true;
    if (target.mayLackRoom) writeNow(target.fd, chunk);
    else write(target.fd, chunk, settle);
  }

  function writeNow(fd: number, chunk: Buffer): void {
    let written = 0;
    let error: Error | null = null;
    try {
      written = writeSync(fd, chunk);
    } catch (caught) {
      error = caught as Error;
    }
    settle(error, written);
  }

  function settle(error: NodeJS.ErrnoException | null, written: number): void {
    if (error?.code === 'EPIPE') {
      closed = true; // nobody will ever read it
      held.drop();
    } else if (error) {
      setTimeout(tryAgain, error.code === 'EAGAIN' ? NO_ROOM_MS : BROKEN_MS).unref();
      return;
    }
    held.written(written);
    busy = false;
    if (!held.isEmpty()) writeSome();
    else for (const done of waiting.splice(0)) done();
  }

  function tryAgain(): void {
    busy = false;
    writeSome();
  }

  return output;
}

interface Target {
  readonly fd: number;
  /** Writing says at once that there is no room; else it may take its time, as a disk does. */
  readonly mayLackRoom: boolean;
}

const streams = new Set<Socket>();

function openTarget(): Target {
  const stats = fstatSync(STDOUT);
  const isTerminal = isatty(STDOUT);
  if (!stats.isFIFO() && !stats.isSocket() && !isTerminal) return { fd: STDOUT, mayLackRoom: false };
  try {
    // A description of our own: the one that other programs share stays as it is.
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    return { fd: openSync(`/proc/self/fd/${STDOUT}`, flags), mayLackRoom: true };
  } catch {
    if (isTerminal) return { fd: STDOUT, mayLackRoom: false };
    // A socket, a pipe of another user, or another system: Node opens a stream so that it does not wait.
    streams.add(new Socket({ fd: STDOUT, readable: false, writable: true }).unref());
    return { fd: STDOUT, mayLackRoom: true };
  }
}

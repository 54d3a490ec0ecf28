// What starting an embedded server has in common: a port that is kept from start to start, a log, another try where what is in
// the way passes by itself, and as much time as it takes to recover from a crash.

import { closeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLog, readIfThere, tail, writePrivate } from '../machine/files.ts';
import { choosePort } from '../machine/ports.ts';
import { type BoundSpawnOptions, type Child, type Exit, spawnBound } from '../machine/process.ts';

const defaultSilenceMs = 60_000;

export interface EmbeddedServer {
  port: number;
  pid: number;
  /** Resolves when the server is gone, for whatever reason. */
  exited: Promise<Exit>;
  /** Writes everything down and resolves when the server is gone. */
  stop(): Promise<void>;
  /** SIGKILL, for fault tests; resolves when all of the server is gone. The next start on the same folder recovers. */
  kill(): Promise<void>;
}

export interface ServerOptions {
  /** Holds the data, the passwords and the remembered port. Made if it is not there. */
  dataDir: string;
  /** Exactly this port; without it the remembered one, or another free one when that is taken. */
  port?: number;
  /** Where the server writes its log; the default is in `dataDir`. */
  logFile?: string;
  /** Told of long steps, in words for a person. */
  log?: (message: string) => void;
  /** Ends a start that is under way. */
  signal?: AbortSignal;
  /** A server that starts and says nothing for so long is ended; default a minute. */
  silenceMs?: number;
}

/** What a server answers: `recovering` while it reads what it wrote before a crash, undefined where it says nothing. */
export type Answer = 'ready' | 'recovering' | undefined;

export interface ServerStart {
  name: string;
  dataDir: string;
  port?: number | undefined;
  logFile: string;
  launch: (port: number) => Child;
  log?: ((message: string) => void) | undefined;
  signal?: AbortSignal | undefined;
  silenceMs?: number | undefined;
  /** Gets its process id. */
  pidFile?: string;
  /** In order, also while it recovers. */
  stop: (child: Child) => Promise<void>;
  /** Called until it is ready or gone. */
  ask: (port: number) => Promise<Answer>;
  /** What is in the way and passes by itself, by the end of the log; undefined where another try is of no use. */
  obstacle: (said: string, exit: Exit) => string | undefined;
}

/** Resolves when the server is ready, however long it recovers. Throws with the end of its log otherwise. */
export async function startServer(start: ServerStart): Promise<{ child: Child; port: number }> {
  const { name, dataDir, logFile, launch, obstacle, signal, silenceMs = defaultSilenceMs } = start;
  const portFile = path.join(dataDir, 'port');
  let deadline: number | undefined;
  for (;;) {
    const port = await choosePort(start.port, Number(readIfThere(portFile)) || undefined);
    const child = launch(port);
    if (await untilReady(child, port, start)) {
      try {
        note(portFile, port);
        if (start.pidFile) note(start.pidFile, child.pid);
        return { child, port };
      } catch (error) {
        await start.stop(child); // nobody would mind it, and the next start would find its folder in use
        throw error;
      }
    }
    await start.stop(child);
    if (signal?.aborted) throw new Error(`${name} was stopped before it was ready.`);
    const said = tail(logFile);
    const passing = said.includes('Address already in use') ? 'its port is taken' : obstacle(said, await child.exited);
    deadline ??= performance.now() + silenceMs; // not before: it may have recovered for long until it found what is in the way
    if (passing === undefined || performance.now() > deadline) {
      throw new Error(`${name} does not start${passing ? ` (${passing})` : ''}. The end of ${logFile}:\n${said}`);
    }
    await sleep(200);
  }
}

/** On a full disk a server that comes back as it was needs no room. */
function note(file: string, number: number): void {
  if (readIfThere(file) !== `${number}\n`) writePrivate(file, `${number}\n`);
}

/**
 * False when the server ended first (a stranger on the same port is not taken for it), when it said nothing for too long, or when
 * the start is ended. One that recovers is not hurried: killed, it would begin anew, and never end.
 */
async function untilReady(child: Child, port: number, start: ServerStart): Promise<boolean> {
  const { ask, log, signal, silenceMs = defaultSilenceMs } = start;
  const startedAt = performance.now();
  let gone = false;
  child.exited.then(() => {
    gone = true;
  });
  let deadline = startedAt + silenceMs;
  let sayAfterMs = silenceMs / 6;
  while (!gone && !signal?.aborted && performance.now() < deadline) {
    const answer = await ask(port);
    if (answer === 'ready') return !gone;
    const now = performance.now();
    const tookMs = now - startedAt;
    if (answer === 'recovering') deadline = now + silenceMs;
    if (answer === 'recovering' && tookMs > sayAfterMs) {
      log?.(`still reading back what it had written, after ${Math.round(tookMs / 1_000)} s; it is given its time`);
      sayAfterMs *= 2;
    }
    await sleep(Math.min(Math.max(30, tookMs / 20), 1_000)); // PostgreSQL notes each question in its log
  }
  return false;
}

export function spawnLogged(command: string, args: string[], logFile: string, options: BoundSpawnOptions): Child {
  const log = openLog(logFile);
  try {
    return spawnBound(command, args, { ...options, stdio: ['ignore', log, log] });
  } finally {
    closeSync(log);
  }
}

// The supervisor and the worker under `up`: their environment, their log files, their ends.

import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Kept, keepRunning } from './keep-running.ts';
import { openLog, tail } from './machine/files.ts';
import { type Child, type Exit, endChild, inWords, spawnBound } from './machine/process.ts';
import type { Environment } from './settings.ts';

export interface Program extends Child {
  name: string;
  /** Resolves on the message `{ type: 'ready' }`; of one that may be too old to send it, after three seconds too. */
  ready: Promise<void>;
}

export interface ProgramOptions {
  name: string;
  /** Relative to dist/. */
  script: string;
  args?: string[];
  env: Environment;
  logFile: string;
  /** It surely says when it is ready. */
  saysReady?: boolean;
}

const takenForReadyMs = 3_000;

/** The program ends in order when the launcher dies. */
export function startProgram({ name, script, args = [], env, logFile, saysReady = false }: ProgramOptions): Program {
  const log = openLog(logFile);
  try {
    const file = fileURLToPath(new URL(`../../${script}`, import.meta.url));
    const child = spawnBound(process.execPath, [file, ...args], {
      deathSignal: 'SIGTERM',
      env: env as NodeJS.ProcessEnv,
      stdio: ['ignore', log, log, 'ipc'],
    });
    const ready = new Promise<void>((resolve) => {
      child.process.on('message', (message) => isReady(message) && resolve());
      if (!saysReady) sleep(takenForReadyMs, undefined, { ref: false }).then(resolve);
    });
    child.process.on('error', () => {}); // a signal to one that is gone
    return { ...child, name, ready };
  } finally {
    closeSync(log);
  }
}

/** Resolves when the program has succeeded; throws with the end of its log otherwise. */
export async function runProgram(options: ProgramOptions, onStart: (program: Program) => void): Promise<void> {
  const program = startProgram(options);
  onStart(program);
  const exit = await program.exited;
  if (exit.code !== 0) throw new Error(`${options.name} failed (${inWords(exit)}):\n${tail(options.logFile, 20)}`);
}

export interface KeepOptions {
  say: (line: string) => void;
  onRestart: () => void;
  onDeath: (program: ProgramOptions, exit: Exit) => void;
}

export function keepProgram(options: ProgramOptions, { say, onRestart, onDeath }: KeepOptions): Kept<Program> {
  return keepRunning({
    name: options.name,
    first: startProgram(options),
    start: async () => startProgram(options),
    end: (surplus) => surplus.process.kill('SIGTERM'),
    say,
    onDeath: (exit) => onDeath(options, exit),
    onRestart,
  });
}

export interface Replacement {
  onStart: (next: Program) => void;
  /** While everything stops, the new one is stopped in place of the old one. */
  isStopping: () => boolean;
  stopDeadlineMs: number;
}

/** Starts a program beside the kept one, which leaves once the new one is ready. Throws if it never is. */
export async function replaceProgram(
  kept: Kept<Program>,
  options: ProgramOptions,
  { onStart, isStopping, stopDeadlineMs }: Replacement,
): Promise<{ old: number; new: number }> {
  const next = startProgram(options);
  onStart(next);
  const failure = await Promise.race([
    next.ready,
    next.exited.then((exit) => `the new ${options.name} ended (${inWords(exit)})`),
  ]);
  if (failure) throw new Error(failure);
  const old = isStopping() ? next : kept.replaceBy(next);
  await stopProgram(old, stopDeadlineMs);
  return { old: old.pid, new: next.pid };
}

/** SIGTERM, and SIGKILL after the deadline. */
export function stopProgram(program: Program, deadlineMs: number): Promise<void> {
  return endChild(program, [
    ['SIGTERM', deadlineMs],
    ['SIGKILL', 5_000],
  ]);
}

function isReady(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready';
}

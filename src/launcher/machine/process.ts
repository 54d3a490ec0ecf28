// Child processes that never outlive the launcher. Hides how a child learns of its parent's death: setpriv on Linux, elsewhere a
// shell that watches a pipe.

import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { readIfThere } from './files.ts';

/** A child process with its id, and a promise of its end that never rejects. */
export interface Child {
  pid: number;
  process: ChildProcess;
  /** Resolves once the process is gone; `error` when it could not be started at all. */
  exited: Promise<Exit>;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  error?: Error;
}

export function inWords({ code, signal }: Exit): string {
  return signal ?? `exit code ${code}`;
}

export interface BoundSpawnOptions extends SpawnOptions {
  /** What the child gets when the process that started it dies, however it dies. */
  deathSignal: 'SIGINT' | 'SIGTERM' | 'SIGKILL';
  /** A command put before everything else. */
  prefix?: string[];
}

/**
 * Starts a child in a session of its own, so that the terminal's Ctrl-C reaches only the launcher, and tells it to end
 * when this process dies. Throws when the program can't be started.
 */
export function spawnBound(command: string, args: string[], options: BoundSpawnOptions): Child {
  const { deathSignal, prefix = [], ...spawnOptions } = options;
  const bound = canBindToParent() ? ['setpriv', '--pdeathsig', deathSignal.slice(3)] : [];
  const [file = command, ...rest] = [...prefix, ...bound, command, ...args];
  const child = spawn(file, rest, { detached: true, ...spawnOptions });
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (error) => child.pid ?? resolve({ code: null, signal: null, error }));
  });
  if (child.pid === undefined) throw new Error(`${file} can't be started: is it installed and executable?`);
  if (bound.length === 0) watchFromShell(child.pid, deathSignal, exited);
  return { pid: child.pid, process: child, exited };
}

/** False when the child still runs after `deadlineMs`. */
export async function waitForExit(child: Child, deadlineMs: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(deadlineMs, false, { signal: timer.signal }).catch(() => false);
  const gone = await Promise.race([child.exited.then(() => true), late]);
  timer.abort();
  return gone;
}

/** The same for a process that need not be our child. */
export async function waitForEnd(pid: number, deadlineMs: number): Promise<boolean> {
  const deadline = performance.now() + deadlineMs;
  while (isRunning(pid)) {
    if (performance.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}

/** Sends each signal in turn until the child is gone; throws if it never is. */
export async function endChild(child: Child, steps: [NodeJS.Signals, number][]): Promise<void> {
  for (const [signal, deadlineMs] of steps) {
    child.process.kill(signal);
    if (await waitForExit(child, deadlineMs)) return;
  }
  throw new Error(`Process ${child.pid} does not end.`);
}

/** Signals a process that may be gone already. */
export function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it is gone
  }
}

/**
 * Ends a server that outlived its launcher: for the holder of the folder's claim, who knows that nobody else minds it.
 * `isServer` tells it from another program that has its process id by now.
 */
export async function endOrphan(pid: number, isServer: () => boolean, signal: NodeJS.Signals): Promise<void> {
  for (const [step, deadlineMs] of [
    [signal, 20_000],
    ['SIGKILL', 5_000],
  ] as const) {
    if (!isRunning(pid) || !isServer()) return;
    trySignal(pid, step);
    await waitForEnd(pid, deadlineMs);
  }
  if (isRunning(pid) && isServer()) throw new Error(`A server from an earlier start (process ${pid}) does not end.`);
}

/** A zombie does not run. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return processState(pid) !== 'Z';
}

export function commandLine(pid: number): string | undefined {
  const fromProc = readIfThere(`/proc/${pid}/cmdline`);
  if (fromProc !== undefined) return fromProc.replaceAll('\0', ' ').trim();
  const listed = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  return listed.status === 0 ? listed.stdout.trim() : undefined;
}

/** Empty where the system does not tell. */
export function childrenOf(pid: number): number[] {
  const listed = readIfThere(`/proc/${pid}/task/${pid}/children`) ?? '';
  return listed.split(' ').filter(Boolean).map(Number);
}

let bindable: boolean | undefined;

/** util-linux has a `setpriv` that can, busybox does not. */
function canBindToParent(): boolean {
  bindable ??= spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0;
  return bindable;
}

/** A shell reads from a pipe, and its end of file is our death. */
function watchFromShell(pid: number, signal: string, exited: Promise<unknown>): void {
  const script = `read -r _; kill -s ${signal.slice(3)} ${pid}`;
  const shell = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  shell.on('error', () => {});
  shell.unref();
  (shell.stdin as (NodeJS.WritableStream & { unref?: () => void }) | null)?.unref?.();
  exited.then(() => shell.kill('SIGKILL'));
}

/** What tells a process from a later one with the same id: when it was started. */
export function processIdentity(pid: number): string | undefined {
  const started = statFields(pid)?.[19];
  if (started !== undefined) return started;
  const listed = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return listed.status === 0 ? listed.stdout.trim() : undefined;
}

function processState(pid: number): string | undefined {
  return statFields(pid)?.[0];
}

/** Those of /proc/<pid>/stat after the command's name, which may hold spaces and brackets. */
function statFields(pid: number): string[] | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

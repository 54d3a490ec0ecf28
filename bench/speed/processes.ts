// What the operating system tells of a process, and on which core it runs. Linux tells; elsewhere there are no such figures.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';

const TICKS_PER_SECOND = 100;

/** The core of the server under test; what loads it, and the stores, have the others. */
export const SERVER_CORE = 0;

/** Whether processes can be kept to a core of their own. */
export const canPin = os.cpus().length > 1 && spawnSync('taskset', ['--version']).status === 0;

/** Keeps a process, all its threads included, to a core, or away from the server's, or lets it run anywhere again. */
export function pin(pid: number, where: 'server' | 'elsewhere' | 'anywhere'): void {
  if (!canPin) return;
  const last = os.cpus().length - 1;
  const cores = { server: String(SERVER_CORE), elsewhere: `${SERVER_CORE + 1}-${last}`, anywhere: `0-${last}` }[where];
  spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(pid)]);
}

/** A process and everything below it; nothing of one that has ended. */
export function processTree(pid: number): number[] {
  try {
    const below = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
    );
    return [pid, ...below.flatMap(processTree)];
  } catch {
    return [];
  }
}

/** Processor time that a process has used so far, in seconds, of all its threads; NaN where that is not told. */
export function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return Number.NaN;
  }
}

/** Memory that a process holds in RAM, in MB (10^6); NaN where that is not told. */
export function residentMb(pid: number): number {
  try {
    return (Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024) / 1e6;
  } catch {
    return Number.NaN;
  }
}

/** Memory of a process, in MB, what it shares divided among those that share it (PSS), what the system has swapped out included. */
export function proportionalMb(pid: number): number {
  try {
    const told = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const [pss, swapped] = [/^Pss:\s+(\d+) kB/m, /^SwapPss:\s+(\d+) kB/m].map((of) => Number(of.exec(told)?.[1] ?? 0));
    return (((pss ?? 0) + (swapped ?? 0)) * 1_024) / 1e6;
  } catch {
    return Number.NaN;
  }
}

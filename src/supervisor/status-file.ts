// The supervisor's status in a small file, by which `npm run reload` finds it and waits for the end of a reload.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface Reload {
  /** Counts up from 1 while the supervisor lives. */
  id: number;
  state: 'running' | 'done' | 'stopped';
  startedAt: string;
  finishedAt?: string;
  replaced: { old: number; new: number; tookMs: number }[];
  reason?: string;
}

export interface SupervisorStatus {
  pid: number;
  webProcesses: number[];
  reload?: Reload;
}

export function supervisorStatusFile(dataDir: string): string {
  return path.join(dataDir, 'supervisor.json');
}

/** Writes in one step; throws when the folder can't be written. */
export function writeStatus(file: string, status: object): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, `${JSON.stringify(status, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

export function readStatus<Status>(file: string): Status | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Status;
  } catch {
    return undefined;
  }
}

export function removeStatus(file: string): void {
  rmSync(file, { force: true });
}

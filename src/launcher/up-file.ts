// $DATA_DIR/up.json: where a running `npm run up` can be found, for the other commands and for people.
import path from 'node:path';
import { readIfThere, writePrivate } from './machine/files.ts';

export interface UpFile {
  url: string;
  /** The owner of the schema; the processes have roles of their own. */
  databaseUrl: string;
  webDatabaseUrl: string;
  workerDatabaseUrl: string;
  redisUrl: string;
  /** Whose checkpoints of the audit log to believe. */
  auditPublicKey?: string | undefined;
  dataDir: string;
  pids: { launcher: number; supervisor: number; worker: number; postgres?: number; redis?: number };
  startedAt: string;
  /** The last replacement of the worker that SIGUSR2 asked for. */
  workerReload?: { id: number; state: 'running' | 'done' | 'stopped'; old: number; new?: number; reason?: string };
}

export function upFileOf(dataDir: string): string {
  return path.join(dataDir, 'up.json');
}

/** What the file says, or undefined when there is none. */
export function readUpFile(dataDir: string): UpFile | undefined {
  const text = readIfThere(upFileOf(dataDir));
  return text === undefined ? undefined : (JSON.parse(text) as UpFile);
}

export function writeUpFile(up: UpFile): void {
  writePrivate(upFileOf(up.dataDir), `${JSON.stringify(up, null, 2)}\n`);
}

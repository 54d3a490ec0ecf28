// $DATA_DIR/up.json: where a running `npm run up` can be found, for the other commands and for people.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { readIfThere, writePrivate } from './machine/files.ts';

const retryMs = 2_000;

export interface UpFile {
  url: string;
  /** The owner of the schema; the processes have roles of their own. */
  databaseUrl: string;
  webDatabaseUrl: string;
  workerDatabaseUrl: string;
  redisUrl: string;
  /** What else of the environment it takes to reach that Redis. */
  redisSettings?: Readonly<Record<string, string>> | undefined;
  /** The key whose checkpoints of the audit log are trusted. */
  auditPublicKey?: string | undefined;
  dataDir: string;
  pids: {
    launcher: number;
    supervisor: number;
    worker: number;
    postgres?: number;
    redis?: number;
    /** Of `--demo`. */
    demoApplication?: number;
    demoProxy?: number;
  };
  startedAt: string;
  /** The last replacement of the worker that SIGUSR2 asked for. */
  workerReload?: { id: number; state: 'running' | 'done' | 'stopped'; old: number; new?: number; reason?: string };
}

export function upFileOf(dataDir: string): string {
  return path.join(dataDir, 'up.json');
}

export function readUpFile(dataDir: string): UpFile | undefined {
  try {
    return JSON.parse(readIfThere(upFileOf(dataDir)) ?? '') as UpFile;
  } catch {
    return undefined; // damaged: as good as none
  }
}

export interface UpFileOptions {
  dataDir: string;
  /** What to write now; undefined while there is nothing to tell. */
  read: () => Promise<UpFile | undefined>;
  say: (line: string) => void;
}

/** The file as its `up` keeps it. Neither function throws. */
export function keepUpFile({ dataDir, read, say }: UpFileOptions) {
  let retry: NodeJS.Timeout | undefined;

  /** Where the file can't be written, as on a full disk, it is tried again. */
  async function write(): Promise<void> {
    clearTimeout(retry);
    try {
      const up = await read();
      if (up) writePrivate(upFileOf(dataDir), `${JSON.stringify(up, null, 2)}\n`);
      retry = undefined;
    } catch (error) {
      if (!retry) say(`up.json can't be written, and is tried again: ${String(error)}`);
      clearTimeout(retry); // of another that failed meanwhile
      retry = setTimeout(write, retryMs);
    }
  }

  /** A file that stays does no harm: its readers look whether the processes run. */
  function remove(): void {
    clearTimeout(retry);
    try {
      rmSync(upFileOf(dataDir), { force: true });
    } catch (error) {
      say(`up.json can't be removed: ${String(error)}`);
    }
  }

  return { write, remove };
}

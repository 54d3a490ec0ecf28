// Checks passwords that other systems hashed, in threads of their own: some of it is slow, and some
// of it JavaScript. The event loop never waits for it, nor do the threads of our own hashes.
import path from 'node:path';
import type { Piscina } from 'piscina';
import { projectRoot } from '../../platform/project-root.ts';
import { hashingNiceness } from '../hash-threads.ts';

/** Threads run what was built, whoever starts them. */
const THREAD = path.join(projectRoot, 'dist/src/core/credentials/imported/thread.js');
/** More than the slowest that is taken in needs; then the thread is ended. */
const LIMIT_MS = 60_000;
/** A thread that nobody needs gives its memory back. */
const IDLE_MS = 60_000;

export type ImportedHashes = ReturnType<typeof createImportedHashes>;

export interface ImportedHashesOptions {
  readonly concurrency: number;
  /** How far its threads step back for others, on Linux. */
  readonly niceness?: number;
}

/** At most `concurrency` threads, each started when it is first needed. */
export function createImportedHashes({ concurrency, niceness = hashingNiceness() }: ImportedHashesOptions) {
  let pool: Promise<Piscina> | null = null;
  const open = async () => {
    const { Piscina } = await import('piscina');
    const argv = [String(niceness)];
    return new Piscina({ filename: THREAD, argv, minThreads: 0, maxThreads: concurrency, idleTimeout: IDLE_MS });
  };
  const opened = () => {
    pool ??= open();
    return pool;
  };

  return {
    /**
     * Whether the password is the one that was hashed: first as it was typed, then in the forms of the other system.
     * `secret` is what the file held for all, where the recipe needs one.
     * @throws Error if the stored text is none of ours, its secret is missing, or the work takes too long
     */
    verify: async (stored: string, typed: string, secret: string | null): Promise<boolean> =>
      (await opened()).run({ stored, typed, secret }, { signal: AbortSignal.timeout(LIMIT_MS) }),

    close: async (): Promise<void> => (await pool)?.close(),
  };
}

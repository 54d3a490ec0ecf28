// The claims that keep two launchers off one folder. Hides how a recycled process id is told from the one that once had it.

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { isNone, makeFolder, readIfThere, writePrivate } from './files.ts';
import { isRunning, processIdentity } from './process.ts';

export interface Claim {
  /** The id of the living process that holds the claim; undefined when it is ours. */
  heldBy?: number;
  isEnding?: boolean;
  /** Tells whoever is refused that the claim will be free soon. */
  announceEnd(): void;
  release(): void;
}

/**
 * Claims a folder for this process under a name. Never granted to two: each writes a file of its own, then looks for the
 * files of others, so that two at once may both be refused, but not both let in. The claims of the dead are removed.
 */
export function claimFolder(folder: string, name: string): Claim {
  makeFolder(folder);
  const fileOf = (pid: number) => path.join(folder, `${name}.${pid}`);
  const endingOf = (pid: number) => path.join(folder, `${name}-ending.${pid}`);
  const mine = fileOf(process.pid);
  const identity = identityOf(process.pid);
  if (readIfThere(mine) === identity) return refused(process.pid, false);
  try {
    writePrivate(mine, identity);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isFull = code === 'ENOSPC';
    throw new Error(`${folder} can't be written${isFull ? ': the disk is full' : ` by this user (${code})`}.`);
  }
  for (const entry of readdirSync(folder)) {
    const pid = Number(entry.startsWith(`${name}.`) ? entry.slice(name.length + 1) : Number.NaN);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const written = claimIn(fileOf(pid));
    if (written !== undefined && (written === '' || identityOf(pid) === written) && isRunning(pid)) {
      rmSync(mine, { force: true });
      return refused(pid, written !== '' && readIfThere(endingOf(pid)) === written);
    }
    for (const file of [fileOf(pid), endingOf(pid)]) rmSync(file, { force: true });
  }
  return {
    announceEnd: () => writePrivate(endingOf(process.pid), identity),
    release() {
      for (const file of [endingOf(process.pid), mine]) rmSync(file, { force: true });
    },
  };
}

/** The living process that holds the claim on a folder; undefined if none does. Changes nothing. */
export function holderOf(folder: string, name: string): number | undefined {
  for (const entry of entriesOf(folder)) {
    const pid = Number(entry.startsWith(`${name}.`) ? entry.slice(name.length + 1) : Number.NaN);
    const written = Number.isInteger(pid) ? claimIn(path.join(folder, entry)) : undefined;
    if (written !== undefined && (written === '' || identityOf(pid) === written) && isRunning(pid)) return pid;
  }
  return undefined;
}

/**
 * What a claim says of its process; undefined where there is none, or where a power cut left nothing in it: `down` would stop
 * whatever has its process id now. One that may not be read, as another user's, is '': it counts as long as a process with its id
 * runs.
 */
function claimIn(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8') || undefined;
  } catch (error) {
    return isNone((error as NodeJS.ErrnoException).code) ? undefined : '';
  }
}

/** Throws for a folder that may not be read. */
function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw new Error(`${folder} can't be read by this user.`);
  }
}

/** Never empty, also where the system tells nothing of its processes. */
function identityOf(pid: number): string {
  return processIdentity(pid) || 'unknown';
}

function refused(heldBy: number, isEnding: boolean): Claim {
  return { heldBy, isEnding, announceEnd: () => {}, release: () => {} };
}

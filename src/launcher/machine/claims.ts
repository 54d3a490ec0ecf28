// The claims that keep two launchers off one folder.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readIfThere } from './files.ts';
import { isRunning, processIdentity } from './process.ts';

export interface Claim {
  /** The id of the other living process that holds the claim; undefined when it is ours. */
  heldBy?: number;
  release(): void;
}

/**
 * Claims a folder for this process under a name. Never granted to two: each writes a file of its own, then looks for the
 * files of others, so that two at the same instant may both be refused but not both let in. The claims of the dead are swept.
 */
export function claimFolder(folder: string, name: string): Claim {
  mkdirSync(folder, { recursive: true });
  const mine = path.join(folder, `${name}.${process.pid}`);
  const release = () => rmSync(mine, { force: true });
  const identity = processIdentity(process.pid) ?? '';
  if (readIfThere(mine) === identity) return { heldBy: process.pid, release: () => {} };
  try {
    writeFileSync(mine, identity, { mode: 0o600 });
  } catch (error) {
    throw new Error(`${folder} can't be written by this user (${(error as Error).message}).`);
  }
  for (const entry of readdirSync(folder)) {
    const pid = Number(entry.startsWith(`${name}.`) ? entry.slice(name.length + 1) : Number.NaN);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const file = path.join(folder, entry);
    const written = readIfThere(file);
    if (written !== undefined && (written === '' || processIdentity(pid) === written) && isRunning(pid)) {
      release();
      return { heldBy: pid, release: () => {} };
    }
    rmSync(file, { force: true });
  }
  return { release };
}

// The Redis server program: one on the PATH, one fetched earlier, or one fetched now.

import path from 'node:path';
import { findProgram } from '../machine/files.ts';
import { canFetch, type FetchedProgram, fetchedProgram, fetchPackage, runs } from './system-packages.ts';

const NAMES = ['redis-server', 'valkey-server'];

/** Finds or fetches a server. Throws with what to type where it can't be fetched without root. */
export async function findRedis(
  serversDir: string,
  searchPath: string,
  log?: (message: string) => void,
): Promise<FetchedProgram> {
  const installed = findProgram(NAMES, searchPath);
  if (installed && runs({ file: installed, env: {} })) return { file: installed, env: {} };
  const folder = path.join(serversDir, `redis-${process.platform}-${process.arch}`);
  const earlier = fetchedProgram(folder, NAMES);
  if (earlier && runs(earlier)) return earlier;
  if (!canFetch(searchPath)) throw new Error(howToInstall(searchPath));
  log?.('fetching Redis from the packages of this system (once, about 10 MB)');
  try {
    await fetchPackage(folder, NAMES);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Redis can't be fetched with apt-get: ${why}\nIs there a network? Otherwise install it: apt-get install redis-server`,
    );
  }
  const fetched = fetchedProgram(folder, NAMES);
  if (!fetched || !runs(fetched))
    throw new Error(`The Redis fetched into ${folder} does not run. ${howToInstall(searchPath)}`);
  return fetched;
}

function howToInstall(searchPath: string): string {
  const ways: [string, string][] = [
    ['apt-get', 'sudo apt-get install redis-server'],
    ['apk', 'apk add redis'],
    ['dnf', 'sudo dnf install valkey'],
    ['pacman', 'sudo pacman -S valkey'],
    ['zypper', 'sudo zypper install redis'],
    ['brew', 'brew install redis'],
  ];
  const way = ways.find(([manager]) => findProgram([manager], searchPath))?.[1];
  const install = way
    ? `Install it:  ${way}\n`
    : 'Install redis-server or valkey-server with the package manager of this system, ';
  return `Redis is needed and not on the PATH. ${install}or give a server of your own:  REDIS_URL=redis://:password@host:6379/0`;
}

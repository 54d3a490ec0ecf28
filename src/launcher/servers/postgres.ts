// A real PostgreSQL on 127.0.0.1 for one project folder: made on first use, recovered after any crash, gone with whoever
// started it. Hides initdb, ports, passwords, what a killed server leaves behind, and the role that owns the database.
import { spawnSync } from 'node:child_process';
import {
  chownSync,
  closeSync,
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
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { claimFolder } from '../machine/claims.ts';
import { keptSecret, openLog, readIfThere, tail, writePrivate } from '../machine/files.ts';
import { choosePort } from '../machine/ports.ts';
import {
  type Child,
  childrenOf,
  commandLine,
  type Exit,
  endChild,
  endOrphan,
  spawnBound,
  trySignal,
  waitForEnd,
} from '../machine/process.ts';
import {
  type Binaries,
  chooseIdentity,
  findBinaries,
  type Identity,
  prepareClusterDir,
  reachableBinaries,
  type Unprivileged,
} from './postgres-binaries.ts';

export interface PostgresOptions {
  /** Holds the database files, the passwords and the remembered port. Made if it is not there. */
  dataDir: string;
  /** Exactly this port; without it the remembered one, or another free one when that is taken. */
  port?: number;
  /** Where the server writes its log; default `<dataDir>/postgres.log`. */
  logFile?: string;
  /** Told of long steps, in words for a person. */
  log?: (message: string) => void;
  /** false: no fsync, for databases that may be lost with the machine, though not with the server (tests). Default true. */
  durable?: boolean;
  /** How root gives up its rights; default: whatever works. */
  unprivileged?: Unprivileged;
}

export interface Postgres {
  /** Database `holdfast` as its owner `holdfast`, who may create roles and databases but is no superuser. */
  ownerUrl: string;
  /** Database `postgres` as the superuser. */
  superuserUrl: string;
  port: number;
  pid: number;
  /** Resolves when the server is gone, for whatever reason. */
  exited: Promise<Exit>;
  /** Ends open transactions, writes everything down, and resolves when the server is gone. */
  stop(): Promise<void>;
  /** SIGKILL, for fault tests; resolves when all of the server is gone. `startPostgres` on the same folder recovers. */
  kill(): Promise<void>;
}

const startDeadlineMs = 60_000;

/** Starts the server and resolves when it takes connections as owner. Throws with the end of its log when it does not. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const dataDir = path.resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  const claim = claimFolder(dataDir, 'in-use');
  if (claim.heldBy) throw new Error(`PostgreSQL in ${dataDir} is already in use by process ${claim.heldBy}.`);
  try {
    const identity = chooseIdentity(path.join(dataDir, 'cluster'), options.unprivileged ?? 'auto');
    const binaries = reachableBinaries(findBinaries(), identity);
    const clusterDir = prepareClusterDir(dataDir, identity);
    if (!existsSync(path.join(clusterDir, 'PG_VERSION'))) {
      options.log?.('creating the database');
      initialise(binaries, identity, dataDir, clusterDir, options.durable ?? true);
    }
    const cluster = realpathSync(clusterDir);
    await clearLeftovers(cluster);
    const server = await startServer(binaries, identity, cluster, options);
    try {
      await ensureOwner(server.superuserUrl, keptSecret(path.join(dataDir, 'owner.secret')));
    } catch (error) {
      await endChild(server.child, [
        ['SIGINT', 10_000],
        ['SIGKILL', 5_000],
      ]);
      throw error;
    }
    return describe(server, dataDir, claim.release);
  } catch (error) {
    claim.release();
    throw error;
  }
}

interface Server {
  child: Child;
  port: number;
  superuserUrl: string;
}

function describe({ child, port, superuserUrl }: Server, dataDir: string, release: () => void): Postgres {
  child.exited.then(release);
  return {
    ownerUrl: urlOf('holdfast', keptSecret(path.join(dataDir, 'owner.secret')), port, 'holdfast'),
    superuserUrl,
    port,
    pid: child.pid,
    exited: child.exited,
    stop: () =>
      endChild(child, [
        ['SIGINT', 30_000],
        ['SIGQUIT', 5_000],
        ['SIGKILL', 5_000],
      ]),
    kill: async () => {
      const backends = childrenOf(child.pid);
      await endChild(child, [['SIGKILL', 5_000]]);
      await endOrphans(backends);
    },
  };
}

/** initdb into a draft folder that gets its name only when it is complete, so that Ctrl-C leaves nothing half made. */
function initialise(
  binaries: Binaries,
  identity: Identity,
  dataDir: string,
  clusterDir: string,
  durable: boolean,
): void {
  const target = linkTarget(clusterDir);
  const draft = `${target}.new`;
  const passwordFile = `${target}.password`;
  rmSync(draft, { recursive: true, force: true });
  if (existsSync(target)) rmdirSync(target); // refuses a folder that holds something, or that is someone else's
  mkdirSync(draft, { mode: 0o700 });
  rmSync(passwordFile, { force: true });
  writeFileSync(passwordFile, keptSecret(path.join(dataDir, 'superuser.secret')), { mode: 0o600 });
  for (const file of [draft, passwordFile]) {
    if (identity.uid !== undefined && identity.gid !== undefined) chownSync(file, identity.uid, identity.gid);
  }
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
  const as = identity.uid === undefined || identity.gid === undefined ? {} : { uid: identity.uid, gid: identity.gid };
  const run = spawnSync(command, rest, { ...as, cwd: path.dirname(draft), encoding: 'utf8' });
  rmSync(passwordFile, { force: true });
  if (run.status !== 0) {
    rmSync(draft, { recursive: true, force: true });
    throw new Error(`The database can't be created in ${target}:\n${run.error?.message ?? run.stderr.trim()}`);
  }
  renameSync(draft, target);
}

/**
 * We hold the folder's claim, so a server that still runs on it has lost its launcher: it is ended. A postmaster.pid whose
 * process is another program by now (ids are used again) would keep PostgreSQL from starting: it is removed.
 */
async function clearLeftovers(cluster: string): Promise<void> {
  const file = path.join(cluster, 'postmaster.pid');
  const pid = Number(readIfThere(file)?.split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  await endOrphan(pid, () => commandLine(pid)?.includes(cluster) ?? false, 'SIGINT');
  rmSync(file, { force: true });
}

async function startServer(
  binaries: Binaries,
  identity: Identity,
  cluster: string,
  options: PostgresOptions,
): Promise<Server> {
  const dataDir = path.resolve(options.dataDir);
  const logFile = options.logFile ?? path.join(dataDir, 'postgres.log');
  const portFile = path.join(dataDir, 'port');
  const password = keptSecret(path.join(dataDir, 'superuser.secret'));
  const deadline = Date.now() + startDeadlineMs;
  for (;;) {
    const port = await choosePort(options.port, Number(readIfThere(portFile)) || undefined);
    const child = launch(binaries, identity, cluster, port, logFile, options.durable ?? true);
    const superuserUrl = urlOf('postgres', password, port, 'postgres');
    if (await takesConnections(child, superuserUrl, deadline)) {
      writePrivate(portFile, `${port}\n`);
      return { child, port, superuserUrl };
    }
    await endChild(child, [['SIGKILL', 5_000]]);
    const said = tail(logFile);
    // The last of a killed server's processes may still be leaving, or the port was taken in this very moment.
    const passing = said.includes('shared memory block') || said.includes('Address already in use');
    if (!passing || Date.now() > deadline)
      throw new Error(`PostgreSQL does not start. The end of ${logFile}:\n${said}`);
    await sleep(200);
  }
}

function launch(
  binaries: Binaries,
  identity: Identity,
  cluster: string,
  port: number,
  logFile: string,
  durable: boolean,
): Child {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    jit: 'off',
    random_page_cost: '1.1',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_min_error_statement: 'panic', // a statement's text may hold what no log should
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
  };
  const args = [
    '-D',
    cluster,
    '-p',
    String(port),
    ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`]),
  ];
  const log = openLog(logFile);
  try {
    return spawnBound(binaries.postgres, args, {
      deathSignal: 'SIGINT', // PostgreSQL's fast shutdown
      prefix: identity.prefix,
      cwd: cluster,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      stdio: ['ignore', log, log],
      ...(identity.uid === undefined || identity.gid === undefined ? {} : { uid: identity.uid, gid: identity.gid }),
    });
  } finally {
    closeSync(log);
  }
}

async function takesConnections(child: Child, url: string, deadline: number): Promise<boolean> {
  let gone = false;
  child.exited.then(() => {
    gone = true;
  });
  while (!gone && Date.now() < deadline) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    try {
      await client.connect();
      await client.end();
      return !gone; // a stranger on the same port would not know the password
    } catch {
      await client.end().catch(() => {});
      await sleep(30);
    }
  }
  return false;
}

/** Makes the role `holdfast` and its database, or sets its password again; safe to repeat. */
async function ensureOwner(superuserUrl: string, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    const role = await client.query("SELECT 1 FROM pg_roles WHERE rolname = 'holdfast'");
    if (role.rowCount === 0) await client.query('CREATE ROLE holdfast');
    const rights = 'LOGIN CREATEROLE CREATEDB NOSUPERUSER';
    await client.query(`ALTER ROLE holdfast ${rights} PASSWORD ${client.escapeLiteral(password)}`);
    const database = await client.query("SELECT 1 FROM pg_database WHERE datname = 'holdfast'");
    if (database.rowCount === 0) await client.query('CREATE DATABASE holdfast OWNER holdfast');
  } finally {
    await client.end();
  }
}

/** The backends of a killed postmaster leave by themselves when they notice; those that don't are killed too. */
async function endOrphans(pids: number[]): Promise<void> {
  await Promise.all(
    pids.map(async (pid) => {
      if (await waitForEnd(pid, 2_000)) return;
      trySignal(pid, 'SIGKILL');
      await waitForEnd(pid, 2_000);
    }),
  );
}

function linkTarget(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return file;
  }
}

function urlOf(user: string, password: string, port: number, database: string): string {
  return `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
}

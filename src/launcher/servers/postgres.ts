// A real PostgreSQL on 127.0.0.1 for one project folder: made on first use, recovered after any crash, gone with whoever
// started it. Hides initdb, ports, passwords, what a killed server leaves, and the role that owns the database.

import path from 'node:path';
import pg from 'pg';
import { claimFolder } from '../machine/claims.ts';
import { keptSecret, makeFolder } from '../machine/files.ts';
import { type Child, childrenOf, endChild, trySignal, waitForEnd } from '../machine/process.ts';
import { chooseIdentity, findBinaries, reachableBinaries, type Unprivileged } from './postgres-binaries.ts';
import { prepareCluster } from './postgres-cluster.ts';
import { type Answer, type EmbeddedServer, type ServerOptions, spawnLogged, startServer } from './start-server.ts';

export interface PostgresOptions extends ServerOptions {
  /** false: no fsync, for databases that may be lost with the machine, though not with the server (tests). Default true. */
  durable?: boolean;
  /** How root gives up its rights; default: whatever works. */
  unprivileged?: Unprivileged;
}

export interface Postgres extends EmbeddedServer {
  /** Database `holdfast` as its owner `holdfast`, who may create roles and databases but is no superuser. */
  ownerUrl: string;
  /** Database `postgres` as the superuser. */
  superuserUrl: string;
}

/** The SQLSTATE of a server that starts up, and recovers from a crash meanwhile. */
const CANNOT_CONNECT_NOW = '57P03';

/** Resolves when the server takes connections as owner. Throws with the end of its log otherwise. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const dataDir = path.resolve(options.dataDir);
  makeFolder(dataDir, 0o711);
  const claim = claimFolder(dataDir, 'in-use');
  if (claim.heldBy) throw new Error(`PostgreSQL in ${dataDir} is already in use by process ${claim.heldBy}.`);
  try {
    const server = await start(dataDir, options);
    server.exited.then(claim.release);
    return server;
  } catch (error) {
    claim.release();
    throw error;
  }
}

async function start(dataDir: string, options: PostgresOptions): Promise<Postgres> {
  const { durable = true, unprivileged = 'auto', log, signal, silenceMs } = options;
  const identity = chooseIdentity(path.join(dataDir, 'cluster'), unprivileged);
  const binaries = reachableBinaries(findBinaries(), identity);
  const superuserPassword = keptSecret(path.join(dataDir, 'superuser.secret'));
  const cluster = await prepareCluster({ dataDir, binaries, identity, superuserPassword, durable, log });
  const logFile = options.logFile ?? path.join(dataDir, 'postgres.log');
  const superuserUrlOn = (port: number) => urlOf('postgres', superuserPassword, port, 'postgres');
  const { child, port } = await startServer({
    name: 'PostgreSQL',
    dataDir,
    port: options.port,
    logFile,
    log,
    signal,
    silenceMs,
    stop,
    launch: (port) =>
      spawnLogged(binaries.postgres, ['-D', cluster, '-p', String(port), ...settingsFor(durable)], logFile, {
        deathSignal: 'SIGINT', // PostgreSQL's fast shutdown
        prefix: identity.prefix,
        cwd: cluster,
        env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
        ...identity.user,
      }),
    ask: (port) => ask(superuserUrlOn(port)),
    obstacle: (said) => (said.includes('shared memory block') ? 'an earlier one is still ending' : undefined),
  });
  const superuserUrl = superuserUrlOn(port);
  const ownerPassword = keptSecret(path.join(dataDir, 'owner.secret'));
  try {
    await ensureOwner(superuserUrl, ownerPassword);
  } catch (error) {
    await stop(child);
    throw error;
  }
  return {
    ownerUrl: urlOf('holdfast', ownerPassword, port, 'holdfast'),
    superuserUrl,
    port,
    pid: child.pid,
    exited: child.exited,
    stop: () => stop(child),
    kill: () => kill(child),
  };
}

function stop(child: Child): Promise<void> {
  return endChild(child, [
    ['SIGINT', 30_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ]);
}

function settingsFor(durable: boolean): string[] {
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
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** A stranger on the same port would not know the password. */
async function ask(url: string): Promise<Answer> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    await client.end();
    return 'ready';
  } catch (error) {
    await client.end().catch(() => {});
    return (error as { code?: unknown }).code === CANNOT_CONNECT_NOW ? 'recovering' : undefined;
  }
}

/** Makes the role `holdfast` and its database, or sets its password again; safe to repeat. A standby has them of its primary. */
async function ensureOwner(superuserUrl: string, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
    if (rows[0]?.standby) return;
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
async function kill(child: Child): Promise<void> {
  const backends = childrenOf(child.pid);
  await endChild(child, [['SIGKILL', 5_000]]);
  await Promise.all(
    backends.map(async (pid) => {
      if (await waitForEnd(pid, 2_000)) return;
      trySignal(pid, 'SIGKILL');
      await waitForEnd(pid, 2_000);
    }),
  );
}

function urlOf(user: string, password: string, port: number, database: string): string {
  return `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
}

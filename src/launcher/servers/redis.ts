// A real Redis (or Valkey) on 127.0.0.1 for one project folder, with an append-only file. Hides where the program comes from,
// the password, the port, the locks that keep a second server off the same file, and a file that it can't read.

import { spawnSync } from 'node:child_process';
import { existsSync, readlinkSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { claimFolder } from '../machine/claims.ts';
import { findProgram, keptSecret, makeFolder, readIfThere, writePrivate } from '../machine/files.ts';
import { type Child, commandLine, endChild, endOrphan } from '../machine/process.ts';
import { findRedis } from './redis-binaries.ts';
import { type Answer, type EmbeddedServer, type ServerOptions, spawnLogged, startServer } from './start-server.ts';
import type { FetchedProgram } from './system-packages.ts';

export interface RedisOptions extends ServerOptions {
  /** Where a fetched server is kept, shared by every start of this project. */
  serversDir: string;
  searchPath: string;
  /** Lines of redis.conf that replace or add to the ones below, for example `{ databases: '512' }`. */
  config?: Record<string, string>;
}

export interface RedisServer extends EmbeddedServer {
  /** `redis://:password@127.0.0.1:port/0` */
  url: string;
}

/** The exit code of `flock` when another process holds the lock. */
const takenByLock = 75;

/** Resolves when the server has loaded its file and answers. Throws with the end of its log otherwise. */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const dataDir = path.resolve(options.dataDir);
  makeFolder(dataDir, 0o700);
  const claim = claimFolder(dataDir, 'in-use');
  if (claim.heldBy) throw new Error(`Redis in ${dataDir} is already in use by process ${claim.heldBy}.`);
  try {
    const binary = await findRedis(path.resolve(options.serversDir), options.searchPath, options.log);
    await endLeftover(dataDir);
    const password = keptSecret(path.join(dataDir, 'password.secret'));
    const logFile = options.logFile ?? path.join(dataDir, 'redis.log');
    const unreadable = withoutUnreadable(dataDir, options.log);
    const { child, port } = await startServer({
      name: 'Redis',
      dataDir,
      port: options.port,
      logFile,
      log: options.log,
      signal: options.signal,
      silenceMs: options.silenceMs,
      pidFile: path.join(dataDir, 'pid'),
      stop,
      launch: (port) => launch(binary, { ...options, dataDir, logFile, port, password }),
      ask: (port) => ask(port, password),
      obstacle: (_said, { code }) =>
        code === takenByLock ? 'another one holds its append-only file' : unreadable.passes(code),
    });
    child.exited.then(claim.release);
    return {
      url: `redis://:${password}@127.0.0.1:${port}/0`,
      port,
      pid: child.pid,
      exited: child.exited,
      stop: () => stop(child),
      kill: () => endChild(child, [['SIGKILL', 5_000]]),
    };
  } catch (error) {
    claim.release();
    throw error;
  }
}

/**
 * A power cut may leave zeros at the end of the append-only file, or half of it; a newer Redis writes what an older one can't read.
 * A Redis that ends by itself is tried without the file, as all that counts is in PostgreSQL. If that is no better, the file is
 * put back.
 */
function withoutUnreadable(dataDir: string, log: ServerOptions['log']) {
  const file = path.join(dataDir, 'appendonlydir');
  const aside = `${file}.unreadable`;
  let isAside = false;
  return {
    passes(code: number | null): string | undefined {
      if (!isAside && (code !== 1 || !existsSync(file))) return undefined;
      const [from, to] = isAside ? [aside, file] : [file, aside];
      rmSync(to, { recursive: true, force: true });
      renameSync(from, to);
      isAside = !isAside;
      if (!isAside) return undefined;
      log?.(`can't start, and is tried without what it had written, which is kept in ${aside}; its log says why`);
      return 'what it had written is of no use';
    },
  };
}

function stop(child: Child): Promise<void> {
  return endChild(child, [
    ['SIGTERM', 20_000],
    ['SIGKILL', 5_000],
  ]);
}

interface Launch {
  dataDir: string;
  logFile: string;
  port: number;
  password: string;
  config?: Record<string, string>;
  searchPath: string;
}

/** The configuration is a private file, not arguments: everyone may read a command line. */
function launch(binary: FetchedProgram, { dataDir, logFile, port, password, config, searchPath }: Launch): Child {
  const settings: Record<string, string> = {
    bind: '127.0.0.1',
    port: String(port),
    requirepass: password,
    dir: JSON.stringify(dataDir),
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '""',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
    ...config,
  };
  const file = path.join(dataDir, 'redis.conf');
  const lines = Object.entries(settings).map(([key, value]) => `${key} ${value}\n`);
  writePrivate(file, lines.join(''));
  const [command = binary.file, ...args] = [...lockCommand(dataDir, searchPath), binary.file, file];
  return spawnLogged(command, args, logFile, {
    deathSignal: 'SIGTERM',
    cwd: dataDir,
    env: { PATH: searchPath, LC_ALL: 'C', ...binary.env },
  });
}

/** The kernel holds this lock as long as the server lives, or a child of it that rewrites the file. Empty without flock. */
function lockCommand(dataDir: string, searchPath: string): string[] {
  const flock = findProgram(['flock'], searchPath);
  if (!flock || spawnSync(flock, ['--no-fork', '/dev/null', 'true'], { stdio: 'ignore' }).status !== 0) return [];
  return [flock, '--no-fork', '--nonblock', '-E', String(takenByLock), path.join(dataDir, 'lock')];
}

/** We hold the folder's claim, so a server that still runs in it has lost its launcher. */
async function endLeftover(dataDir: string): Promise<void> {
  const pid = Number(readIfThere(path.join(dataDir, 'pid')));
  if (Number.isInteger(pid) && pid > 0) await endOrphan(pid, () => isOurs(pid, dataDir), 'SIGTERM');
}

/** Redis rewrites its command line to `redis-server 127.0.0.1:port`; its working folder stays. */
function isOurs(pid: number, dataDir: string): boolean {
  const command = commandLine(pid) ?? '';
  const folder = realpathSync(dataDir);
  return /(redis|valkey)-server/.test(command) && (workingFolder(pid) ?? folder) === folder;
}

/** While the server loads its file it answers `-LOADING`. */
async function ask(port: number, password: string): Promise<Answer> {
  const answer = await said(port, `AUTH ${password}\r\nPING\r\n`);
  if (answer.includes('+PONG')) return 'ready';
  return answer.includes('-LOADING') ? 'recovering' : undefined;
}

function said(port: number, commands: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on('connect', () => socket.write(commands));
    socket.on('data', (chunk) => {
      answer += chunk;
      if (answer.split('\r\n').length > 2) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

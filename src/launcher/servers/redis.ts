// A real Redis (or Valkey) on 127.0.0.1 for one project folder, with an append-only file. Hides where the program comes from,
// the password, the port, and the locks that keep a second server off the same file.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, readlinkSync, realpathSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { claimFolder } from '../machine/claims.ts';
import { findProgram, keptSecret, openLog, readIfThere, tail, writePrivate } from '../machine/files.ts';
import { choosePort } from '../machine/ports.ts';
import { type Child, commandLine, type Exit, endChild, endOrphan, spawnBound } from '../machine/process.ts';
import { findRedis, type RedisBinary } from './redis-binaries.ts';

export interface RedisOptions {
  /** Holds the append-only file, the password and the remembered port. Made if it is not there. */
  dataDir: string;
  /** Where a fetched server is kept, shared by every start of this project. */
  serversDir: string;
  /** The PATH to look for a server on. */
  searchPath: string;
  /** Exactly this port; without it the remembered one, or another free one when that is taken. */
  port?: number;
  /** Where the server writes its log; default `<dataDir>/redis.log`. */
  logFile?: string;
  /** Told of long steps, in words for a person. */
  log?: (message: string) => void;
  /** Lines of redis.conf that replace or add to the ones below, for example `{ databases: '512' }`. */
  config?: Record<string, string>;
}

export interface RedisServer {
  /** `redis://:password@127.0.0.1:port/0` */
  url: string;
  port: number;
  pid: number;
  /** Resolves when the server is gone, for whatever reason. */
  exited: Promise<Exit>;
  /** Writes everything down and resolves when the server is gone. */
  stop(): Promise<void>;
  /** SIGKILL, for fault tests; resolves when the server is gone. */
  kill(): Promise<void>;
}

const startDeadlineMs = 60_000;
const takenByLock = 75;

/** Starts the server and resolves when it has loaded its file and answers PONG. Throws with the end of its log otherwise. */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const dataDir = path.resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const claim = claimFolder(dataDir, 'in-use');
  if (claim.heldBy) throw new Error(`Redis in ${dataDir} is already in use by process ${claim.heldBy}.`);
  try {
    const binary = await findRedis(path.resolve(options.serversDir), options.searchPath, options.log);
    await clearLeftovers(dataDir);
    const { child, port, password } = await startServer(binary, dataDir, options);
    child.exited.then(claim.release);
    return {
      url: `redis://:${password}@127.0.0.1:${port}/0`,
      port,
      pid: child.pid,
      exited: child.exited,
      stop: () =>
        endChild(child, [
          ['SIGTERM', 20_000],
          ['SIGKILL', 5_000],
        ]),
      kill: () => endChild(child, [['SIGKILL', 5_000]]),
    };
  } catch (error) {
    claim.release();
    throw error;
  }
}

interface Started {
  child: Child;
  port: number;
  password: string;
}

async function startServer(binary: RedisBinary, dataDir: string, options: RedisOptions): Promise<Started> {
  const logFile = options.logFile ?? path.join(dataDir, 'redis.log');
  const portFile = path.join(dataDir, 'port');
  const password = keptSecret(path.join(dataDir, 'password.secret'));
  const deadline = Date.now() + startDeadlineMs;
  for (;;) {
    const port = await choosePort(options.port, Number(readIfThere(portFile)) || undefined);
    const child = launch(binary, dataDir, logFile, {
      port,
      password,
      config: options.config ?? {},
      searchPath: options.searchPath,
    });
    if (await answers(child, port, password, deadline)) {
      writePrivate(portFile, `${port}\n`);
      writePrivate(path.join(dataDir, 'pid'), `${child.pid}\n`);
      return { child, port, password };
    }
    await endChild(child, [['SIGKILL', 5_000]]);
    const { code } = await child.exited;
    const said = tail(logFile);
    const passing = code === takenByLock || said.includes('Address already in use');
    if (code === takenByLock && Date.now() > deadline)
      throw new Error(`Another Redis holds the append-only file in ${dataDir}.`);
    if (!passing || Date.now() > deadline) throw new Error(`Redis does not start. The end of ${logFile}:\n${said}`);
    await sleep(200);
  }
}

interface Launch {
  port: number;
  password: string;
  config: Record<string, string>;
  searchPath: string;
}

/** The configuration is a private file, not arguments: everyone may read a command line. */
function launch(
  binary: RedisBinary,
  dataDir: string,
  logFile: string,
  { port, password, config, searchPath }: Launch,
): Child {
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
  writePrivate(
    file,
    Object.entries(settings)
      .map(([key, value]) => `${key} ${value}\n`)
      .join(''),
  );
  // The kernel holds this lock for exactly as long as the server, or a child of it that rewrites the file, is alive.
  const flock = findProgram(['flock'], searchPath);
  const locked =
    flock && supportsNoFork(flock)
      ? [flock, '--no-fork', '--nonblock', '-E', String(takenByLock), path.join(dataDir, 'lock')]
      : [];
  const log = openLog(logFile);
  try {
    const [command = binary.file, ...args] = [...locked, binary.file, file];
    return spawnBound(command, args, {
      deathSignal: 'SIGTERM',
      cwd: dataDir,
      env: { PATH: searchPath, LC_ALL: 'C', ...binary.env },
      stdio: ['ignore', log, log],
    });
  } finally {
    closeSync(log);
  }
}

async function clearLeftovers(dataDir: string): Promise<void> {
  const pid = Number(readIfThere(path.join(dataDir, 'pid')));
  if (Number.isInteger(pid) && pid > 0) await endOrphan(pid, () => isOurs(pid, dataDir), 'SIGTERM');
}

/** Redis rewrites its command line to `redis-server 127.0.0.1:port`; what it works in does not change. */
function isOurs(pid: number, dataDir: string): boolean {
  const command = commandLine(pid) ?? '';
  const folder = realpathSync(dataDir);
  return /(redis|valkey)-server/.test(command) && (workingFolder(pid) ?? folder) === folder;
}

async function answers(child: Child, port: number, password: string, deadline: number): Promise<boolean> {
  let gone = false;
  child.exited.then(() => {
    gone = true;
  });
  while (!gone && Date.now() < deadline) {
    if ((await ask(port, `AUTH ${password}\r\nPING\r\n`)).includes('+PONG')) return !gone;
    await sleep(30);
  }
  return false;
}

/** What the server says to these commands; while it still loads its file it answers `-LOADING`. */
function ask(port: number, commands: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on('connect', () => socket.write(commands));
    socket.on('data', (chunk) => {
      heard += chunk;
      if (heard.split('\r\n').length > 2) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(heard));
  });
}

function supportsNoFork(flock: string): boolean {
  return spawnSync(flock, ['--no-fork', '/dev/null', 'true'], { stdio: 'ignore' }).status === 0;
}

function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

// A whole Holdfast of the run's own: PostgreSQL, Redis, the real supervisor with its web processes and the real worker, as
// they are started in production. Every part of it can be stopped, killed and started again. Nothing of it outlives the run.
import { closeSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../src/core/platform/project-root.ts';
import { openLog, readIfThere, tail } from '../src/launcher/machine/files.ts';
import { freePort } from '../src/launcher/machine/ports.ts';
import { type Child, endChild, spawnBound } from '../src/launcher/machine/process.ts';
import { type Reload, readStatus, type SupervisorStatus, supervisorStatusFile } from '../src/supervisor/status-file.ts';
import { GENEROUS } from './generous-throttle.ts';
import { type OwnServers, startOwnServers } from './own-servers.ts';
import { until } from './until.ts';

export interface Installation {
  readonly port: number;
  readonly servers: OwnServers;
  worker(): Child;
  supervisor(): Child;
  webPids(): readonly number[];
  /** Starts supervisor and worker and waits until both are ready. */
  start(): Promise<void>;
  /** SIGTERM to both; resolves with their exit codes. */
  stop(): Promise<readonly (number | null)[]>;
  startWorker(): Promise<void>;
  /** SIGHUP; resolves when the last web process is replaced, throws when one could not be. */
  reload(): Promise<void>;
  /** Runs an operator's command; throws with what it printed where it fails. */
  cli(args: readonly string[]): Promise<void>;
  /** Runs `cli audit verify` and returns what it printed. */
  verify(): Promise<string>;
  logOf(name: 'web' | 'worker'): string;
  /** Ends everything and removes the folder. */
  close(): Promise<void>;
}

type Environment = Readonly<Record<string, string>>;

export interface InstallationOptions {
  readonly webProcesses: number;
  /** Besides `env`, what the worker alone is given. */
  readonly workerEnv?: Environment;
  readonly env?: Environment | ((servers: OwnServers) => Promise<Environment>);
  /** The checkout whose dist/ is started, with the schema that it brings; this one unless told otherwise. */
  readonly root?: string;
  /** The files of a stopped PostgreSQL with that schema, copied for this one. */
  readonly files?: string;
}

const READY_WITHIN_MS = 180_000;
const STOP_WITHIN_MS = 25_000;
export const SESSION_KEYS = 'a-key-for-measuring-that-is-long-enough';

/** Starts the servers, migrates, then starts the processes from dist/. */
export async function install({
  webProcesses,
  env = {},
  workerEnv = {},
  root = projectRoot,
  files,
}: InstallationOptions): Promise<Installation> {
  const servers = await startOwnServers({ root, files });
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-restart-'));
  const port = await freePort();
  const shared = {
    PATH: process.env['PATH'],
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    TRUSTED_PROXIES: '127.0.0.1',
    WEB_PROCESSES: String(webProcesses),
    REDIS_URL: servers.redisUrl,
    SESSION_KEYS,
    SECRETS_KEYS: SESSION_KEYS,
    SECOND_FACTOR: 'nobody', // an operator of a measurement has no phone
    DATA_DIR: folder,
    ...GENEROUS, // everybody comes from one address
    ...(typeof env === 'function' ? await env(servers) : env),
  };
  const logFile = (name: string) => path.join(folder, `${name}.log`);
  const status = () => readStatus<SupervisorStatus>(supervisorStatusFile(folder));
  let supervisor: Child | undefined;
  let worker: Child | undefined;

  function spawn(name: string, script: string, databaseUrl: string, args: string[] = []): Child {
    mkdirSync(folder, { recursive: true });
    const log = openLog(logFile(name));
    try {
      return spawnBound(process.execPath, [path.join(root, 'dist', script), ...args], {
        deathSignal: 'SIGTERM',
        cwd: root,
        env: { ...shared, ...(name === 'worker' ? workerEnv : {}), DATABASE_URL: databaseUrl },
        stdio: ['ignore', log, log, 'ipc'],
      });
    } finally {
      closeSync(log);
    }
  }

  async function startWorker(): Promise<void> {
    const started = spawn('worker', 'worker/main.js', servers.database.workerUrl);
    worker = started;
    await new Promise<void>((resolve, reject) => {
      started.process.once('message', () => resolve());
      started.exited.then(() => reject(new Error(`The worker ended.\n${tail(logFile('worker'))}`)));
    });
  }

  async function startWeb(): Promise<void> {
    const ready = () => (readIfThere(logFile('web')) ?? '').split('a web process is ready').length;
    const before = ready();
    supervisor = spawn('web', 'src/web/supervisor.js', servers.database.webUrl);
    await until(() => ready() === before + webProcesses, READY_WITHIN_MS).catch(() => {
      throw new Error(`The web processes do not get ready.\n${tail(logFile('web'))}`);
    });
  }

  const start = async () => void (await Promise.all([startWeb(), startWorker()]));

  async function stop(): Promise<readonly (number | null)[]> {
    const running = [supervisor, worker].filter((child) => child !== undefined);
    [supervisor, worker] = [undefined, undefined];
    return Promise.all(
      running.map(async (child) => {
        await endChild(child, [
          ['SIGTERM', STOP_WITHIN_MS],
          ['SIGKILL', 5_000],
        ]);
        return (await child.exited).code;
      }),
    );
  }

  async function close(): Promise<void> {
    await stop();
    await servers.close();
    rmSync(folder, { recursive: true, force: true });
  }

  await start().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    port,
    servers,
    start,
    stop,
    startWorker,
    worker: () => given(worker),
    supervisor: () => given(supervisor),
    webPids: () => status()?.webProcesses ?? [],
    async reload() {
      const before = status()?.reload?.id ?? 0;
      process.kill(given(supervisor).pid, 'SIGHUP');
      const now = (): Reload | undefined => status()?.reload;
      await until(() => (now()?.id ?? 0) > before && now()?.state !== 'running', READY_WITHIN_MS);
      if (now()?.state === 'stopped') throw new Error(`The reload stopped: ${now()?.reason}\n${tail(logFile('web'))}`);
    },
    async cli(args) {
      const running = spawn('cli', 'src/cli/main.js', servers.database.ownerUrl, [...args]);
      if ((await running.exited).code !== 0) throw new Error(tail(logFile('cli')));
    },
    async verify() {
      const verifying = spawn('verify', 'src/cli/main.js', servers.database.ownerUrl, ['audit', 'verify']);
      await verifying.exited;
      return tail(logFile('verify'), 1);
    },
    logOf: (name) => readIfThere(logFile(name)) ?? '',
    close,
  };
}

function given(child: Child | undefined): Child {
  if (!child) throw new Error('it is not running');
  return child;
}

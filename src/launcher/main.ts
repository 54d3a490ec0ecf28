// `npm run up`: Holdfast on a machine with nothing on it. Brings up PostgreSQL and Redis where no URL is given, migrates, starts
// the supervisor and a worker, keeps all of them running, and stops all in order. Nothing it started outlives it.

import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { readStatus, type SupervisorStatus, supervisorStatusFile } from '../supervisor/status-file.ts';
import { findAddress, waitUntilReady } from './address.ts';
import { type Kept, keepRunning } from './keep-running.ts';
import { claimFolder } from './machine/claims.ts';
import { tail } from './machine/files.ts';
import { isRunning, trySignal } from './machine/process.ts';
import { rotate, watchLog } from './program-log.ts';
import { type Program, type ProgramOptions, runProgram, startProgram, stopProgram } from './programs.ts';
import { startProgress } from './progress.ts';
import { asRole, auditPublicKey, keptSecrets } from './secrets.ts';
import { inWords, type Stores, startStores } from './servers/stores.ts';
import { type Environment, type LauncherSettings, readLauncherSettings } from './settings.ts';
import { type UpFile, upFileOf, writeUpFile } from './up-file.ts';

const readyDeadlineMs = 60_000;
const killMarginMs = 8_000;
const tellAgainMs = 2_000;
/** The terminal and npm each send the Ctrl-C: what comes this soon after the first is the same one. */
const sameInterruptMs = 1_000;

/** Everything that was started so far, in the order in which it is not stopped. */
interface Running {
  stores?: Promise<Stores>;
  migration?: Program;
  worker?: Kept<Program>;
  /** The worker that is to take the other's place, and the work of having it do so. */
  nextWorker?: Program;
  workerReload?: Promise<void>;
  supervisor?: Kept<Program>;
}

const settings = readSettings();
const progress = startProgress();
const startedAt = Date.now();
const running: Running = {};
let stopping: { since: number } | undefined;
let up: UpFile | undefined;
let workerProgram: ProgramOptions | undefined;
let tellingAgain: NodeJS.Timeout | undefined;

mkdirSync(settings.dataDir, { recursive: true, mode: 0o711 });
const claim = claimFolder(settings.dataDir, 'up');
if (claim.heldBy) {
  progress.fail(
    `Holdfast already runs on ${settings.dataDir} (process ${claim.heldBy}). Stop it, or give another DATA_DIR.`,
  );
  process.exit(1);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void onInterrupt());
process.on('SIGUSR2', () => {
  // One at a time: whoever asks during a reload gets another after it, for its worker may run older code.
  running.workerReload = (running.workerReload ?? Promise.resolve()).then(replaceWorker);
});

try {
  await start();
} catch (error) {
  if (!stopping) {
    progress.fail(error instanceof Error ? error.message : String(error));
    await stop(1);
  }
}

async function start(): Promise<void> {
  const port = await findAddress(settings, progress.say);
  progress.step('starting PostgreSQL and Redis');
  running.stores = startStores({ settings, say: progress.say, onRestart: tell });
  const stores = await running.stores;
  stopIfAsked();

  const secrets = keptSecrets(settings.dataDir);
  const webDatabaseUrl =
    settings.webDatabaseUrl ?? asRole(stores.ownerUrl, `holdfast_web_${secrets.installation}`, secrets.webPassword);
  const workerDatabaseUrl =
    settings.workerDatabaseUrl ??
    asRole(stores.ownerUrl, `holdfast_worker_${secrets.installation}`, secrets.workerPassword);
  progress.step('bringing the database up to date');
  await migrate({
    DATABASE_URL: stores.ownerUrl,
    WEB_DATABASE_URL: webDatabaseUrl,
    WORKER_DATABASE_URL: workerDatabaseUrl,
  });
  stopIfAsked();

  progress.step(`starting ${settings.webProcesses} web processes and a worker`);
  const url = settings.publicUrl ?? `http://localhost:${port}`;
  const shared = {
    ...process.env,
    HOST: settings.host,
    PORT: String(port),
    PUBLIC_URL: url,
    WEB_PROCESSES: String(settings.webProcesses),
    REDIS_URL: stores.redisUrl,
    SESSION_KEYS: settings.sessionKeys ?? secrets.sessionKey,
    AUDIT_SIGNING_KEY: undefined, // the worker's alone
    SECRETS_KEYS: settings.secretsKeys ?? secrets.secretsKey,
    DATA_DIR: settings.dataDir,
  };
  running.supervisor = startKept(
    programOf('web', 'src/web/supervisor.js', { ...shared, DATABASE_URL: webDatabaseUrl }),
  );
  const metricsPort = settings.metricsPort ? { METRICS_PORT: String(settings.metricsPort + 1) } : {};
  const auditSigningKey = settings.auditSigningKey ?? secrets.auditSigningKey;
  workerProgram = programOf('worker', 'worker/main.js', {
    ...shared,
    DATABASE_URL: workerDatabaseUrl,
    AUDIT_SIGNING_KEY: auditSigningKey,
    AUDIT_CHECKPOINT_FILE: settings.auditCheckpointFile ?? path.join(settings.dataDir, 'audit-checkpoints.ndjson'),
    ...metricsPort,
  });
  running.worker = startKept(workerProgram);
  up = {
    url,
    databaseUrl: stores.ownerUrl,
    webDatabaseUrl,
    workerDatabaseUrl,
    redisUrl: stores.redisUrl,
    auditPublicKey: auditPublicKey(auditSigningKey),
    dataDir: settings.dataDir,
    pids: { launcher: process.pid, supervisor: 0, worker: 0, ...stores.pids() },
    startedAt: new Date(startedAt).toISOString(),
  };
  const ready = await waitUntilReady(settings.host, port, readyDeadlineMs, stopIfAsked);
  if (!ready) throw new Error(`The web processes are not ready after ${readyDeadlineMs / 1_000} s.\n${tailOfLogs()}`);
  await tell(); // before anybody hears of it who then reads the file
  for (const name of ['web', 'worker']) watchLog(logFile(name), name, progress.say);
  progress.done(`Holdfast is running (${((Date.now() - startedAt) / 1_000).toFixed(1)} s)`);
  summarise(url);
}

function readSettings(): LauncherSettings {
  try {
    return readLauncherSettings(process.env);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

async function migrate(urls: Record<string, string>): Promise<void> {
  const program = programOf('migrate', 'src/cli/main.js', { ...process.env, DATA_DIR: settings.dataDir, ...urls });
  await runProgram({ ...program, args: ['migrate'] }, (child) => {
    running.migration = child;
  });
}

function programOf(name: string, script: string, env: Environment): ProgramOptions {
  rotate(logFile(name));
  return { name, script, env, logFile: logFile(name) };
}

function startKept(program: ProgramOptions): Kept<Program> {
  const { name } = program;
  return keepRunning({
    first: startProgram(program),
    start: async () => startProgram(program),
    end: (surplus) => surplus.process.kill('SIGTERM'),
    onDeath: (exit) => progress.say(`${name} died (${inWords(exit)}) and is started again`),
    onRestart: tell,
    onFailure: (error) => progress.say(`${name} can't be started again: ${String(error)}`),
  });
}

function tailOfLogs(): string {
  return ['web', 'worker'].map((name) => `The end of ${logFile(name)}:\n${tail(logFile(name), 8)}`).join('\n');
}

function logFile(name: string): string {
  return path.join(settings.dataDir, 'logs', `${name}.log`);
}

/** Writes up.json again with the process ids as they are now. Where that can't be done, as on a full disk, it is tried again. */
async function tell(): Promise<void> {
  clearTimeout(tellingAgain);
  try {
    await writeUp();
    tellingAgain = undefined;
  } catch (error) {
    if (!tellingAgain) progress.say(`up.json can't be written, and is tried again: ${String(error)}`);
    clearTimeout(tellingAgain); // of another that failed meanwhile
    tellingAgain = setTimeout(tell, tellAgainMs);
  }
}

async function writeUp(): Promise<void> {
  const { stores, supervisor, worker } = running;
  const storePids = (await stores)?.pids();
  if (!up || stopping) return;
  up.pids = {
    launcher: process.pid,
    supervisor: supervisor?.current().pid ?? 0,
    worker: worker?.current().pid ?? 0,
    ...storePids,
  };
  writeUpFile(up);
}

/** A new worker beside the old one; the old one leaves when the new one works. What it does is in up.json. Never throws. */
async function replaceWorker(): Promise<void> {
  const { worker } = running;
  if (!up || !worker || !workerProgram || stopping) return;
  const reload = {
    id: (up.workerReload?.id ?? 0) + 1,
    state: 'running' as 'running' | 'done' | 'stopped',
    old: worker.current().pid,
  };
  up.workerReload = reload;
  await tell();
  try {
    const next = startProgram(workerProgram);
    running.nextWorker = next;
    const failure = await Promise.race([
      next.ready,
      next.exited.then((exit) => `the new worker ended (${inWords(exit)})`),
    ]);
    if (failure) throw new Error(failure);
    const old = stopping ? next : worker.replaceBy(next);
    await stopProgram(old, settings.shutdownTimeoutMs + killMarginMs);
    up.workerReload = { ...reload, state: 'done', old: old.pid, new: next.pid };
  } catch (error) {
    up.workerReload = { ...reload, state: 'stopped', reason: (error as Error).message };
  }
  delete running.nextWorker;
  await tell();
}

function summarise(url: string): void {
  const data = path.relative(process.cwd(), settings.dataDir) || settings.dataDir;
  progress.text(`
  ${url}

  First operator   npm run cli -- user create --email you@example.org --operator
  New code         npm run reload
  Logs             ${data}/logs
  Stop             Ctrl-C
`);
}

async function onInterrupt(): Promise<void> {
  if (!stopping) {
    stopping = { since: Date.now() };
    progress.step('stopping (Ctrl-C again: at once)');
    await stop(0);
  } else if (Date.now() - stopping.since > sameInterruptMs) {
    killPrograms();
  }
}

function stopIfAsked(): void {
  if (stopping) throw new Error('stopped');
}

/** web → worker → Redis → PostgreSQL, whatever of it is there. Ends the process. */
async function stop(exitCode: number): Promise<void> {
  stopping ??= { since: Date.now() };
  clearTimeout(tellingAgain);
  forgetUpFile();
  const deadlineMs = settings.shutdownTimeoutMs + killMarginMs;
  try {
    running.migration?.process.kill('SIGTERM');
    if (running.supervisor) await stopProgram(await running.supervisor.letGo(), deadlineMs);
    await running.workerReload;
    if (running.worker) await stopProgram(await running.worker.letGo(), deadlineMs);
    await (await running.stores?.catch(() => undefined))?.stop();
  } catch (error) {
    progress.fail(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
  claim.release();
  if (exitCode === 0) progress.done('stopped');
  process.exit(exitCode);
}

/** Whoever reads it looks whether its processes run: one that stays in the way hinders nothing. */
function forgetUpFile(): void {
  try {
    rmSync(upFileOf(settings.dataDir), { force: true });
  } catch (error) {
    progress.say(`up.json can't be removed: ${String(error)}`);
  }
}

/** The second Ctrl-C: nothing drains any more. The stores are stopped in order all the same; that takes no time. */
function killPrograms(): void {
  progress.say('killing');
  const web = readStatus<SupervisorStatus>(supervisorStatusFile(settings.dataDir))?.webProcesses ?? [];
  const { supervisor, worker, nextWorker } = running;
  const programs = [supervisor?.current(), worker?.current(), nextWorker].flatMap((program) => program?.pid ?? []);
  for (const pid of [...programs, ...web]) if (isRunning(pid)) trySignal(pid, 'SIGKILL');
}

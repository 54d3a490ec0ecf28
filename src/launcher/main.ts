// `npm run up`: Holdfast on a machine with nothing on it. Brings up PostgreSQL and Redis where no URL is given, migrates, starts
// the supervisor and a worker, keeps all of them running, and stops all in order. Nothing it started outlives it.

import path from 'node:path';
import { readArguments } from '../program-arguments.ts';
import { settingsAreGood } from '../supervisor/check-settings.ts';
import { ALREADY_CHECKED } from '../supervisor/messages.ts';
import { readStatus, type SupervisorStatus, supervisorStatusFile } from '../supervisor/status-file.ts';
import { findAddress, waitUntilReady } from './address.ts';
import { demoProblem, trustingDemo } from './demo/asked.ts';
import { type Demo, startDemo } from './demo/demo.ts';
import { findNginx } from './demo/nginx.ts';
import { environmentsFor } from './environments.ts';
import { watchFirstStart } from './first-start.ts';
import type { Kept } from './keep-running.ts';
import { type Claim, claimFolder } from './machine/claims.ts';
import { makeFolder, tail } from './machine/files.ts';
import { isRunning, trySignal, waitForEnd } from './machine/process.ts';
import { keepLogsSmall, watchLog } from './program-log.ts';
import { keepProgram, type Program, type ProgramOptions, replaceProgram, runProgram, stopProgram } from './programs.ts';
import { startProgress } from './progress.ts';
import { auditPublicKey } from './secrets.ts';
import { type Stores, startStores } from './servers/stores.ts';
import type { FetchedProgram } from './servers/system-packages.ts';
import { type Environment, readLauncherSettings } from './settings.ts';
import { commandFor, readFirstSteps, summaryOf } from './summary.ts';
import { keepUpFile, type UpFile } from './up-file.ts';

const USAGE = `Usage: npm run up [-- --demo]
       npm run dev [-- --demo]

Starts Holdfast on this machine, with a PostgreSQL and a Redis of its own where no URL of one is given. Ctrl-C stops it.
"dev" also follows the code.
  --demo   with an application behind nginx that Holdfast stands in front of`;

const readyDeadlineMs = 60_000;
const killMarginMs = 8_000;
/** More than another `up` takes to stop, if it has to kill everything. */
const otherStopsMs = 180_000;
/** The terminal and npm each send a Ctrl-C: one this soon after the first is the same. */
const sameInterruptMs = 1_000;

interface Running {
  stores?: Promise<Stores>;
  migration?: Program;
  worker?: Kept<Program>;
  /** The worker that is to take the other's place. */
  nextWorker?: Program;
  workerReload?: Promise<void>;
  supervisor?: Kept<Program>;
  demo?: Promise<Demo>;
}

const { demo: withDemo = false } = readArguments(USAGE, { demo: { type: 'boolean' } });
if (!settingsAreGood('up')) process.exit(1);
const { settings } = readLauncherSettings(process.env);
const givenDataDir = process.env.DATA_DIR || undefined;
const stopDeadlineMs = settings.shutdownTimeoutMs + killMarginMs;
const progress = startProgress();
const startedAt = performance.now();
const running: Running = {};
let stoppingSince: number | undefined;
/** Ends a start of the stores that is under way, as where PostgreSQL recovers for an hour. */
const ending = new AbortController();
let up: UpFile | undefined;
let workerProgram: ProgramOptions | undefined;
const upFile = keepUpFile({ dataDir: settings.dataDir, read: readUp, say: progress.say });

const claim = await claimDataFolder().catch((error: Error) => {
  progress.fail(error.message);
  process.exit(1);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void onInterrupt());
process.on('SIGUSR2', () => {
  // One at a time: a reload that is under way may run older code, so another follows it.
  running.workerReload = (running.workerReload ?? Promise.resolve()).then(reloadWorker);
});

try {
  await start();
} catch (error) {
  if (stoppingSince === undefined) {
    progress.fail(error instanceof Error ? error.message : String(error));
    await stop(1);
  }
}

/** Before anything starts. Throws where the demo can't be. */
async function nginxOfDemo(): Promise<FetchedProgram> {
  const problem = demoProblem(settings, process.env);
  if (problem) throw new Error(problem);
  return findNginx(settings, progress.say);
}

/** Ends this process if another `up` runs in the folder; waits for one that stops. */
async function claimDataFolder(): Promise<Claim> {
  makeFolder(settings.dataDir, 0o711);
  let taken = claimFolder(settings.dataDir, 'up');
  if (taken.heldBy && taken.isEnding) {
    progress.step(`waiting for the Holdfast on ${settings.dataDir} that is stopping (process ${taken.heldBy})`);
    await waitForEnd(taken.heldBy, otherStopsMs);
    taken = claimFolder(settings.dataDir, 'up');
  }
  if (!taken.heldBy) return taken;
  const where = `Holdfast already runs on ${settings.dataDir} (process ${taken.heldBy})`;
  progress.fail(`${where}. Stop it with "${commandFor(givenDataDir, 'down')}", or give another DATA_DIR.`);
  process.exit(1);
}

async function start(): Promise<void> {
  keepLogsSmall(path.join(settings.dataDir, 'logs'));
  const port = await findAddress(settings, progress.say);
  const nginx = withDemo ? await nginxOfDemo() : undefined;
  stopIfAsked();
  progress.step('starting PostgreSQL and Redis');
  const { signal } = ending;
  running.stores = startStores({ settings, say: progress.say, onRestart: upFile.write, signal });
  const stores = await running.stores;
  stopIfAsked();

  const environments = environmentsFor(settings, { ...stores, port }, process.env);
  const webEnv = withDemo ? trustingDemo(environments.web, settings.host) : environments.web;
  progress.step('bringing the database up to date');
  const migration = programOf('migrate', 'src/cli/main.js', environments.migrate);
  await runProgram({ ...migration, args: ['migrate'] }, (child) => {
    running.migration = child;
  });
  stopIfAsked();

  progress.step(`starting ${settings.webProcesses} web processes and a worker`);
  const ofWeb = { args: [ALREADY_CHECKED], saysReady: !webEnv['WEB_MAIN'] };
  const webProgram = { ...programOf('web', 'src/web/supervisor.js', webEnv), ...ofWeb };
  workerProgram = programOf('worker', 'worker/main.js', environments.worker);
  const firstStart = watchFirstStart();
  const steps = readFirstSteps(webEnv);
  const options = { say: progress.say, onRestart: upFile.write, onDeath: firstStart.onDeath };
  running.supervisor = keepProgram(webProgram, options);
  running.worker = keepProgram({ ...workerProgram, saysReady: true }, options);
  if (nginx) {
    const { say } = progress;
    const ofDemo = { settings, port, env: webEnv, nginx, say, onRestart: upFile.write, check: stopIfAsked };
    running.demo = startDemo(ofDemo);
    running.demo.catch(() => {}); // awaited below
  }
  const { url, webDatabaseUrl, workerDatabaseUrl, auditSigningKey } = environments;
  up = {
    url,
    databaseUrl: stores.ownerUrl,
    webDatabaseUrl,
    workerDatabaseUrl,
    redisUrl: stores.redisUrl,
    redisSettings: settings.redisSettings,
    auditPublicKey: auditPublicKey(auditSigningKey),
    dataDir: settings.dataDir,
    pids: { launcher: process.pid, supervisor: 0, worker: 0, ...stores.pids() },
    startedAt: new Date(performance.timeOrigin + startedAt).toISOString(),
  };
  const check = () => {
    stopIfAsked();
    firstStart.check();
  };
  const deadline = performance.now() + readyDeadlineMs;
  const late = () => {
    if (performance.now() > deadline) throw new Error(`Not ready after ${readyDeadlineMs / 1_000} s.\n${tailOfLogs()}`);
    check();
  };
  await waitUntilReady(settings.host, port, late);
  // Whichever process is asked first by whoever reads that it runs.
  for (const kept of [running.supervisor, running.worker]) await firstStart.untilReady(() => kept.current(), late);
  const demo = await running.demo;
  await upFile.write(); // before anybody is told who then reads the file
  for (const name of ['web', 'worker']) watchLog(logFile(name), name, progress.say);
  progress.done(`Holdfast is running (${((performance.now() - startedAt) / 1_000).toFixed(1)} s)`);
  progress.text(summaryOf({ url, dataDir: settings.dataDir, givenDataDir, steps: await steps, demoUrl: demo?.url }));
}

function programOf(name: string, script: string, env: Environment): ProgramOptions {
  return { name, script, env, logFile: logFile(name) };
}

function tailOfLogs(): string {
  return ['web', 'worker'].map((name) => `The end of ${logFile(name)}:\n${tail(logFile(name), 8)}`).join('\n');
}

function logFile(name: string): string {
  return path.join(settings.dataDir, 'logs', `${name}.log`);
}

async function readUp(): Promise<UpFile | undefined> {
  const { stores, supervisor, worker } = running;
  const storePids = (await stores)?.pids();
  const demoPids = (await running.demo?.catch(() => undefined))?.pids();
  if (!up || stoppingSince !== undefined) return undefined;
  up.pids = {
    launcher: process.pid,
    supervisor: supervisor?.current().pid ?? 0,
    worker: worker?.current().pid ?? 0,
    ...storePids,
    ...demoPids,
  };
  return up;
}

/** The outcome is in up.json. Never throws. */
async function reloadWorker(): Promise<void> {
  const { worker } = running;
  const isStopping = () => stoppingSince !== undefined;
  if (!up || !worker || !workerProgram || isStopping()) return;
  const reload = { id: (up.workerReload?.id ?? 0) + 1, old: worker.current().pid };
  up.workerReload = { ...reload, state: 'running' };
  await upFile.write();
  const onStart = (next: Program) => {
    running.nextWorker = next;
  };
  try {
    const replaced = await replaceProgram(worker, workerProgram, { onStart, isStopping, stopDeadlineMs });
    up.workerReload = { ...reload, state: 'done', ...replaced };
  } catch (error) {
    up.workerReload = { ...reload, state: 'stopped', reason: (error as Error).message };
  }
  delete running.nextWorker;
  await upFile.write();
}

async function onInterrupt(): Promise<void> {
  if (stoppingSince === undefined) {
    stoppingSince = performance.now();
    progress.step('stopping (Ctrl-C again: at once)');
    await stop(0);
  } else if (performance.now() - stoppingSince > sameInterruptMs) {
    killPrograms();
  }
}

function stopIfAsked(): void {
  if (stoppingSince !== undefined) throw new Error('stopped');
}

/** demo → web → worker → Redis → PostgreSQL, whatever of it is there. Ends the process. */
async function stop(exitCode: number): Promise<void> {
  stoppingSince ??= performance.now();
  ending.abort();
  announceEnd();
  upFile.remove();
  try {
    running.migration?.process.kill('SIGTERM');
    await (await running.demo?.catch(() => undefined))?.stop();
    if (running.supervisor) await stopProgram(await running.supervisor.letGo(), stopDeadlineMs);
    await running.workerReload;
    if (running.worker) await stopProgram(await running.worker.letGo(), stopDeadlineMs);
    await (await running.stores?.catch(() => undefined))?.stop();
  } catch (error) {
    progress.fail(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
  claim.release();
  if (exitCode === 0) progress.done('stopped');
  process.exit(exitCode);
}

/** On a full disk the next `up` does not learn that this one is stopping, and refuses to start. */
function announceEnd(): void {
  try {
    claim.announceEnd();
  } catch (error) {
    progress.say(`the end can't be announced: ${String(error)}`);
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

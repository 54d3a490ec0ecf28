// `npm run reload`: tells the running supervisor (and under `up` the launcher, for the worker) to run what is on disk now, waits
// until the last process is replaced, and says what was done. Exits 1 with the reason when it went no further.

import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readArguments, refuseArguments } from '../program-arguments.ts';
import { readStatus, type SupervisorStatus, supervisorStatusFile } from '../supervisor/status-file.ts';
import { isRunning } from './machine/process.ts';
import { readUpFile } from './up-file.ts';

const acknowledgeDeadlineMs = 10_000;
const pollMs = 50;

const USAGE = `Usage: npm run reload [-- --pid N]

Replaces the running processes one at a time with the code on disk.
  --pid N   the supervisor, if it is not the one noted in DATA_DIR (.data)`;

const givenPid = pidArgument();

try {
  await reload(path.resolve(process.env.DATA_DIR || '.data'));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

async function reload(dataDir: string): Promise<void> {
  const startedAt = performance.now();
  const supervisor = findSupervisor(dataDir);
  await reloadWeb(dataDir, supervisor);
  const up = readUpFile(dataDir);
  if (up && up.pids.supervisor === supervisor && isRunning(up.pids.launcher)) await reloadWorker(dataDir);
  say(`reloaded in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s, with the settings of the start`);
}

function findSupervisor(dataDir: string): number {
  const status = readStatus<SupervisorStatus>(supervisorStatusFile(dataDir));
  const pid = givenPid ?? readUpFile(dataDir)?.pids.supervisor ?? status?.pid;
  if (pid === undefined || !isRunning(pid)) {
    const where = pid === undefined ? `nothing is noted in ${dataDir}` : `process ${pid} is gone`;
    throw new Error(
      `No supervisor runs here (${where}). Start one with "npm run up" or "npm start", or give its DATA_DIR.`,
    );
  }
  if (status?.pid !== pid) {
    throw new Error(
      `Process ${pid} is not the supervisor that ${supervisorStatusFile(dataDir)} tells of. Give its DATA_DIR.`,
    );
  }
  return pid;
}

async function reloadWeb(dataDir: string, supervisor: number): Promise<void> {
  const read = () => readStatus<SupervisorStatus>(supervisorStatusFile(dataDir))?.reload;
  const before = read()?.id ?? 0;
  process.kill(supervisor, 'SIGHUP');
  const startedAt = performance.now();
  let told = 0;
  for (;;) {
    const now = read();
    const ours = now && now.id > before ? now : undefined;
    for (const { old, new: successor, tookMs } of ours?.replaced.slice(told) ?? []) {
      say(`web process ${old || '(none)'} replaced by ${successor} in ${(tookMs / 1_000).toFixed(1)} s`);
    }
    told = Math.max(told, ours?.replaced.length ?? 0);
    if (ours?.state === 'done') return;
    if (ours?.state === 'stopped') {
      throw new Error(`The reload stopped: ${ours.reason}. What was not replaced goes on serving; the logs say more.`);
    }
    if (!isRunning(supervisor)) throw new Error(`The supervisor (process ${supervisor}) ended during the reload.`);
    if (!ours && now?.state !== 'running' && performance.now() - startedAt > acknowledgeDeadlineMs)
      throw new Error('The supervisor does not answer.');
    await sleep(pollMs);
  }
}

async function reloadWorker(dataDir: string): Promise<void> {
  const up = readUpFile(dataDir);
  if (!up) return;
  const before = up.workerReload?.id ?? 0;
  process.kill(up.pids.launcher, 'SIGUSR2');
  const startedAt = performance.now();
  for (;;) {
    const now = readUpFile(dataDir)?.workerReload;
    const ours = now && now.id > before ? now : undefined;
    if (ours?.state === 'done') return say(`worker ${ours.old} replaced by ${ours.new}`);
    if (ours?.state === 'stopped') {
      throw new Error(`The worker was not replaced: ${ours.reason}. The old one goes on; the logs say more.`);
    }
    if (!isRunning(up.pids.launcher)) throw new Error('The launcher ended during the reload.');
    if (!ours && now?.state !== 'running' && performance.now() - startedAt > acknowledgeDeadlineMs)
      throw new Error('The launcher does not answer.');
    await sleep(pollMs);
  }
}

/** For a supervisor that was started by itself. */
function pidArgument(): number | undefined {
  const { pid } = readArguments(USAGE, { pid: { type: 'string' } });
  if (pid === undefined || /^[1-9]\d*$/.test(pid)) return pid === undefined ? undefined : Number(pid);
  return refuseArguments(USAGE, "--pid takes the supervisor's process id.");
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

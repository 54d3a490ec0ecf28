// Runs of the launcher from dist/, in a folder of the test's own: each test file that uses them has them ended after each test.
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { isRunning } from '../../src/launcher/machine/process.ts';
import { readUpFile } from '../../src/launcher/up-file.ts';
import { readStatus, type SupervisorStatus, supervisorStatusFile } from '../../src/supervisor/status-file.ts';
import { temporaryFolder } from './servers.ts';

export interface Run {
  process: ChildProcess;
  output(): string;
  exited: Promise<number | null>;
}

export const waitMs = 50_000;
export let own: ReturnType<typeof temporaryFolder>;
export let port: number;
let runs: Run[];

export function useLauncher(): void {
  beforeEach(async () => {
    own = temporaryFolder();
    port = await freePort();
    runs = [];
  });

  afterEach(async () => {
    const left = everyPid();
    for (const { process: child } of runs) child.kill('SIGKILL');
    await until(() => !left.some(isRunning), waitMs);
    own.remove();
  });
}

export function run(script: string, more: Record<string, string> = {}, args: string[] = []): Run {
  return follow(process.execPath, [path.resolve('dist/src/launcher', script), ...args], more);
}

export function follow(command: string, args: string[], more: Record<string, string> = {}, input = ''): Run {
  const { DATABASE_URL: _d, REDIS_URL: _r, SESSION_KEYS: _s, ...env } = process.env;
  const child = spawn(command, args, {
    env: { ...env, DATA_DIR: own.folder, PORT: String(port), SHUTDOWN_TIMEOUT_MS: '4000', ...more },
    stdio: 'pipe',
  });
  child.stdin.end(input);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const started = {
    process: child,
    output: () => output,
    exited: new Promise<number | null>((done) => child.once('close', done)),
  };
  runs.push(started);
  return started;
}

export async function startUp(up = run('main.js')): Promise<Run> {
  let ended = false;
  up.exited.then(() => {
    ended = true;
  });
  await until(() => ended || up.output().includes('Ctrl-C'), waitMs);
  if (ended) throw new Error(up.output());
  return up;
}

const webPids = () => readStatus<SupervisorStatus>(supervisorStatusFile(own.folder))?.webProcesses ?? [];
export const upPids = () => readUpFile(own.folder)?.pids;
export const everyPid = () => [...Object.values(upPids() ?? {}), ...webPids()];

// The worker as it is shipped, in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';

export interface RunningWorker {
  readonly process: ChildProcess;
  /** With all that it logged. */
  readonly exited: Promise<number | null>;
  log(): string;
}

export function startWorkerProcess({
  database,
  redisUrl,
  env = {},
}: {
  database: { readonly workerUrl: string };
  redisUrl: string;
  env?: Readonly<Record<string, string>>;
}): RunningWorker {
  const child = spawn(process.execPath, [path.resolve('dist/worker/main.js')], {
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'test',
      DATABASE_URL: database.workerUrl,
      REDIS_URL: redisUrl,
      DATABASE_POOL: '4',
      LOG_LEVEL: 'info',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (log += chunk));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { process: child, exited, log: () => log };
}

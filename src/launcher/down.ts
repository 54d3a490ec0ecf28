// `npm run down`: stops what `npm run up` started in this DATA_DIR, and returns when it is gone. Nothing running is no error.
import path from 'node:path';
import { readArguments } from '../program-arguments.ts';
import { holderOf } from './machine/claims.ts';
import { waitForEnd } from './machine/process.ts';

/** More than an `up` takes to stop, if it has to kill everything. */
const stopsWithinMs = 180_000;

readArguments(
  'Usage: npm run down\n\nStops what "npm run up" started in DATA_DIR (.data), and returns when it is gone.',
);

try {
  await down(path.resolve(process.env.DATA_DIR || '.data'));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

async function down(dataDir: string): Promise<void> {
  const launcher = holderOf(dataDir, 'up');
  if (launcher === undefined) return say(`Nothing is running on ${dataDir}.`);
  say(`Stopping the Holdfast on ${dataDir} (process ${launcher}) …`);
  signal(launcher);
  if (!(await waitForEnd(launcher, stopsWithinMs))) {
    throw new Error(
      `Process ${launcher} still runs after ${stopsWithinMs / 1_000} seconds. Its logs are in ${dataDir}/logs.`,
    );
  }
  say('Stopped.');
}

/** One that is stopping already takes a second signal for impatience only a second after the first. */
function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPERM') throw new Error(`Process ${pid} belongs to another user: run this command as its user.`);
    if (code !== 'ESRCH') throw error;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

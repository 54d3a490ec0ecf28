// What `npm run up` says once it is ready: where to go, and what to do next while it is still to be done.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from './settings.ts';

/** As `src/cli/first-steps.ts` says it. */
interface FirstSteps {
  readonly hasOperator: boolean;
  readonly showsMail: boolean;
  readonly maySeed: boolean;
}

const UNKNOWN: FirstSteps = { hasOperator: false, showsMail: false, maySeed: false };

/** Asks a process with the web processes' environment. Without an answer it is taken that there is no operator yet. */
export function readFirstSteps(env: Environment): Promise<FirstSteps> {
  const script = fileURLToPath(new URL('../cli/first-steps.js', import.meta.url));
  const child = spawn(process.execPath, [script], {
    env: env as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 20_000,
  });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  return new Promise((resolve) => {
    child.once('error', () => resolve(UNKNOWN));
    child.once('close', () => resolve(parsed(said)));
  });
}

function parsed(text: string): FirstSteps {
  try {
    return JSON.parse(text) as FirstSteps;
  } catch {
    return UNKNOWN;
  }
}

export interface Summary {
  readonly url: string;
  readonly dataDir: string;
  /** As it was given, for the commands that have to find this one; undefined for the usual folder. */
  readonly givenDataDir: string | undefined;
  readonly steps: FirstSteps;
  /** Of `--demo`. */
  readonly demoUrl?: string | undefined;
}

export function summaryOf({ url, dataDir, givenDataDir, steps, demoUrl }: Summary): string {
  const command = (words: string) => commandFor(givenDataDir, words);
  const data = path.relative(process.cwd(), dataDir) || dataDir;
  const lines: readonly (readonly [string, string] | false)[] = [
    ['Console', `${url}/operator`],
    !steps.hasOperator && ['First operator', command('cli -- user create --email you@example.org --operator')],
    steps.showsMail && ['Mail', `${url}/dev/mail`],
    steps.maySeed && ['Made-up events', command('cli -- seed --events 50000 --people 500')],
    ['New code', command('reload')],
    ['Logs', `${data.startsWith('..') ? dataDir : data}/logs`],
    ['Stop', `Ctrl-C, or ${command('down')}`],
  ];
  const shown = lines.flatMap((line) => (line ? [`  ${line[0].padEnd(16)} ${line[1]}`] : []));
  const demo = demoUrl
    ? `  An application behind Holdfast: ${demoUrl}, which shows who it is told is logged in\n\n`
    : '';
  return `\n  ${url}\n\n${demo}${shown.join('\n')}\n`;
}

/** With the DATA_DIR that `up` was given: without it a command looks in `.data`. */
export function commandFor(givenDataDir: string | undefined, words: string): string {
  const folder = givenDataDir === undefined ? '' : `DATA_DIR=${quoted(givenDataDir)} `;
  return `${folder}npm run ${words}`;
}

function quoted(text: string): string {
  return /^[\w./@%+:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

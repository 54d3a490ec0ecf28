// The operators' commands as they are shipped, each a process of its own with the rights of the web process.
import { spawn } from 'node:child_process';
import path from 'node:path';
import type { TestStores } from '../../harness/stores.ts';

export interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Given {
  /** Null: standard input stays open. */
  readonly input?: string | null;
  readonly env?: Readonly<Record<string, string>>;
  /** Sends the signal once what was printed is so; never again, since one that meets the process's end kills it. */
  readonly stopWhen?: (out: string) => boolean;
  /** Sends the signal once this is so; asked again and again. */
  readonly stopOnce?: () => boolean;
  readonly signal?: NodeJS.Signals;
  /** Whoever reads standard output leaves at once. */
  readonly unread?: boolean;
  /** Options of Node's own. */
  readonly node?: readonly string[];
}

export const COMMANDS = path.resolve('dist/src/cli/main.js');

export function commandLine(stores: TestStores) {
  return (
    args: readonly string[],
    { input = '', env = {}, stopWhen, stopOnce, signal = 'SIGINT', unread = false, node = [] }: Given = {},
  ) =>
    new Promise<Result>((resolve) => {
      const child = spawn(process.execPath, [...node, COMMANDS, ...args], {
        env: environment(stores, env),
        stdio: 'pipe',
      });
      let out = '';
      let err = '';
      let sent = false;
      child.stdout.on('data', (chunk) => {
        out += chunk;
        if (sent || !stopWhen?.(out)) return;
        sent = true;
        child.kill(signal);
      });
      const watch = setInterval(() => {
        if (!stopOnce?.()) return;
        clearInterval(watch);
        child.kill(signal);
      }, 5);
      if (unread) child.stdout.destroy();
      child.stderr.on('data', (chunk) => (err += chunk));
      child.stdin.on('error', () => undefined);
      if (input !== null) child.stdin.end(input);
      child.once('close', (code) => {
        clearInterval(watch);
        resolve({ code, out, err });
      });
    });
}

/**
 * The same for somebody at a terminal, who types each answer once its question is asked. Both of its streams are the
 * terminal's, in `out`.
 */
export function atTerminal(stores: TestStores) {
  return (args: readonly string[], answers: readonly (readonly [question: string, answer: string])[]) =>
    new Promise<Result>((resolve) => {
      const command = `exec ${[process.execPath, COMMANDS, ...args].map((word) => `'${word}'`).join(' ')}`;
      const child = spawn('script', ['-qec', command, '/dev/null'], {
        env: { ...environment(stores, {}), TERM: 'dumb' },
        stdio: 'pipe',
      });
      let out = '';
      let seen = 0;
      const left = [...answers];
      child.stdout.on('data', (chunk) => {
        out += chunk;
        const [question, answer] = left[0] ?? [];
        if (question === undefined || !out.includes(question, seen)) return;
        seen = out.indexOf(question, seen) + question.length;
        left.shift();
        child.stdin.write(`${answer}\r`);
      });
      child.once('close', (code) => resolve({ code, out: out.replaceAll('\r', ''), err: '' }));
    });
}

function environment(stores: TestStores, env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], DATABASE_URL: stores.database.webUrl, REDIS_URL: stores.redisUrl, ...env };
}

// The servers that are measured: Holdfast's peers of bench/peers, each in a process of its own, with the page and the session
// that Holdfast itself has.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { type Child, endChild, spawnBound } from '../../src/launcher/machine/process.ts';
import type { Target } from './load.ts';
import { pin } from './processes.ts';

export interface Stack {
  readonly name: string;
  readonly pid: number;
  readonly target: Target;
  /** From the start of its process until it listens. */
  readonly readyMs: number;
  close(): Promise<void>;
}

/** What every server shows: Holdfast's page and the session behind it. */
export interface Work {
  /** The page as it was answered, and what in it belongs to the session. */
  readonly html: string;
  readonly email: string;
  readonly csrf: string;
  /** Bytes of the session as it is kept in Redis. */
  readonly sessionBytes: number;
  /** The same with its key, as Redis counts it. */
  readonly bytesInRedis: number;
}

export interface Peer {
  readonly name: string;
  readonly script: string;
  readonly env?: Readonly<Record<string, string>>;
}

export const PEERS = {
  limit: { name: 'the limit: node:http, one GET, a compiled template', script: 'limit.mjs' },
  fastify: { name: 'Fastify 5, @fastify/session, connect-redis, @fastify/view', script: 'fastify.mjs' },
  koaCached: {
    name: 'Koa 3, koa-session, koa-redis, koa-views with its cache on',
    script: 'koa.mjs',
    env: { BENCH_VIEW_CACHE: '1' },
  },
  koa: { name: 'Koa 3, koa-session, koa-redis, koa-views, defaults', script: 'koa.mjs' },
  express: { name: 'Express 5, express-session, connect-redis, EJS', script: 'express.mjs' },
  betterAuth: { name: 'better-auth on node:http, Redis as secondary storage', script: 'better-auth.mjs' },
} as const satisfies Record<string, Peer>;

const peersDir = path.join(projectRoot, 'bench/peers');

/** Installs what the peers need, if its lock file has changed since. */
export function installPeers(): void {
  const lock = readFileSync(path.join(peersDir, 'package-lock.json'), 'utf8');
  const mark = path.join(peersDir, 'node_modules/.lock');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return;
  process.stderr.write('installing the peers (once)\n');
  const npm = process.env['npm_execpath']?.endsWith('.js') ? [process.execPath, process.env['npm_execpath']] : ['npm'];
  const [command = 'npm', ...args] = [...npm, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync(command, args, { cwd: peersDir, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error('The peers could not be installed.');
  writeFileSync(mark, lock);
}

/** Writes the template of the peers into a folder: the very page, with what belongs to the session as variables. */
export function writeTemplate(folder: string, { html, email, csrf }: Work): void {
  mkdirSync(folder, { recursive: true });
  const template = html.replaceAll(csrf, '<%= csrf %>').replaceAll(email, '<%= email %>');
  writeFileSync(path.join(folder, 'profile.ejs'), template);
}

/** What the peers keep in their session: what a page needs, and as many bytes as Holdfast's. */
export function sessionOf({ email, csrf, sessionBytes }: Work): string {
  const content = { email, csrf, userId: '01989f4e-7f3c-7000-8000-000000000000', role: 'member', note: '' };
  const missing = Math.max(0, sessionBytes - JSON.stringify(content).length);
  return JSON.stringify({ ...content, note: 'n'.repeat(missing) });
}

/** Starts a peer, and begins a session on it. */
export async function startPeer(
  { name, script, env }: Peer,
  { redisUrl, viewsDir, session }: { redisUrl: string; viewsDir: string; session: string },
): Promise<Stack> {
  const port = await freePort();
  const startedAt = performance.now();
  const child = spawnBound(process.execPath, [path.join(peersDir, script)], {
    deathSignal: 'SIGTERM',
    cwd: peersDir,
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      PORT: String(port),
      REDIS_URL: redisUrl,
      BENCH_VIEWS: viewsDir,
      BENCH_SESSION: session,
      ...env,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  pin(child.pid, 'server');
  await listening(child, name);
  const readyMs = performance.now() - startedAt;
  const begun = await fetch(`http://127.0.0.1:${port}/begin`);
  if (begun.status !== 200) throw new Error(`${name} begins no session: ${begun.status} ${await begun.text()}`);
  const cookie = begun.headers.getSetCookie().map((one) => one.split(';', 1)[0]);
  return {
    name,
    pid: child.pid,
    readyMs,
    target: { port, status: 200, request: get(port, '/profile', cookie.join('; ')) },
    close: () =>
      endChild(child, [
        ['SIGTERM', 5_000],
        ['SIGKILL', 5_000],
      ]),
  };
}

/** A request as a browser's would be, but for the headers that nobody reads. */
export function get(port: number, page: string, cookie: string): Buffer {
  return Buffer.from(
    `GET ${page} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: ${USER_AGENT}\r\nAccept: text/html\r\n${cookie ? `Cookie: ${cookie}\r\n` : ''}\r\n`,
  );
}

export function post(port: number, page: string, cookie: string, form: Readonly<Record<string, string>>): Buffer {
  const body = new URLSearchParams(form).toString();
  return Buffer.from(
    `POST ${page} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: ${USER_AGENT}\r\nCookie: ${cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

function listening({ process, exited }: Child, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.once('message', () => resolve());
    exited.then(({ code }) => reject(new Error(`${name} ended with ${code} before it listened`)));
  });
}

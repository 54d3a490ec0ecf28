// A PgBouncer in front of a PostgreSQL, with its defaults but for what is asked of it.
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../src/launcher/machine/ports.ts';
import { type Child, endChild, spawnBound } from '../src/launcher/machine/process.ts';
import { chooseIdentity } from '../src/launcher/servers/postgres-binaries.ts';
import { findServer } from './programs.ts';
import { until } from './until.ts';

export interface PgBouncer {
  /** The same database and role, through the pooler. */
  through(url: string): string;
  /** The same over its socket. */
  overSocket(url: string): string;
  close(): Promise<void>;
}

export interface PgBouncerOptions {
  /** Whose server it is in front of, and whose roles it lets in. */
  readonly urls: readonly string[];
  /** More of `[pgbouncer]`, such as `pool_mode`. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

export async function startPgBouncer({ urls, settings = {} }: PgBouncerOptions): Promise<PgBouncer> {
  const program = await findServer('pgbouncer');
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-pgbouncer-'));
  await chmod(folder, 0o777); // run by root it has to become somebody else
  const port = await freePort();
  const [server = new URL('postgres://none')] = urls.map((url) => new URL(url));
  const lines = { listen_addr: '127.0.0.1', listen_port: port, unix_socket_dir: folder, auth_type: 'scram-sha-256' };
  const all = { ...lines, auth_file: path.join(folder, 'users.txt'), ...settings };
  const file = path.join(folder, 'pgbouncer.ini');
  writeFileSync(all.auth_file, urls.map(asUser).join(''));
  writeFileSync(
    file,
    `[databases]\n* = host=${server.hostname} port=${server.port}\n[pgbouncer]\n${Object.entries(all)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join('')}`,
  );
  const child = spawn(program, file, path.join(folder, 'log'));
  await until(() => listens(port), 10_000);
  return {
    through: (url) => Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href,
    overSocket(url) {
      const { username, password, pathname } = new URL(url);
      return `postgresql://${pathname}?host=${folder}&port=${port}&user=${username}&password=${password}`;
    },
    async close() {
      await endChild(child, [['SIGKILL', 5_000]]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function spawn(program: { file: string; env: Record<string, string> }, file: string, logFile: string): Child {
  const { prefix, user } = chooseIdentity('/nowhere', 'auto');
  const log = openSync(logFile, 'a');
  try {
    return spawnBound(program.file, [file], {
      deathSignal: 'SIGKILL',
      prefix,
      env: { PATH: '/usr/bin:/bin', ...program.env },
      stdio: ['ignore', log, log],
      ...user,
    });
  } finally {
    closeSync(log);
  }
}

function asUser(url: string): string {
  const { username, password } = new URL(url);
  return `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('close', () => socket.destroy()).on('connect', () => socket.destroy());
  });
}

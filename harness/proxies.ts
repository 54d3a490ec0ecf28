// The proxies of the recipes, as the programs that they are for: each takes its recipe as it was printed.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tail } from '../src/launcher/machine/files.ts';
import { endChild } from '../src/launcher/machine/process.ts';
import { spawnLogged } from '../src/launcher/servers/start-server.ts';
import { findServer } from './programs.ts';
import { until } from './until.ts';

interface Recipe {
  readonly name: string;
  readonly text: string;
}

export type RunProxy = 'nginx' | 'caddy' | 'haproxy';

export interface RunningProxy {
  close(): Promise<void>;
}

/** A folder for its files, which some of them have to name. */
export function makeFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'holdfast-proxy-'));
}

/** Resolves when it listens on the port. */
export async function startProxy(
  proxy: RunProxy,
  { files, folder, port }: { files: readonly Recipe[]; folder: string; port: number },
): Promise<RunningProxy> {
  const program = await findServer(proxy);
  for (const { name, text } of files) writeFileSync(path.join(folder, name), text);
  const log = path.join(folder, 'log');
  const env = { PATH: '/usr/bin:/bin', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, ...program.env };
  const args = argumentsOf(proxy, folder, files[0]?.name ?? '');
  const child = spawnLogged(program.file, args, log, { deathSignal: 'SIGKILL', env });
  const close = async () => {
    await endChild(child, [['SIGKILL', 5_000]]);
    rmSync(folder, { recursive: true, force: true });
  };
  await until(() => listens(port)).catch(async () => {
    const said = tail(log);
    await close();
    throw new Error(`${proxy} does not start:\n${said}`);
  });
  return { close };
}

function argumentsOf(proxy: RunProxy, folder: string, file: string): string[] {
  if (proxy === 'caddy') return ['run', '--config', path.join(folder, file), '--adapter', 'caddyfile'];
  if (proxy === 'haproxy') return ['-db', '-f', path.join(folder, file)];
  const main = path.join(folder, 'main.conf');
  writeFileSync(main, mainOfNginx(folder, file));
  mkdirSync(path.join(folder, 'logs'), { recursive: true });
  return ['-p', folder, '-e', path.join(folder, 'log'), '-c', main];
}

/** One process that stays who we are, with its files in the folder. */
function mainOfNginx(folder: string, recipe: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events {}
http {
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  access_log off;
  include ${folder}/${recipe};
}
`;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

// The proxies of the recipes, as the programs that they are for: each takes its recipe as it was printed.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tail } from '../src/launcher/machine/files.ts';
import { endChild } from '../src/launcher/machine/process.ts';
import { spawnLogged } from '../src/launcher/servers/start-server.ts';
import type { Certificate } from './certificate.ts';
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

interface ProxyOptions {
  readonly files: readonly Recipe[];
  readonly folder: string;
  readonly port: number;
}

/** What somebody adds to a recipe who has TLS. */
export function withTls(proxy: RunProxy, files: readonly Recipe[], { certificate, key, both }: Certificate): Recipe[] {
  const [pattern, more] = {
    nginx: [/^( *listen \d+);$/m, `$1 ssl;\nssl_certificate ${certificate};\nssl_certificate_key ${key};`],
    caddy: [/^(https:.*\{)$/m, `$1\n\ttls ${certificate} ${key}`],
    haproxy: [/^( *bind :\d+)$/m, `$1 ssl crt ${both}`],
  }[proxy] as [RegExp, string];
  return files.map(({ name, text }) => ({ name, text: text.replace(pattern, more) }));
}

/** Resolves when it listens on the port. */
export async function startProxy(proxy: RunProxy, { files, folder, port }: ProxyOptions): Promise<RunningProxy> {
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
  if (proxy === 'haproxy') return ['-db', '-f', path.join(folder, file)];
  const main = path.join(folder, 'main.conf');
  if (proxy === 'caddy') {
    // Several run at once, and none listens but where it is told to.
    writeFileSync(main, `{\n\tadmin off\n\tauto_https off\n}\nimport ${path.join(folder, file)}\n`);
    return ['run', '--config', main, '--adapter', 'caddyfile'];
  }
  writeFileSync(main, mainOfNginx(folder, file));
  mkdirSync(path.join(folder, 'logs'), { recursive: true });
  return ['-p', folder, '-e', path.join(folder, 'log'), '-c', main];
}

/** One process that stays who we are, with its files in the folder; set up by somebody who lets every header through. */
function mainOfNginx(folder: string, recipe: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events {}
http {
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  access_log off;
  underscores_in_headers on;
  ignore_invalid_headers off;
  include ${folder}/${recipe};
}
`;
}

/** Whether somebody takes connections there. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

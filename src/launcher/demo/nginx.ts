// The nginx in front of the demo: found or fetched, with the recipe that `applications recipe` prints, for this machine alone.
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { writePrivate } from '../machine/files.ts';
import { type Child, endChild } from '../machine/process.ts';
import { findServer } from '../servers/find-server.ts';
import { spawnLogged, startServer } from '../servers/start-server.ts';
import type { FetchedProgram } from '../servers/system-packages.ts';
import type { LauncherSettings } from '../settings.ts';

/** Throws with what to type where there is none and none can be fetched. */
export function findNginx(
  { serversDir, searchPath }: LauncherSettings,
  log: (message: string) => void,
): Promise<FetchedProgram> {
  const how = { name: 'nginx', programs: ['nginx'], packages: ['nginx-light', 'nginx'], asked: '-v', size: '3 MB' };
  const install = [
    ['apt-get', 'sudo apt-get install nginx'],
    ['apk', 'apk add nginx'],
    ['dnf', 'sudo dnf install nginx'],
    ['pacman', 'sudo pacman -S nginx'],
    ['zypper', 'sudo zypper install nginx'],
    ['brew', 'brew install nginx'],
  ] as const;
  const otherwise = 'or start without --demo';
  return findServer({ ...how, install, otherwise }, { serversDir, searchPath: withSbin(searchPath), log });
}

/** Debian keeps it in /usr/sbin, which is not on everybody's PATH. */
function withSbin(searchPath: string): string {
  const folders = searchPath.split(path.delimiter);
  return [...folders, ...folders.map((folder) => folder.replace(/\/bin\/?$/, '/sbin'))].join(path.delimiter);
}

export interface NginxOptions {
  program: FetchedProgram;
  folder: string;
  port: number;
  recipe: string;
  logFile: string;
  searchPath: string;
}

export interface Nginx extends Child {
  port: number;
}

/** Resolves when it listens. Throws with the end of its log otherwise. */
export async function startNginx({ program, folder, port, recipe, logFile, searchPath }: NginxOptions): Promise<Nginx> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writePrivate(path.join(folder, 'recipe.conf'), onThisMachine(recipe));
  writePrivate(path.join(folder, 'main.conf'), MAIN);
  const { child } = await startServer({
    name: 'nginx',
    dataDir: folder,
    port,
    logFile,
    launch: () =>
      spawnLogged(program.file, ['-p', `${folder}/`, '-c', 'main.conf'], logFile, {
        deathSignal: 'SIGTERM',
        env: { PATH: searchPath, ...program.env },
      }),
    ask: async (port) => ((await listens(port)) ? 'ready' : undefined),
    stop: endNginx,
    obstacle: () => undefined,
  });
  return { ...child, port };
}

export function endNginx(nginx: Child): Promise<void> {
  return endChild(nginx, [
    ['SIGTERM', 3_000],
    ['SIGKILL', 5_000],
  ]);
}

/** A recipe listens on every IP address of its machine. */
export function onThisMachine(recipe: string): string {
  const bound = recipe.replace(/^( *listen )(\d+;)$/m, '$1127.0.0.1:$2');
  if (bound === recipe) throw new Error('The recipe of nginx has no line that says where it listens.');
  return bound;
}

/** One process that stays who we are: it dies with the launcher, and so does all of it. Paths are below the folder. */
const MAIN = `daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {}
http {
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join(' ')}
  access_log off;
  include recipe.conf;
}
`;

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

// `npm run up -- --demo`: an application that knows nothing of log-ins, and an nginx in front of it that asks Holdfast. Both are
// kept running, and end with the launcher.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { reachable } from '../address.ts';
import { type Kept, keepRunning } from '../keep-running.ts';
import { readIfThere, tail } from '../machine/files.ts';
import { freePort } from '../machine/ports.ts';
import { inWords, spawnBound } from '../machine/process.ts';
import { keepProgram, type Program, type ProgramOptions, stopProgram } from '../programs.ts';
import type { FetchedProgram } from '../servers/system-packages.ts';
import type { Environment, LauncherSettings } from '../settings.ts';
import { DEMO_HOST } from './asked.ts';
import { endNginx, type Nginx, type NginxOptions, startNginx } from './nginx.ts';

const usualPort = 3_080;
const registrationMs = 60_000;
const stopMs = 3_000;

export interface Demo {
  url: string;
  pids(): { demoApplication: number; demoProxy: number };
  stop(): Promise<void>;
}

export interface DemoOptions {
  settings: LauncherSettings;
  /** Of the web processes. */
  port: number;
  env: Environment;
  nginx: FetchedProgram;
  say: (line: string) => void;
  onRestart: () => void;
  /** Throws once everything stops. */
  check: () => void;
}

/** Needs a migrated database. Leaves nothing behind where it throws. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { settings, nginx: program, check } = options;
  const folder = path.join(settings.dataDir, 'demo');
  const port = await freePort(Number(readIfThere(path.join(folder, 'port'))) || usualPort);
  const upstream = await freePort();
  const url = `http://${DEMO_HOST}:${port}`;
  const recipe = await register(url, `http://127.0.0.1:${upstream}`, options);
  check();
  const application = keepApplication(upstream, options);
  try {
    await untilReady(application.current(), logOf(settings, 'demo'));
    const { searchPath } = settings;
    const how = { program, folder, port, recipe, logFile: logOf(settings, 'demo-nginx'), searchPath };
    const proxy = await keepNginx(how, options);
    return {
      url,
      pids: () => ({ demoApplication: application.current().pid, demoProxy: proxy.current().pid }),
      async stop() {
        await endNginx(await proxy.letGo());
        await stopProgram(await application.letGo(), stopMs);
      },
    };
  } catch (error) {
    await stopProgram(await application.letGo(), stopMs);
    throw error;
  }
}

/** Returns the recipe. */
async function register(url: string, upstream: string, { settings, port, env }: DemoOptions): Promise<string> {
  const script = fileURLToPath(new URL('../../cli/demo-application.js', import.meta.url));
  const holdfast = `http://${reachable(settings.host)}:${port}`;
  const child = spawnBound(process.execPath, [script, url, upstream, holdfast], {
    deathSignal: 'SIGKILL',
    env: env as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: registrationMs,
  });
  const said = { out: '', error: '' };
  child.process.stdout?.on('data', (chunk) => {
    said.out += chunk;
  });
  child.process.stderr?.on('data', (chunk) => {
    said.error += chunk;
  });
  await new Promise((resolve) => child.process.once('close', resolve));
  const exit = await child.exited;
  if (exit.code === 0) return said.out;
  throw new Error(`The demo can't be registered: ${said.error.trim() || inWords(exit)}`);
}

function keepApplication(port: number, { settings, say, onRestart }: DemoOptions): Kept<Program> {
  const options: ProgramOptions = {
    name: 'demo',
    script: 'src/launcher/demo/application.js',
    args: [String(port)],
    env: { PATH: settings.searchPath }, // and no secret
    logFile: logOf(settings, 'demo'),
    saysReady: true,
  };
  return keepProgram(options, { say, onRestart, onDeath: () => {} });
}

async function untilReady(program: Program, logFile: string): Promise<void> {
  const exit = await Promise.race([program.ready, program.exited]);
  if (exit) throw new Error(`The demo can't be started (${inWords(exit)}):\n${tail(logFile)}`);
}

async function keepNginx(how: NginxOptions, { say, onRestart }: DemoOptions): Promise<Kept<Nginx>> {
  return keepRunning({
    name: 'nginx',
    first: await startNginx(how),
    start: () => startNginx(how),
    say,
    onRestart,
  });
}

function logOf({ dataDir }: LauncherSettings, name: string): string {
  return path.join(dataDir, 'logs', `${name}.log`);
}

// The real supervisor from dist/ over a tiny web process of the test's own, in a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { until } from '../../harness/until.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { isRunning } from '../../src/launcher/machine/process.ts';
import { readStatus, type SupervisorStatus, supervisorStatusFile } from '../../src/supervisor/status-file.ts';

const dist = path.resolve('dist/src');

export interface TestSupervisor {
  port: number;
  dataDir: string;
  pid: number;
  process: ChildProcess;
  /** Everything that it and its web processes logged. */
  log(): string;
  status(): SupervisorStatus | undefined;
  /** Puts other code on disk: what the next web process runs. */
  deploy(code: string): void;
  /** Resolves with the exit code. */
  exited: Promise<number | null>;
  /** Ends everything and removes the folder. */
  cleanUp(): Promise<void>;
}

export interface WebCode {
  graceMs?: number;
  shutdownTimeoutMs?: number;
  /** More code: may use `server`, `serving`, `pages` (path → handler). */
  more?: string;
}

/** The code of a web process that answers `/` with its process id. */
export function webCode({ graceMs = 400, shutdownTimeoutMs = 5_000, more = '' }: WebCode = {}): string {
  return `
import { createWebServer, serve } from '${pathToFileURL(path.join(dist, 'web/serve.js'))}';
const pages = { '/': (request, response) => { const text = String(process.pid); response.writeHead(200, { 'content-length': text.length }).end(text); } };
const server = createWebServer((request, response) => pages[request.url.split('?')[0]](request, response));
const log = { info() {}, warn(fields, message) { console.log(JSON.stringify({ ...fields, message })); } };
const serving = await serve({ server, host: '127.0.0.1', port: Number(process.env.PORT), shutdownTimeoutMs: ${shutdownTimeoutMs}, graceMs: ${graceMs}, log });
${more}
const stop = async () => { await serving.drain(); process.exit(0); };
process.on('SIGTERM', stop).on('SIGINT', stop).on('disconnect', stop);
process.send?.({ type: 'ready' });
`;
}

/** Starts it and waits until all its web processes are ready. */
export async function startSupervisor(code: string, env: Record<string, string> = {}): Promise<TestSupervisor> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'holdfast-supervisor-'));
  const main = path.join(dataDir, 'main.mjs');
  writeFileSync(main, code);
  const port = await freePort();
  let logged = '';
  const child = spawn(process.execPath, [path.join(dist, 'web/supervisor.js')], {
    env: { ...process.env, WEB_PROCESSES: '2', ...env, PORT: String(port), DATA_DIR: dataDir, WEB_MAIN: main },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      logged += chunk;
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const supervisor: TestSupervisor = {
    port,
    dataDir,
    pid: child.pid ?? 0,
    process: child,
    log: () => logged,
    status: () => readStatus<SupervisorStatus>(supervisorStatusFile(dataDir)),
    deploy: (text) => writeFileSync(main, text),
    exited,
    async cleanUp() {
      const pids = [...(supervisor.status()?.webProcesses ?? []), child.pid ?? 0];
      for (const pid of pids) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
      await exited;
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  const wanted = Number(env.WEB_PROCESSES ?? 2);
  await until(() => logged.split('a web process is ready').length > wanted).catch((error) => {
    throw new Error(`${error.message}\n${logged}`);
  });
  return supervisor;
}

// The primary process of `npm start`: holds no application code, so that it need not be replaced to deploy. SIGHUP replaces the
// web processes one at a time with what is on disk now, SIGTERM drains them all. What it does is in $DATA_DIR/supervisor.json.
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { createLog, type Log } from '../core/platform/log.ts';
import { type MetricsPortOptions, serveMetrics } from '../core/platform/metrics-server.ts';
import { type Reload, removeStatus, supervisorStatusFile, writeStatus } from './status-file.ts';
import { startWebProcesses } from './web-processes.ts';

interface SupervisorSettings {
  exec: string;
  webProcesses: number;
  readyTimeoutMs: number;
  shutdownTimeoutMs: number;
  dataDir: string;
  logLevel: string;
  metricsHost: string;
  metricsPort?: number;
}

const killMarginMs = 5_000;

/**
 * Throws one error that lists every bad value. The web process is found from `script` as it was named, not where a link
 * leads: with `current -> releases/7` a reload runs what the link names by then.
 */
function readSupervisorSettings(env: Readonly<Record<string, string | undefined>>, script: string): SupervisorSettings {
  const problems: string[] = [];
  const number = (name: string, fallback: number, least: number, most: number) => {
    const value = env[name] ? Number(env[name]) : fallback;
    if (!Number.isInteger(value) || value < least || value > most)
      problems.push(`${name}: expected ${least} to ${most}`);
    return value;
  };
  const settings: SupervisorSettings = {
    exec: path.resolve(env.WEB_MAIN || path.join(path.dirname(script), '../web/main.js')),
    webProcesses: number('WEB_PROCESSES', Math.max(2, availableParallelism()), 1, 256),
    readyTimeoutMs: number('READY_TIMEOUT_MS', 30_000, 100, 3_600_000),
    shutdownTimeoutMs: number('SHUTDOWN_TIMEOUT_MS', 10_000, 100, 600_000),
    dataDir: env.DATA_DIR || '.data',
    logLevel: env.LOG_LEVEL || 'info',
    metricsHost: env.METRICS_HOST || '127.0.0.1',
    ...(env.METRICS_PORT ? { metricsPort: number('METRICS_PORT', 0, 0, 65_535) } : {}),
  };
  if (problems.length > 0) throw new Error(`The configuration can't be used:\n  - ${problems.join('\n  - ')}`);
  return settings;
}

/** Supervises until SIGTERM or SIGINT, then drains and ends the process with 0. */
function supervise(settings: SupervisorSettings, log: Log): void {
  const statusFile = supervisorStatusFile(settings.dataDir);
  let reload: Reload | undefined;
  let asked = 0;
  let stopping = false;

  const publish = () => {
    if (stopping) return;
    try {
      writeStatus(statusFile, { pid: process.pid, webProcesses: web.pids(), ...(reload ? { reload } : {}) });
    } catch (error) {
      log.warn({ err: error }, 'the status can not be written; npm run reload will not see the end of a reload');
    }
  };
  const web = startWebProcesses({
    exec: settings.exec,
    count: settings.webProcesses,
    readyTimeoutMs: settings.readyTimeoutMs,
    stopTimeoutMs: settings.shutdownTimeoutMs + killMarginMs,
    log,
    onChange: publish,
  });

  /** A SIGHUP during a reload asks for another one after it: there may be newer code by then. */
  async function onHangup(): Promise<void> {
    asked += 1;
    if (reload?.state === 'running') return;
    while (!stopping && (reload?.id ?? 0) < asked) {
      // Signals that came together are one reload; it gets the number of the last.
      reload = { id: asked, state: 'running', startedAt: new Date().toISOString(), replaced: [] };
      await runReload(reload);
    }
  }

  async function runReload(current: Reload): Promise<void> {
    log.info({ reload: current.id }, 'reloading');
    publish();
    try {
      await web.replaceAll((replaced) => {
        current.replaced.push(replaced);
        log.info({ reload: current.id, ...replaced }, 'a web process is replaced');
        publish();
      });
      current.state = 'done';
      log.info({ reload: current.id }, 'reloaded');
    } catch (error) {
      current.state = 'stopped';
      current.reason = error instanceof Error ? error.message : String(error);
      log.error(
        { reload: current.id, reason: current.reason },
        'the reload stopped; what was not replaced goes on serving',
      );
    }
    current.finishedAt = new Date().toISOString();
    publish();
  }

  async function stop(signal: string): Promise<void> {
    if (stopping) return; // a terminal and npm both send it
    stopping = true;
    log.info({ signal }, 'stopping');
    removeStatus(statusFile);
    await web.stop();
    log.info('stopped');
    process.exit(0);
  }

  const { metricsHost: host, metricsPort: port } = settings;
  if (port !== undefined) void publishMetrics({ host, port, log });
  process.on('SIGHUP', () => void onHangup());
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
  log.info({ webProcesses: settings.webProcesses }, 'the supervisor has started');
}

/** The metrics of all web processes, added up. */
async function publishMetrics(options: Omit<MetricsPortOptions, 'read'>): Promise<void> {
  const { AggregatorRegistry } = await import('prom-client');
  const processes = new AggregatorRegistry();
  await serveMetrics({ ...options, read: () => processes.clusterMetrics() });
}

try {
  const settings = readSupervisorSettings(process.env, process.argv[1] ?? '');
  supervise(settings, createLog({ level: settings.logLevel, name: 'supervisor' }));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

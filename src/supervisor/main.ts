// The primary process of `npm start`: holds no application code, so that it need not be replaced to deploy. SIGHUP replaces the
// web processes one at a time with what is on disk now, SIGTERM drains them all. What it does is in $DATA_DIR/supervisor.json.
import { createLog, type Log } from '../core/platform/log.ts';
import { type MetricsPortOptions, serveMetrics } from '../core/platform/metrics-server.ts';
import { readArguments } from '../program-arguments.ts';
import { settingsAreGood } from './check-settings.ts';
import { ALREADY_CHECKED, GAVE_UP, READY } from './messages.ts';
import { readSupervisorSettings, type SupervisorSettings } from './settings.ts';
import { type Reload, removeStatus, supervisorStatusFile, writeStatus } from './status-file.ts';
import { startWebProcesses } from './web-processes.ts';

const USAGE = `Usage: npm start

Starts web processes for stores of your own, and keeps them running; the settings are read from the environment.
SIGHUP, or "npm run reload", replaces them with the code on disk; Ctrl-C or SIGTERM stops them.`;

/** Longer than a web process needs to close its stores. */
const killMarginMs = 5_000;

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
    onAllReady: () => process.send?.(READY),
    onHopeless: () => void stop('nothing serves', GAVE_UP),
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

  async function stop(signal: string, exitCode = 0): Promise<void> {
    if (stopping) return; // a terminal and npm both send it
    stopping = true;
    log.info({ signal }, 'stopping');
    removeStatus(statusFile);
    await web.stop();
    log.info('stopped');
    process.exit(exitCode);
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

readArguments(USAGE, { [ALREADY_CHECKED.slice(2)]: { type: 'boolean' } });
const { settings, problems } = readSupervisorSettings(process.env, process.argv[1] ?? '');
// Another program in the web process' place has settings of its own.
if (problems.length > 0 && process.env.WEB_MAIN) {
  process.stderr.write(`The configuration can't be used:\n  - ${problems.join('\n  - ')}\n`);
  process.exit(1);
}
if (!process.env.WEB_MAIN && !process.argv.includes(ALREADY_CHECKED) && !settingsAreGood('start')) process.exit(1);
supervise(settings, createLog({ level: settings.logLevel, name: 'supervisor' }));

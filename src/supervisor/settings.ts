// The supervisor's part of the environment; the rest is its web processes'.
import { availableParallelism } from 'node:os';
import path from 'node:path';

export interface SupervisorSettings {
  exec: string;
  webProcesses: number;
  readyTimeoutMs: number;
  shutdownTimeoutMs: number;
  dataDir: string;
  logLevel: string;
  metricsHost: string;
  metricsPort?: number;
}

/**
 * With a problem for each bad value. The web process is found from `script` as it was named, not where a link
 * leads: with `current -> releases/7` a reload runs what the link names by then.
 */
export function readSupervisorSettings(
  env: Readonly<Record<string, string | undefined>>,
  script: string,
): { settings: SupervisorSettings; problems: string[] } {
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
  return { settings, problems };
}

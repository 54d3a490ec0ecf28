// The launcher's part of the environment, read once. What it does not name is passed on to the processes as it is.

import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface LauncherSettings {
  /** Absolute. */
  dataDir: string;
  /** Where a fetched Redis is kept: one for the project, whatever the data folder. */
  serversDir: string;
  host: string;
  port: number;
  /** false: 3000 was only the default, another free port will do. */
  portWasGiven: boolean;
  publicUrl?: string;
  webProcesses: number;
  shutdownTimeoutMs: number;
  databaseUrl?: string;
  webDatabaseUrl?: string;
  workerDatabaseUrl?: string;
  redisUrl?: string;
  sessionKeys?: string;
  auditSigningKey?: string;
  auditCheckpointFile?: string;
  /** Of the web processes; the worker has the next one. */
  metricsPort?: number;
  secretsKeys?: string;
  searchPath: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Throws one error that lists every problem. */
export function readLauncherSettings(env: Environment): LauncherSettings {
  const problems: string[] = [];
  const number = (name: string, fallback: number, least: number, most: number) => {
    const value = env[name] ? Number(env[name]) : fallback;
    if (!Number.isInteger(value) || value < least || value > most) {
      problems.push(`${name}: expected a whole number from ${least} to ${most}`);
    }
    return value;
  };
  const url = (name: string, ...schemes: string[]) => {
    const text = env[name];
    if (!text) return undefined;
    const scheme = URL.canParse(text) ? new URL(text).protocol.slice(0, -1) : '';
    if (!schemes.includes(scheme))
      problems.push(`${name}: expected a URL that starts with ${schemes.map((s) => `${s}://`).join(' or ')}`);
    return text;
  };
  const optional = {
    publicUrl: url('PUBLIC_URL', 'http', 'https'),
    databaseUrl: url('DATABASE_URL', 'postgres', 'postgresql'),
    webDatabaseUrl: url('WEB_DATABASE_URL', 'postgres', 'postgresql'),
    workerDatabaseUrl: url('WORKER_DATABASE_URL', 'postgres', 'postgresql'),
    redisUrl: url('REDIS_URL', 'redis', 'rediss'),
    sessionKeys: env.SESSION_KEYS || undefined,
    auditSigningKey: env.AUDIT_SIGNING_KEY || undefined,
    auditCheckpointFile: env.AUDIT_CHECKPOINT_FILE || undefined,
    metricsPort: env.METRICS_PORT ? number('METRICS_PORT', 0, 0, 65_534) : undefined,
    secretsKeys: env.SECRETS_KEYS || undefined,
  };
  const settings = {
    dataDir: path.resolve(env.DATA_DIR || '.data'),
    serversDir: path.resolve(env.SERVERS_DIR || fileURLToPath(new URL('../../../.data/servers', import.meta.url))),
    host: env.HOST || '127.0.0.1',
    port: number('PORT', 3_000, 1, 65_535),
    portWasGiven: Boolean(env.PORT),
    webProcesses: number('WEB_PROCESSES', 2, 1, 256),
    shutdownTimeoutMs: number('SHUTDOWN_TIMEOUT_MS', 10_000, 100, 600_000),
    searchPath: env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
  };
  if (problems.length > 0)
    throw new Error(`The configuration can't be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  return { ...settings, ...withoutUndefined(optional) };
}

function withoutUndefined<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

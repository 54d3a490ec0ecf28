// The launcher's part of the environment, read once. What it does not name is passed on to the processes as it is.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSecretFiles } from '../secret-files.ts';

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
  /** What else it takes to reach it, by the variable. */
  redisSettings?: Readonly<Record<string, string>>;
  sessionKeys?: string;
  auditSigningKey?: string;
  auditCheckpointFile?: string;
  /** Of the web processes; the worker has the next one. */
  metricsPort?: number;
  secretsKeys?: string;
  searchPath: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** With a problem for each bad value of the launcher's own; those of the processes are checked by `check up`. */
export function readLauncherSettings(given: Environment): { settings: LauncherSettings; problems: string[] } {
  const { env, problems: unread } = readSecretFiles(given);
  const problems = [...unread];
  const number = (name: string, fallback: number, least: number, most: number) => {
    const value = env[name] ? Number(env[name]) : fallback;
    if (!Number.isInteger(value) || value < least || value > most) {
      problems.push(`${name}: expected a whole number from ${least} to ${most}`);
    }
    return value;
  };
  const optional = {
    publicUrl: env.PUBLIC_URL || undefined,
    databaseUrl: env.DATABASE_URL || undefined,
    webDatabaseUrl: env.WEB_DATABASE_URL || undefined,
    workerDatabaseUrl: env.WORKER_DATABASE_URL || undefined,
    redisUrl: env.REDIS_URL || undefined,
    redisSettings: redisSettingsOf(env),
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
  return { settings: { ...settings, ...withoutUndefined(optional) }, problems };
}

const BESIDE_REDIS_URL = [
  'REDIS_SENTINEL_USER',
  'REDIS_SENTINEL_PASSWORD',
  'REDIS_SESSION_URLS',
  'REDIS_TLS_CA',
  'REDIS_TLS_SERVERNAME',
];

function redisSettingsOf(env: Environment): Record<string, string> | undefined {
  const given = BESIDE_REDIS_URL.flatMap((name) => (env[name] ? [[name, env[name]]] : []));
  return given.length > 0 ? Object.fromEntries(given) : undefined;
}

function withoutUndefined<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

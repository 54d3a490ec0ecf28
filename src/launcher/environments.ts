// What the programs under `up` are given: addresses, a database role each, and the secrets that they
// need, no others.

import path from 'node:path';
import { readSecretFiles } from '../secret-files.ts';
import { asRole, keptSecrets } from './secrets.ts';
import type { Environment, LauncherSettings } from './settings.ts';

export interface Environments {
  url: string;
  webDatabaseUrl: string;
  workerDatabaseUrl: string;
  auditSigningKey: string;
  migrate: Environment;
  web: Environment;
  worker: Environment;
}

export interface Addresses {
  port: number;
  /** As the owner of the schema. */
  ownerUrl: string;
  redisUrl: string;
}

/** What the settings leave out is made up once and kept. */
export function environmentsFor(
  settings: LauncherSettings,
  { port, ownerUrl, redisUrl }: Addresses,
  given: Environment,
): Environments {
  const { env } = readSecretFiles(given); // each process gets the secrets themselves
  const secrets = keptSecrets(settings.dataDir);
  const role = (of: 'web' | 'worker', password: string) =>
    asRole(ownerUrl, `holdfast_${of}_${secrets.installation}`, password);
  const webDatabaseUrl = settings.webDatabaseUrl ?? role('web', secrets.webPassword);
  const workerDatabaseUrl = settings.workerDatabaseUrl ?? role('worker', secrets.workerPassword);
  const auditSigningKey = settings.auditSigningKey ?? secrets.auditSigningKey;
  const url = settings.publicUrl ?? `http://localhost:${port}`;
  const shared = {
    MALLOC_ARENA_MAX: '2', // as for web processes, src/supervisor/web-processes.ts
    ...env,
    HOST: settings.host,
    PORT: String(port),
    PUBLIC_URL: url,
    WEB_PROCESSES: String(settings.webProcesses),
    REDIS_URL: redisUrl,
    DATA_DIR: settings.dataDir,
  };
  return {
    url,
    webDatabaseUrl,
    workerDatabaseUrl,
    auditSigningKey,
    migrate: {
      ...env,
      DATA_DIR: settings.dataDir,
      DATABASE_URL: ownerUrl,
      WEB_DATABASE_URL: webDatabaseUrl,
      WORKER_DATABASE_URL: workerDatabaseUrl,
    },
    web: {
      ...shared,
      DATABASE_URL: webDatabaseUrl,
      SESSION_KEYS: settings.sessionKeys ?? secrets.sessionKey,
      SECRETS_KEYS: settings.secretsKeys ?? secrets.secretsKey,
      AUDIT_SIGNING_KEY: undefined,
      AUDIT_DRAINS_FILE: undefined,
      ALERT_WEBHOOK_URL: undefined,
      ALERT_WEBHOOK_SECRET: undefined,
      ALERT_WEBHOOK_CA: undefined,
      ...(env['SMTP_URL'] ? { SMTP_URL: withoutLogIn(env['SMTP_URL']) } : {}),
    },
    worker: {
      ...shared,
      DATABASE_URL: workerDatabaseUrl,
      SESSION_KEYS: undefined,
      SECRETS_KEYS: undefined,
      IMPORT_VERIFY_URL: undefined,
      IMPORT_VERIFY_SECRET: undefined,
      AUDIT_SIGNING_KEY: auditSigningKey,
      AUDIT_CHECKPOINT_FILE: settings.auditCheckpointFile ?? path.join(settings.dataDir, 'audit-checkpoints.ndjson'),
      ...(settings.metricsPort ? { METRICS_PORT: String(settings.metricsPort + 1) } : {}),
    },
  };
}

/** The web processes need to know that there is a mail server; only the worker logs in to it. */
function withoutLogIn(smtpUrl: string): string {
  if (!URL.canParse(smtpUrl)) return smtpUrl;
  const url = new URL(smtpUrl);
  url.username = '';
  url.password = '';
  return url.href;
}

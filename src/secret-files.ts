// Secrets from files, as Docker, Kubernetes and systemd hand them out: `SESSION_KEYS_FILE=/run/secrets/session-keys` instead of
// `SESSION_KEYS=…`, which everybody sees who may look at a process's environment. Every process reads its settings past this.
import { readFileSync } from 'node:fs';

type Environment = Readonly<Record<string, string | undefined>>;

/** Each may be given by the name of a file too, with `_FILE` behind its own name. */
export const SECRET_SETTINGS = [
  'ALERT_WEBHOOK_SECRET',
  'ALERT_WEBHOOK_URL',
  'AUDIT_SIGNING_KEY',
  'DATABASE_URL',
  'IMPORT_VERIFY_SECRET',
  'REDIS_SENTINEL_PASSWORD',
  'REDIS_SESSION_URLS',
  'REDIS_URL',
  'SECRETS_KEYS',
  'SESSION_KEYS',
  'SMTP_URL',
  'WEB_DATABASE_URL',
  'WORKER_DATABASE_URL',
] as const;

export interface SecretsRead {
  /** With what the files say, and without their names. */
  readonly env: Environment;
  /** A sentence for each file that gives no secret; none holds any of it. */
  readonly problems: readonly string[];
}

export function readSecretFiles(given: Environment): SecretsRead {
  const env: Record<string, string | undefined> = { ...given };
  const problems: string[] = [];
  for (const name of SECRET_SETTINGS) {
    const file = given[`${name}_FILE`];
    delete env[`${name}_FILE`];
    if (!file) continue;
    const { secret, problem } = given[name] ? BOTH : readSecret(file);
    if (problem === undefined) env[name] = secret;
    else problems.push(`${name}_FILE: ${problem}`);
  }
  return { env, problems };
}

const BOTH = { secret: '', problem: 'the same setting is given without _FILE too; give one of the two' };

/** Without the end of the last line, which editors and `echo` add. */
function readSecret(file: string): { secret: string; problem?: string } {
  try {
    const secret = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    return secret.trim() === '' ? { secret, problem: `${file} is empty` } : { secret };
  } catch (error) {
    return { secret: '', problem: `${file} can't be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})` };
  }
}

// Reads the environment once, at the start, into one typed, frozen object; nothing else reads it.
// A wrong value stops the start, with every problem listed.
import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { readSecretFiles, SECRET_SETTINGS } from '../secret-files.ts';
import { schema } from './config-schema.ts';
import type { HashingCost } from './credentials/passwords.ts';
import type { MailPolicy } from './mail/outgoing-mail.ts';
import { isLoopback } from './platform/networks.ts';
import { parseUrl } from './platform/parse-url.ts';
import { type RedisAddress, unusedBeside } from './platform/redis-address.ts';
import type { SessionPolicy } from './sessions/begin-session.ts';
import type { WebhookTarget } from './shipping/receivers/webhook.ts';
import type { ThrottlePolicy } from './throttle/policy.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Who may have an account: all, all with a confirmed address, or whom an operator invites. */
export type RegistrationMode = 'open' | 'verify' | 'closed';

export type Config = ReturnType<typeof readConfig>;

/** `problems` holds a line for each variable that is missing or wrong. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration can't be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** What the library says of its types, for somebody who set a variable. */
function inWords(message: string): string {
  if (/received undefined$/.test(message)) return 'it is missing';
  return /received NaN$/.test(message) ? 'expected a number' : message;
}

/**
 * The configuration that the environment describes.
 * @throws ConfigError also for a missing or weak secret where others than this machine come, and the process signs
 * cookies (`signs`): the worker and the commands need none.
 */
export function readConfig(env: Environment, { signs = true }: { signs?: boolean } = {}) {
  const secrets = readSecretFiles(env);
  const given = Object.fromEntries(
    Object.entries(secrets.env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const unsaid = reachedBy(given) === 'this machine' ? 'development' : 'production';
  const present = { NODE_ENV: unsaid, ...given };
  const result = schema.safeParse(present);
  const problems = result.success
    ? []
    : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${inWords(message)}`);
  if (signs) problems.push(...keyProblems(present), ...addressProblems(present));
  if (result.success) problems.push(...hashingProblems(result.data), ...redisProblems(result.data));
  problems.push(...mailProblems(present, signs), ...breachProblems(present), ...oldSystemProblems(present));
  problems.push(...alertProblems(present), ...secrets.problems);
  if (!result.success || problems.length > 0) throw new ConfigError(problems.filter(isNotOfFile(secrets.problems)));
  const values = result.data;
  const publicUrl = new URL(values.PUBLIC_URL ?? `http://localhost:${values.PORT}`);
  const production = values.NODE_ENV === 'production';
  const local = !isForOthers(present);
  const madeUp = () => [local ? KNOWN_KEY : randomBytes(32).toString('base64')];
  return Object.freeze({
    production,
    host: values.HOST,
    port: values.PORT,
    maxConnections: values.MAX_CONNECTIONS,
    publicOrigin: publicUrl.origin,
    secureCookies: publicUrl.protocol === 'https:',
    hstsOfSubdomains: values.HSTS === 'subdomains',
    databaseUrl: values.DATABASE_URL,
    databasePoolSize: values.DATABASE_POOL,
    webProcesses: values.WEB_PROCESSES,
    redis: redisAddress(values, values.REDIS_URL),
    /** Those that have the sessions, where it is not the one of REDIS_URL. */
    sessionRedis: values.REDIS_SESSION_URLS.map((url) => redisAddress(values, url)),
    redisAlone: { member: values.REDIS_ALONE, operator: values.REDIS_ALONE_OPERATOR },
    sessionKeys: values.SESSION_KEYS.length > 0 ? values.SESSION_KEYS : madeUp(),
    session: {
      standard: { idleTimeoutMs: values.SESSION_IDLE, absoluteLifetimeMs: values.SESSION_ABSOLUTE },
      remembered: { idleTimeoutMs: values.SESSION_REMEMBER_IDLE, absoluteLifetimeMs: values.SESSION_REMEMBER_ABSOLUTE },
      operator: { idleTimeoutMs: values.SESSION_OPERATOR_IDLE, absoluteLifetimeMs: values.SESSION_OPERATOR_ABSOLUTE },
      mostOfAccount: values.SESSIONS_PER_ACCOUNT,
    } satisfies SessionPolicy,
    secretsKeys: values.SECRETS_KEYS.length > 0 ? values.SECRETS_KEYS : madeUp(),
    secondFactor: values.SECOND_FACTOR,
    recentLoginMs: values.RECENT_LOGIN,
    serviceName: values.SERVICE_NAME,
    securityContact: values.SECURITY_CONTACT ?? null,
    /** Where people are led who need somebody that runs the service: the address of a link. */
    contact: values.SERVICE_CONTACT ?? null,
    languages: values.LANGUAGES,
    placeFiles: values.GEOIP_FILES,
    trustedProxies: values.TRUSTED_PROXIES,
    forwardedHeader: values.FORWARDED_HEADER,
    passwordHashConcurrency: values.PASSWORD_HASH_CONCURRENCY,
    passwordHashCost: {
      memoryKib: values.PASSWORD_HASH_MEMORY_KIB,
      passes: values.PASSWORD_HASH_PASSES,
      lanes: values.PASSWORD_HASH_LANES,
    } satisfies HashingCost,
    breachedPasswordsUrl: values.BREACHED_PASSWORDS_URL ?? null,
    oldSystem: oldSystemOf(values),
    attemptRetentionMs: values.ATTEMPT_RETENTION,
    audit: {
      retentionMs: values.AUDIT_RETENTION ?? null,
      signingKey: values.AUDIT_SIGNING_KEY ?? null,
      publicKeys: values.AUDIT_PUBLIC_KEYS,
      checkpointFile: values.AUDIT_CHECKPOINT_FILE ?? null,
      drainsFile: values.AUDIT_DRAINS_FILE ?? null,
    },
    alertWebhook: alertWebhookOf(values),
    throttle: {
      accountClient: values.THROTTLE_ACCOUNT_CLIENT,
      client: values.THROTTLE_CLIENT,
      account: values.THROTTLE_ACCOUNT,
      device: values.THROTTLE_DEVICE,
      register: values.THROTTLE_REGISTER,
      passwordChange: values.THROTTLE_PASSWORD_CHANGE,
      mailbox: values.THROTTLE_MAILBOX,
      mailClient: values.THROTTLE_MAIL_CLIENT,
      token: values.THROTTLE_TOKEN,
      secondFactor: values.THROTTLE_SECOND_FACTOR,
      logins: values.THROTTLE_LOGINS,
      acts: values.THROTTLE_ACTS,
      forbidden: values.THROTTLE_FORBIDDEN,
      api: values.THROTTLE_API,
      networkFactor: values.THROTTLE_NETWORK_FACTOR,
      blockFirstMs: values.THROTTLE_BLOCK_FIRST,
      blockLongestMs: values.THROTTLE_BLOCK_LONGEST,
      sprayingAccounts: values.THROTTLE_SPRAYING_ACCOUNTS,
      stuffingClients: values.THROTTLE_STUFFING_CLIENTS,
      deviceRetentionMs: values.THROTTLE_DEVICE_RETENTION,
    } satisfies ThrottlePolicy,
    mail: {
      smtpUrl: values.SMTP_URL ?? null,
      from: values.MAIL_FROM ?? { name: values.SERVICE_NAME, address: `no-reply@${publicUrl.hostname}` },
      possible: values.SMTP_URL !== undefined || local,
      shown: values.SMTP_URL === undefined && local,
      retentionMs: values.MAIL_RETENTION,
    } satisfies MailPolicy,
    registration: (values.REGISTRATION ?? (values.SMTP_URL ? 'verify' : 'open')) as RegistrationMode,
    needless: needlessSecrets(present, signs),
    logLevel: values.LOG_LEVEL,
    shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT_MS,
    metrics: values.METRICS_PORT === undefined ? null : { host: values.METRICS_HOST, port: values.METRICS_PORT },
  });
}

/** The same problems without an error. */
export function configProblems(...[env, options]: Parameters<typeof readConfig>): string[] {
  try {
    readConfig(env, options);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return [...error.problems];
    throw error;
  }
}

/** For the start of a process: prints what is wrong and exits 1. */
export function readConfigOrExit(...[env, options]: Parameters<typeof readConfig>): Config {
  try {
    return readConfig(env, options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/** A secret whose file can't be read is not said to be missing as well. */
function isNotOfFile(problems: readonly string[]): (problem: string) => boolean {
  const unread = SECRET_SETTINGS.filter((name) => problems.some((one) => one.startsWith(`${name}_FILE: `)));
  return (problem) => !unread.some((name) => problem.startsWith(`${name}: `));
}

/** Secrets that this process was given and never uses: whoever takes it over has them. */
function needlessSecrets(env: Environment, signs: boolean): string[] {
  if (!signs) return ['SESSION_KEYS', 'SECRETS_KEYS', 'IMPORT_VERIFY_SECRET'].filter((name) => env[name] !== undefined);
  return [
    ...['AUDIT_SIGNING_KEY', 'ALERT_WEBHOOK_SECRET'].filter((name) => env[name]),
    ...(parseUrl(env['SMTP_URL'] ?? '')?.password ? ['the password in SMTP_URL'] : []),
  ];
}

function redisAddress(values: z.output<typeof schema>, url: string): RedisAddress {
  return {
    url,
    sentinelUser: values.REDIS_SENTINEL_USER,
    sentinelPassword: values.REDIS_SENTINEL_PASSWORD,
    tlsCa: values.REDIS_TLS_CA,
    tlsServerName: values.REDIS_TLS_SERVERNAME,
  };
}

const BESIDE_REDIS_URL = {
  sentinelUser: 'REDIS_SENTINEL_USER: it is for an address of Redis with +sentinel://',
  sentinelPassword: 'REDIS_SENTINEL_PASSWORD: it is for an address of Redis with +sentinel://',
  tlsCa: 'REDIS_TLS_CA: it is for an address of Redis with rediss',
  tlsServerName: 'REDIS_TLS_SERVERNAME: it is for an address of Redis with rediss',
} as const;

/** Whoever gives one means it: without a word it would be dropped. */
function redisProblems(values: z.output<typeof schema>): string[] {
  const [first = [], ...others] = [values.REDIS_URL, ...values.REDIS_SESSION_URLS].map((url) =>
    unusedBeside(redisAddress(values, url)),
  );
  const byNone = first.filter((name) => others.every((unused) => unused.includes(name)));
  return byNone.map((name) => BESIDE_REDIS_URL[name]);
}

/** The least that Argon2id should cost, by the OWASP Password Storage Cheat Sheet. */
const LEAST_COSTS = [
  { memoryKib: 47_104, passes: 1 },
  { memoryKib: 19_456, passes: 2 },
  { memoryKib: 12_288, passes: 3 },
  { memoryKib: 9_216, passes: 4 },
  { memoryKib: 7_168, passes: 5 },
] as const;

function hashingProblems(values: z.output<typeof schema>): string[] {
  const { NODE_ENV, PASSWORD_HASH_MEMORY_KIB: memory, PASSWORD_HASH_PASSES: passes } = values;
  const problems: string[] = [];
  const enough = LEAST_COSTS.some((least) => memory >= least.memoryKib && passes >= least.passes);
  if (NODE_ENV === 'production' && !enough) {
    const least = LEAST_COSTS.map((one) => `${one.memoryKib} with ${one.passes}`).join(', ');
    problems.push(`PASSWORD_HASH_MEMORY_KIB, PASSWORD_HASH_PASSES: in production at least one of ${least}`);
  }
  return problems;
}

const MINIMUM_KEY_LENGTH = 32;
const KNOWN_KEY = 'development-only-key';

/** Whom `PUBLIC_URL` leads here: only this machine or others too. Null if it does not say. */
function reachedBy({ PUBLIC_URL: url = '' }: Environment): 'this machine' | 'others' | null {
  const parsed = parseUrl(url);
  if (!parsed) return null;
  return isLoopback(parsed.hostname) ? 'this machine' : 'others';
}

/** Development is for this machine: whatever NODE_ENV says, an address that others reach is no place for known keys. */
function isForOthers(env: Environment): boolean {
  return env['NODE_ENV'] === 'production' || reachedBy(env) === 'others';
}

function keyProblems(env: Environment): string[] {
  if (!isForOthers(env)) return [];
  const problems: string[] = [];
  for (const name of ['SESSION_KEYS', 'SECRETS_KEYS']) {
    const keys = (env[name] ?? '').split(',').map((key) => key.trim());
    if (keys.every((key) => key.length >= MINIMUM_KEY_LENGTH)) continue;
    problems.push(
      `${name}: in production, and where PUBLIC_URL is not of this machine, each key needs at least ${MINIMUM_KEY_LENGTH} random characters (openssl rand -base64 32)`,
    );
  }
  return problems;
}

function addressProblems(env: Environment): string[] {
  if (env['NODE_ENV'] !== 'production' || env['PUBLIC_URL']) return [];
  return ['PUBLIC_URL: the address that people use must be given, but with NODE_ENV=development'];
}

function mailProblems(env: Environment, signs: boolean): string[] {
  if (env['NODE_ENV'] !== 'production') return [];
  const problems: string[] = [];
  if (!signs && env['SMTP_URL'] && !env['PUBLIC_URL']) {
    problems.push('PUBLIC_URL: in production the links in mail need the address that people use');
  }
  if (env['REGISTRATION'] === 'verify' && !env['SMTP_URL']) {
    problems.push('REGISTRATION: to verify addresses, SMTP_URL must say where mail goes');
  }
  return problems;
}

/** Whoever answers decides which passwords are refused; whoever listens learns a part of each. */
function breachProblems(env: Environment): string[] {
  const text = env['BREACHED_PASSWORDS_URL'] ?? '';
  if (env['NODE_ENV'] !== 'production' || !isOverheard(text)) return [];
  return ['BREACHED_PASSWORDS_URL: in production only https://, but for a service on the same machine'];
}

/** A URL that leads to another machine in the clear. */
function isOverheard(text: string): boolean {
  const url = parseUrl(text);
  if (!url) return false;
  const { protocol, hostname } = url;
  return protocol !== 'https:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

function oldSystemOf({ IMPORT_VERIFY_URL: url, IMPORT_VERIFY_SECRET: secret }: z.output<typeof schema>) {
  return url === undefined || secret === undefined ? null : { url, secret };
}

/** It gets passwords, so nobody may listen, in development neither; and it answers nobody else. */
function oldSystemProblems(env: Environment): string[] {
  const { IMPORT_VERIFY_URL: url = '', IMPORT_VERIFY_SECRET: secret = '' } = env;
  const problems: string[] = [];
  if (isOverheard(url)) problems.push('IMPORT_VERIFY_URL: only https://, but for a service on the same machine');
  if (url && !secret) problems.push('IMPORT_VERIFY_SECRET: IMPORT_VERIFY_URL needs it, to know who asks');
  if (secret && !url) problems.push('IMPORT_VERIFY_URL: it is missing beside IMPORT_VERIFY_SECRET');
  return problems;
}

/** Null: alerts go by mail alone. */
function alertWebhookOf(values: z.output<typeof schema>): WebhookTarget | null {
  const { ALERT_WEBHOOK_URL: url, ALERT_WEBHOOK_SECRET: keys, ALERT_WEBHOOK_CA: ca = null } = values;
  return url === undefined || keys === undefined ? null : { kind: 'webhook', url, keys, ca };
}

function alertProblems(env: Environment): string[] {
  const { ALERT_WEBHOOK_URL: url = '', ALERT_WEBHOOK_SECRET: secret = '', ALERT_WEBHOOK_CA: ca = '' } = env;
  const problems: string[] = [];
  if (isOverheard(url)) problems.push('ALERT_WEBHOOK_URL: only https://, but for a receiver on the same machine');
  if (url && !secret) problems.push('ALERT_WEBHOOK_SECRET: ALERT_WEBHOOK_URL needs it, to sign what it gets');
  if (!url && (secret || ca)) problems.push('ALERT_WEBHOOK_URL: it is missing beside ALERT_WEBHOOK_SECRET or _CA');
  return problems;
}

// Reads the environment once, at the start, into one typed, frozen object; nothing else reads it.
// A bad value stops the start with every problem listed, not just the first.
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { readPublicKeys, readSigningKey } from './audit/verification/signed-checkpoint.ts';
import type { HashingCost } from './credentials/passwords.ts';
import type { Mailbox, MailPolicy } from './mail/outgoing-mail.ts';
import { LANGUAGES, type Language } from './platform/languages.ts';
import type { SessionLimits } from './sessions/sessions.ts';
import type { ThrottlePolicy, ThrottleRule } from './throttle/policy.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** Ten years: cookies, stores and clocks take no date far beyond. */
const LONGEST = 3_650 * UNITS.d;

/** A duration such as `30d`, `12h`, `90s` or `500ms`, in milliseconds. */
const duration = z.string().transform((text, context) => {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(text.trim());
  const milliseconds = match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : 0;
  if (milliseconds > 0 && milliseconds <= LONGEST) return milliseconds;
  context.addIssue({
    code: 'custom',
    message: 'expected a duration such as 30d, 12h, 45m, 90s or 500ms, 3650d at most',
  });
  return z.NEVER;
});

const integer = (minimum: number, maximum: number) => z.coerce.number().int().min(minimum).max(maximum);

const url = (...schemes: readonly string[]) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)), {
    message: `expected a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  });

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

const languages = list.transform((parts, context): [Language, ...Language[]] => {
  const known = [...new Set(parts)].flatMap((part) => LANGUAGES.find((language) => language === part) ?? []);
  const [first, ...rest] = known;
  if (first !== undefined && known.length === new Set(parts).size) return [first, ...rest];
  context.addIssue({ code: 'custom', message: `expected some of ${LANGUAGES.join(', ')}, the default first` });
  return z.NEVER;
});

/** A network in CIDR notation; a lone address stands for itself. */
const networks = list.transform((parts, context) =>
  parts.flatMap((part) => {
    try {
      return [part.includes('/') ? ipaddr.parseCIDR(part) : lone(part)];
    } catch {
      context.addIssue({ code: 'custom', message: `not an address or a CIDR range: ${part}` });
      return [];
    }
  }),
);

function lone(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const address = ipaddr.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** A mailbox that mail comes from: `login@example.org` or `The service <login@example.org>`. */
const mailbox = z.string().transform((text, context): Mailbox => {
  const [, name, bracketed] = /^([^<>"\p{Cc}]{0,100})<([^<>]+)>$/u.exec(text.trim()) ?? [];
  const address = z.email().safeParse((bracketed ?? text).trim());
  if (address.success) return { name: name?.trim() ?? '', address: address.data };
  context.addIssue({
    code: 'custom',
    message: 'expected an address, such as login@example.org or Name <login@example.org>',
  });
  return z.NEVER;
});

/** A rule of the throttle: `5/10/1h` lets five attempts pass freely, blocks after each further one, and lets ten in an hour at most. */
const rule = z.string().transform((text, context): ThrottleRule => {
  const [, free, limit, window] = /^(\d{1,6})\/(\d{1,6})\/(\w+)$/.exec(text.trim()) ?? [];
  const windowMs = duration.safeParse(window ?? '');
  const numbers = { free: Number(free), limit: Number(limit) };
  if (windowMs.success && numbers.free >= 1 && numbers.limit >= numbers.free)
    return { ...numbers, windowMs: windowMs.data };
  context.addIssue({ code: 'custom', message: 'expected free attempts, the limit and the window, such as 5/10/1h' });
  return z.NEVER;
});

const signingKey = z.string().transform((text, context) => {
  const key = readSigningKey(text);
  if (key) return key;
  context.addIssue({
    code: 'custom',
    message: 'expected an Ed25519 private key: 32 bytes in hexadecimal or base64, or PEM',
  });
  return z.NEVER;
});

const schema = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  HOST: z.string().default('127.0.0.1'),
  PORT: integer(0, 65_535).default(3_000),
  PUBLIC_URL: url('http', 'https').optional(),
  DATABASE_URL: url('postgresql', 'postgres'),
  DATABASE_POOL: integer(2, 200).default(10),
  REDIS_URL: url('redis', 'rediss'),
  SESSION_KEYS: list.default([]),
  SESSION_IDLE: duration.default(UNITS.d),
  SESSION_ABSOLUTE: duration.default(7 * UNITS.d),
  SESSION_REMEMBER_IDLE: duration.default(30 * UNITS.d),
  SESSION_REMEMBER_ABSOLUTE: duration.default(180 * UNITS.d),
  SESSION_OPERATOR_IDLE: duration.default(12 * UNITS.h),
  SESSION_OPERATOR_ABSOLUTE: duration.default(7 * UNITS.d),
  SECRETS_KEYS: list.default([]),
  SECOND_FACTOR: z.enum(['nobody', 'operators', 'everybody']).default('operators'),
  RECENT_LOGIN: duration.default(10 * UNITS.m),
  SERVICE_NAME: z.string().min(1).max(60).default('Holdfast'),
  LANGUAGES: languages.default([...LANGUAGES]),
  TRUSTED_PROXIES: networks.default([]),
  FORWARDED_HEADER: z.enum(['x-forwarded-for', 'forwarded']).default('x-forwarded-for'),
  PASSWORD_HASH_CONCURRENCY: integer(1, 64).default(1),
  PASSWORD_HASH_MEMORY_KIB: integer(1_024, 2_097_152).default(19_456),
  PASSWORD_HASH_PASSES: integer(1, 1_000).default(2),
  PASSWORD_HASH_LANES: integer(1, 64).default(1),
  BREACHED_PASSWORDS_URL: url('https', 'http').optional(),
  ATTEMPT_RETENTION: duration.default(90 * UNITS.d),
  AUDIT_RETENTION: duration.refine((ms) => ms >= 62 * UNITS.d, { message: 'at least 62d' }).optional(),
  AUDIT_SIGNING_KEY: signingKey.optional(),
  AUDIT_PUBLIC_KEYS: list
    .refine((keys) => readPublicKeys(keys) !== null, {
      message: 'expected Ed25519 public keys, 32 bytes in base64 each',
    })
    .default([]),
  AUDIT_CHECKPOINT_FILE: z.string().optional(),
  THROTTLE_ACCOUNT_CLIENT: rule.default({ free: 5, limit: 10, windowMs: UNITS.h }),
  THROTTLE_CLIENT: rule.default({ free: 50, limit: 100, windowMs: UNITS.h }),
  THROTTLE_ACCOUNT: rule.default({ free: 20, limit: 50, windowMs: UNITS.d }),
  THROTTLE_DEVICE: rule.default({ free: 5, limit: 10, windowMs: UNITS.h }),
  THROTTLE_REGISTER: rule.default({ free: 10, limit: 20, windowMs: UNITS.h }),
  THROTTLE_PASSWORD_CHANGE: rule.default({ free: 5, limit: 10, windowMs: UNITS.h }),
  THROTTLE_MAILBOX: rule.default({ free: 3, limit: 6, windowMs: 6 * UNITS.h }),
  THROTTLE_MAIL_CLIENT: rule.default({ free: 10, limit: 20, windowMs: UNITS.h }),
  THROTTLE_TOKEN: rule.default({ free: 20, limit: 40, windowMs: UNITS.h }),
  THROTTLE_SECOND_FACTOR: rule.default({ free: 5, limit: 20, windowMs: UNITS.d }),
  THROTTLE_BLOCK_FIRST: duration.default(30 * UNITS.s),
  THROTTLE_BLOCK_LONGEST: duration.default(UNITS.h),
  THROTTLE_SPRAYING_ACCOUNTS: integer(2, 100_000).default(15),
  THROTTLE_STUFFING_CLIENTS: integer(2, 100_000).default(50),
  THROTTLE_DEVICE_RETENTION: duration.default(180 * UNITS.d),
  SMTP_URL: url('smtp', 'smtps').optional(),
  MAIL_FROM: mailbox.optional(),
  MAIL_RETENTION: duration.default(30 * UNITS.d),
  REGISTRATION: z.enum(['open', 'verify', 'closed']).optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  SHUTDOWN_TIMEOUT_MS: integer(100, 600_000).default(10_000),
  METRICS_PORT: integer(0, 65_535).optional(),
  METRICS_HOST: z.string().default('127.0.0.1'),
});

/**
 * Who may have an account: everybody at once, everybody once they have confirmed their address, or whoever an operator
 * invites.
 */
export type RegistrationMode = 'open' | 'verify' | 'closed';

export type Config = ReturnType<typeof readConfig>;

/** Thrown by {@link readConfig}; `problems` holds one line a variable that is missing or wrong. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration can't be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * The configuration that the environment describes, with defaults for what it leaves out.
 * @throws ConfigError that lists every problem; in production also for a missing or weak secret, where the process signs
 * cookies (`signs`: the web process; the worker and the commands need no key).
 */
export function readConfig(env: Environment, { signs = true }: { signs?: boolean } = {}) {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const result = schema.safeParse(present);
  const problems = result.success
    ? []
    : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  if (signs) problems.push(...productionProblems(present));
  if (result.success) problems.push(...hashingProblems(result.data));
  problems.push(...mailProblems(present, signs), ...breachProblems(present));
  if (!result.success || problems.length > 0) throw new ConfigError(problems);
  const values = result.data;
  const publicUrl = new URL(values.PUBLIC_URL ?? `http://localhost:${values.PORT}`);
  const production = values.NODE_ENV === 'production';
  return Object.freeze({
    production,
    host: values.HOST,
    port: values.PORT,
    publicOrigin: publicUrl.origin,
    secureCookies: publicUrl.protocol === 'https:',
    databaseUrl: values.DATABASE_URL,
    databasePoolSize: values.DATABASE_POOL,
    redisUrl: values.REDIS_URL,
    sessionKeys: values.SESSION_KEYS.length > 0 ? values.SESSION_KEYS : ['development-only-key'],
    session: {
      standard: { idleTimeoutMs: values.SESSION_IDLE, absoluteLifetimeMs: values.SESSION_ABSOLUTE },
      remembered: { idleTimeoutMs: values.SESSION_REMEMBER_IDLE, absoluteLifetimeMs: values.SESSION_REMEMBER_ABSOLUTE },
      operator: { idleTimeoutMs: values.SESSION_OPERATOR_IDLE, absoluteLifetimeMs: values.SESSION_OPERATOR_ABSOLUTE },
    } satisfies Record<string, SessionLimits>,
    secretsKeys: values.SECRETS_KEYS.length > 0 ? values.SECRETS_KEYS : ['development-only-key'],
    secondFactor: values.SECOND_FACTOR,
    recentLoginMs: values.RECENT_LOGIN,
    serviceName: values.SERVICE_NAME,
    languages: values.LANGUAGES,
    trustedProxies: values.TRUSTED_PROXIES,
    forwardedHeader: values.FORWARDED_HEADER,
    passwordHashConcurrency: values.PASSWORD_HASH_CONCURRENCY,
    passwordHashCost: {
      memoryKib: values.PASSWORD_HASH_MEMORY_KIB,
      passes: values.PASSWORD_HASH_PASSES,
      lanes: values.PASSWORD_HASH_LANES,
    } satisfies HashingCost,
    /** Null: no service is asked. */
    breachedPasswordsUrl: values.BREACHED_PASSWORDS_URL ?? null,
    attemptRetentionMs: values.ATTEMPT_RETENTION,
    audit: {
      retentionMs: values.AUDIT_RETENTION ?? null,
      signingKey: values.AUDIT_SIGNING_KEY ?? null,
      publicKeys: values.AUDIT_PUBLIC_KEYS,
      checkpointFile: values.AUDIT_CHECKPOINT_FILE ?? null,
    },
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
      blockFirstMs: values.THROTTLE_BLOCK_FIRST,
      blockLongestMs: values.THROTTLE_BLOCK_LONGEST,
      sprayingAccounts: values.THROTTLE_SPRAYING_ACCOUNTS,
      stuffingClients: values.THROTTLE_STUFFING_CLIENTS,
      deviceRetentionMs: values.THROTTLE_DEVICE_RETENTION,
    } satisfies ThrottlePolicy,
    mail: {
      smtpUrl: values.SMTP_URL ?? null,
      from: values.MAIL_FROM ?? { name: values.SERVICE_NAME, address: `no-reply@${publicUrl.hostname}` },
      possible: values.SMTP_URL !== undefined || !production,
      shown: values.SMTP_URL === undefined && !production,
      retentionMs: values.MAIL_RETENTION,
    } satisfies MailPolicy,
    registration: (values.REGISTRATION ?? (values.SMTP_URL ? 'verify' : 'open')) as RegistrationMode,
    logLevel: values.LOG_LEVEL,
    shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT_MS,
    /** Null: the metrics are read nowhere. */
    metrics: values.METRICS_PORT === undefined ? null : { host: values.METRICS_HOST, port: values.METRICS_PORT },
  });
}

/** OWASP Password Storage Cheat Sheet: as little memory with so many passes is the least that Argon2id should cost. */
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

function productionProblems(env: Environment): string[] {
  if (env['NODE_ENV'] !== 'production') return [];
  const problems: string[] = [];
  for (const name of ['SESSION_KEYS', 'SECRETS_KEYS']) {
    const keys = (env[name] ?? '').split(',').map((key) => key.trim());
    if (keys.every((key) => key.length >= MINIMUM_KEY_LENGTH)) continue;
    problems.push(
      `${name}: in production each key needs at least ${MINIMUM_KEY_LENGTH} random characters (openssl rand -base64 32)`,
    );
  }
  if (!env['PUBLIC_URL']) problems.push('PUBLIC_URL: in production the address that people use must be given');
  return problems;
}

/** Links in mail lead to PUBLIC_URL, and a registration that waits for a mail that never comes is none. */
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

/** Who answers decides which passwords are taken, and whoever listens learns a part of each. */
function breachProblems(env: Environment): string[] {
  const text = env['BREACHED_PASSWORDS_URL'] ?? '';
  if (env['NODE_ENV'] !== 'production' || !URL.canParse(text)) return [];
  const { protocol, hostname } = new URL(text);
  if (protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)) return [];
  return ['BREACHED_PASSWORDS_URL: in production only https://, but for a service on the same machine'];
}

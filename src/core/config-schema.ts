// The variables of the environment: how each is read, and its default. Only config.ts uses this.
import * as z from 'zod';
import { readPublicKeys, readSigningKey } from './audit/ed25519.ts';
import { readNetwork, urls } from './config-addresses.ts';
import type { Mailbox } from './mail/outgoing-mail.ts';
import { readDuration, UNITS } from './platform/durations.ts';
import { readEmail } from './platform/email-address.ts';
import { LANGUAGES, type Language } from './platform/languages.ts';
import { KEYS_EXPECTED, keysIn } from './shipping/secrets.ts';
import type { ThrottleRule } from './throttle/policy.ts';

/** A duration such as `30d`, `12h`, `90s` or `500ms`, in milliseconds. */
const duration = z.string().transform((text, context) => {
  const milliseconds = readDuration(text);
  if (milliseconds !== null) return milliseconds;
  context.addIssue({
    code: 'custom',
    message: 'expected a duration such as 30d, 12h, 45m, 90s or 500ms, 3650d at most',
  });
  return z.NEVER;
});

/** PostgreSQL is asked once a second, and a statement may take ten. */
const alone = duration.refine((ms) => ms >= 15 * UNITS.s, { message: 'at least 15s' });

const integer = (minimum: number, maximum: number) => z.coerce.number().int().min(minimum).max(maximum);

const oneOf = <const Word extends string>(words: readonly [Word, ...Word[]]) =>
  z.enum(words, { error: `expected ${words.slice(0, -1).join(', ')} or ${words.at(-1)}` });

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

const networks = list.transform((parts, context) =>
  parts.flatMap((part) => {
    const network = readNetwork(part);
    if (network) return [network];
    context.addIssue({ code: 'custom', message: `not an address or a CIDR range: ${part}` });
    return [];
  }),
);

/** `login@example.org` or `The service <login@example.org>`. */
const mailbox = z.string().transform((text, context): Mailbox => {
  const [, name, bracketed] = /^([^<>"\p{Cc}]{0,100})<([^<>]+)>$/u.exec(text.trim()) ?? [];
  const address = readEmail(bracketed ?? text);
  if (address) return { name: name?.trim() ?? '', address };
  context.addIssue({
    code: 'custom',
    message: 'expected an address, such as login@example.org or Name <login@example.org>',
  });
  return z.NEVER;
});

/** `5/10/1h`: five attempts are free, each further one blocks, ten an hour are the limit. */
const rule = z.string().transform((text, context): ThrottleRule => {
  const [, free, limit, window] = /^(\d{1,6})\/(\d{1,6})\/(\w+)$/.exec(text.trim()) ?? [];
  const windowMs = duration.safeParse(window ?? '');
  const numbers = { free: Number(free), limit: Number(limit) };
  if (windowMs.success && numbers.free >= 1 && numbers.limit >= numbers.free)
    return { ...numbers, windowMs: windowMs.data };
  context.addIssue({ code: 'custom', message: 'expected free attempts, the limit and the window, such as 5/10/1h' });
  return z.NEVER;
});

/** `60/1h`: sixty in an hour. There is no block before the limit: whoever succeeds guesses nothing. */
const ruleOfSuccesses = z.string().transform((text, context): ThrottleRule => {
  const [, limit, window] = /^(\d{1,6})\/(\w+)$/.exec(text.trim()) ?? [];
  const windowMs = duration.safeParse(window ?? '');
  if (windowMs.success && Number(limit) >= 1)
    return { free: Number(limit), limit: Number(limit), windowMs: windowMs.data };
  context.addIssue({ code: 'custom', message: 'expected how many in which time, such as 60/1h' });
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

/** Several, each of which signs, so that one can be replaced. */
const webhookKeys = z.string().transform((text, context) => {
  const keys = keysIn(text);
  if (keys !== null) return keys;
  context.addIssue({ code: 'custom', message: `expected ${KEYS_EXPECTED}, with spaces or commas between several` });
  return z.NEVER;
});

/** What a header takes. */
const bearer = z.string().regex(/^[\x21-\x7e]{32,1000}$/, 'expected 32 to 1,000 characters of ASCII without spaces');

export const schema = z.object({
  NODE_ENV: oneOf(['development', 'test', 'production']).optional(),
  HOST: z.string().default('127.0.0.1'),
  PORT: integer(0, 65_535).default(3_000),
  MAX_CONNECTIONS: integer(10, 1_000_000).default(2_000),
  PUBLIC_URL: urls.public.optional(),
  DATABASE_URL: urls.database,
  DATABASE_POOL: integer(2, 200).default(10),
  WEB_PROCESSES: integer(1, 256).default(1),
  REDIS_URL: urls.redis,
  REDIS_SESSION_URLS: urls.redisList.default([]),
  REDIS_SENTINEL_USER: z.string().optional(),
  REDIS_SENTINEL_PASSWORD: z.string().optional(),
  REDIS_TLS_CA: urls.certificates.optional(),
  REDIS_TLS_SERVERNAME: urls.hostName.optional(),
  REDIS_ALONE: alone.default(15 * UNITS.m),
  REDIS_ALONE_OPERATOR: alone.default(UNITS.m),
  SESSION_KEYS: list.default([]),
  SESSION_IDLE: duration.default(UNITS.d),
  SESSION_ABSOLUTE: duration.default(7 * UNITS.d),
  SESSION_REMEMBER_IDLE: duration.default(30 * UNITS.d),
  SESSION_REMEMBER_ABSOLUTE: duration.default(180 * UNITS.d),
  SESSION_OPERATOR_IDLE: duration.default(12 * UNITS.h),
  SESSION_OPERATOR_ABSOLUTE: duration.default(7 * UNITS.d),
  SESSIONS_PER_ACCOUNT: integer(1, 100_000).default(100),
  SECRETS_KEYS: list.default([]),
  SECOND_FACTOR: oneOf(['nobody', 'operators', 'everybody']).default('operators'),
  RECENT_LOGIN: duration.default(10 * UNITS.m),
  SERVICE_CONTACT: urls.contact.optional(),
  SERVICE_NAME: z.string().min(1).max(60).default('Holdfast'),
  SECURITY_CONTACT: urls.contact.optional(),
  LANGUAGES: languages.default([...LANGUAGES]),
  HSTS: oneOf(['subdomains', 'host']).default('subdomains'),
  TRUSTED_PROXIES: networks.default([]),
  FORWARDED_HEADER: oneOf(['x-forwarded-for', 'forwarded']).default('x-forwarded-for'),
  PASSWORD_HASH_CONCURRENCY: integer(1, 64).default(1),
  PASSWORD_HASH_MEMORY_KIB: integer(1_024, 2_097_152).default(19_456),
  PASSWORD_HASH_PASSES: integer(1, 1_000).default(2),
  PASSWORD_HASH_LANES: integer(1, 64).default(1),
  BREACHED_PASSWORDS_URL: urls.asked.optional(),
  IMPORT_VERIFY_URL: urls.asked.optional(),
  IMPORT_VERIFY_SECRET: bearer.optional(),
  GEOIP_FILES: list.default([]),
  ATTEMPT_RETENTION: duration.default(90 * UNITS.d),
  AUDIT_RETENTION: duration.refine((ms) => ms >= 62 * UNITS.d, { message: 'at least 62d' }).optional(),
  AUDIT_SIGNING_KEY: signingKey.optional(),
  AUDIT_PUBLIC_KEYS: list
    .refine((keys) => readPublicKeys(keys) !== null, {
      message: 'expected Ed25519 public keys, 32 bytes in base64 each',
    })
    .default([]),
  AUDIT_CHECKPOINT_FILE: z.string().optional(),
  AUDIT_DRAINS_FILE: z.string().optional(),
  ALERT_WEBHOOK_URL: urls.asked.optional(),
  ALERT_WEBHOOK_SECRET: webhookKeys.optional(),
  ALERT_WEBHOOK_CA: urls.certificates.optional(),
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
  THROTTLE_LOGINS: ruleOfSuccesses.default({ free: 60, limit: 60, windowMs: UNITS.h }),
  THROTTLE_ACTS: rule.default({ free: 100, limit: 200, windowMs: UNITS.h }),
  THROTTLE_FORBIDDEN: rule.default({ free: 5, limit: 20, windowMs: UNITS.h }),
  THROTTLE_API: rule.default({ free: 3_600, limit: 3_600, windowMs: UNITS.h }),
  THROTTLE_NETWORK_FACTOR: integer(1, 256).default(4),
  THROTTLE_BLOCK_FIRST: duration.default(30 * UNITS.s),
  THROTTLE_BLOCK_LONGEST: duration.default(UNITS.h),
  THROTTLE_SPRAYING_ACCOUNTS: integer(2, 100_000).default(15),
  THROTTLE_STUFFING_CLIENTS: integer(2, 100_000).default(50),
  THROTTLE_DEVICE_RETENTION: duration.default(180 * UNITS.d),
  SMTP_URL: urls.smtp.optional(),
  MAIL_FROM: mailbox.optional(),
  MAIL_RETENTION: duration.default(30 * UNITS.d),
  REGISTRATION: oneOf(['open', 'verify', 'closed']).optional(),
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  SHUTDOWN_TIMEOUT_MS: integer(100, 600_000).default(10_000),
  METRICS_PORT: integer(0, 65_535).optional(),
  METRICS_HOST: z.string().default('127.0.0.1'),
});

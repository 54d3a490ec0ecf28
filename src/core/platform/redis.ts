// The clients for Redis, one a role, and every key name. While Redis is away, requests fail at once
// and fall back to PostgreSQL; the worker waits.
import { Redis, type RedisOptions } from 'ioredis';
import type { Log } from './log.ts';

/** Prefix of every key of the session client; BullMQ takes `QUEUE_PREFIX`. */
export const KEY_PREFIX = 'hf:';
export const QUEUE_PREFIX = '{hf:queue}';

/** Without the prefix. */
export const keys = {
  /** A session's copy or tombstone, by the base64url SHA-256 of its token. */
  session: (tokenHash: string) => `s:${tokenHash}`,
  /** Set: the token hashes of the copies that belong to an account. */
  owner: (userId: string) => `u:${userId}`,
  /** The high-water mark: the seq of the newest sealed ending that this Redis has taken. */
  endings: 'endings',
  /** Stands while PostgreSQL has gone back in time and nobody has accepted that. */
  rewound: 'rewound',
  /** When all sessions were last ended, for processes that can't ask PostgreSQL. */
  allEnded: 'everybody',
  /** How often groups and applications have changed, as PostgreSQL counts it. */
  applications: 'applications',
  /** Sorted set: token hash by the moment it was last seen, for the worker to write down. */
  touched: 'touched',
  /** Exists after an operator's session has looked at data of a person. */
  personRead: (sessionId: string, personId: string, what: string) => `r:${sessionId}:${personId}:${what}`,
  /** Hash: the sessions that one form began within a minute, and how often it was sent. */
  sentForm: (hash: string) => `f:${hash}`,
  /** List: the newest mail, where it is shown instead of sent. */
  shownMail: 'dev:mail',
  /** Exists while the throttle's counters are complete: a Redis that was emptied lacks it. */
  throttleMark: 't:mark',
  /** Hash: attempts refused, by block and ten minutes, for the worker to write to PostgreSQL. */
  throttleRefused: 't:refused',
  /** Sorted set: the attempts of a window by their moment. */
  throttleWindow: (key: string) => `t:w:${key}`,
  /** The end of a block and its id. */
  throttleBlock: (key: string) => `t:b:${key}`,
} as const;

const RECONNECT_MAX_MS = 500;
const COMMAND_TIMEOUT_MS = 500;
/** Beyond the ten seconds for which BullMQ lets Redis hold an answer back. */
const WORKER_SILENCE_MS = 12_000;

type Role = 'sessions' | 'queue' | 'worker';

const OPTIONS: Readonly<Record<Role, Omit<RedisOptions, 'replyMapping'>>> = {
  sessions: {
    keyPrefix: KEY_PREFIX,
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: ['mget'], // the session cache puts the reads of a moment into one by itself
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    autoResendUnfulfilledCommands: false,
  },
  queue: { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 2_000 },
  worker: { maxRetriesPerRequest: null, socketTimeout: WORKER_SILENCE_MS },
};

/** Connects in the background, and again after every break; an outage is logged once. */
export function openRedis({ url, role, log }: { url: string; role: Role; log: Log }): Redis {
  const client = new Redis(url, {
    connectionName: `holdfast-${role}`,
    connectTimeout: 2_000,
    retryStrategy: (attempt) => Math.min(attempt * 50, RECONNECT_MAX_MS),
    ...OPTIONS[role],
  });
  let away = false;
  client.on('error', (error: Error) => {
    if (!away) log.warn({ role, err: error.message }, 'Redis is away');
    away = true;
  });
  client.on('ready', () => {
    if (away) log.info({ role }, 'Redis is back');
    away = false;
  });
  return client;
}

/** Politely if Redis answers, else at once. Never throws. */
export async function closeRedis(client: Redis): Promise<void> {
  if (client.status === 'ready') await client.quit().catch(() => undefined);
  client.disconnect();
}

export function milliseconds(time: readonly (number | string)[]): number {
  return Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000);
}

/** Whether Redis takes no more: `maxmemory` is reached, and nothing is evicted. */
export function isFull(error: unknown): boolean {
  return replyCode(error) === 'OOM';
}

/** Whether Redis did not answer in time. ioredis gives this error no code, only its message. */
export function isCommandTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}

/** The code of an error reply: by the protocol, its first word. */
function replyCode(error: unknown): string | null {
  return error instanceof Error && error.name === 'ReplyError' ? (error.message.split(' ', 1)[0] ?? null) : null;
}

// The ways to Redis, one client a role, and every key name. What a client does when Redis is away is decided here:
// requests fail at once and fall back to PostgreSQL, the worker waits.
import { Redis, type RedisOptions } from 'ioredis';
import type { Log } from './log.ts';

/** Stands before every key of the session client; BullMQ takes `QUEUE_PREFIX` itself. */
const KEY_PREFIX = 'hf:';
export const QUEUE_PREFIX = '{hf:queue}';

/** Key names, as the session client sees them (without the prefix). */
export const keys = {
  /** A session's copy or tombstone, by the base64url SHA-256 of its token. */
  session: (tokenHash: string) => `s:${tokenHash}`,
  /** Set: the token hashes of the copies that belong to an account. */
  owner: (userId: string) => `u:${userId}`,
  /** The high-water mark: the seq of the newest sealed ending that this Redis has taken. */
  endings: 'endings',
  /** When all sessions were last ended, for processes that can't ask PostgreSQL. */
  allEnded: 'everybody',
  /** Sorted set: token hash by the moment it was last seen, for the worker to write down. */
  touched: 'touched',
  /** Stands while an operator's session has looked at something of a person's lately. */
  personRead: (sessionId: string, personId: string, what: string) => `r:${sessionId}:${personId}:${what}`,
  /** List: the newest mail, outside of production, where no server takes it. */
  shownMail: 'dev:mail',
  /** Stands while the throttle's counters are those of the records: a Redis that was emptied has none. */
  throttleMark: 't:mark',
  /** Hash: attempts refused, by block and ten minutes, for the worker to write down. */
  throttleRefused: 't:refused',
  /** Sorted set: the attempts of a window by their moment. */
  throttleWindow: (key: string) => `t:w:${key}`,
  /** The end of a block and its id. */
  throttleBlock: (key: string) => `t:b:${key}`,
} as const;

const RECONNECT_MAX_MS = 500;
const COMMAND_TIMEOUT_MS = 500;

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
  worker: { maxRetriesPerRequest: null },
};

/** A client for one role. Connects in the background and again after every break; an outage is logged once. */
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

/** Ends a client's connection: politely if it answers, else at once. Never throws. */
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

/** Whether Redis did not answer within the client's time: ioredis gives such an error no code. */
export function isCommandTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}

/** The code of an error that Redis answered with: by the protocol, its first word. */
function replyCode(error: unknown): string | null {
  return error instanceof Error && error.name === 'ReplyError' ? (error.message.split(' ', 1)[0] ?? null) : null;
}

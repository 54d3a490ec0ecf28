// The clients for Redis, one a role, and every key name. While Redis is away, requests fail at once
// and fall back to PostgreSQL; the worker waits.
import { Redis, type RedisOptions } from 'ioredis';
import type { Log } from './log.ts';
import { clusterOptionsOf, type RedisAddress, readRedisUrl, redisOptionsOf } from './redis-address.ts';

/** Prefix of every key of the session client, before the tag of a part of a Cluster; BullMQ takes `QUEUE_PREFIX`. */
export const KEY_PREFIX = 'hf:';
export const QUEUE_PREFIX = '{hf:queue}';

/** Without the prefix. */
export const keys = {
  /** A session's copy or tombstone, by the base64url SHA-256 of its token. */
  session: (tokenHash: string) => `s:${tokenHash}`,
  /** The token hashes of the copies of one account in 65,536. */
  owned: (share: string) => `o:${share}`,
  /** Sorted set: those of an account, of the version before. */
  owner: (userId: string) => `u:${userId}`,
  /** The high-water mark: the seq of the newest sealed ending that this Redis has taken. */
  endings: 'endings',
  /** The epoch of PostgreSQL that the high-water mark is of. */
  epoch: 'epoch',
  /** Sorted set: the endings of the last hour by their moment, for what PostgreSQL may lose. */
  journal: 'journal',
  /** Written to before a replica is asked whether it has everything. */
  replicated: 'replicated',
  /** The epoch in which the worker has ended what the journal knew. */
  repaired: 'repaired',
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

/** A command that is answered by nothing within this time ends its connection: its host may have vanished without a word. */
const SILENCE_MS = 2_000;

const OPTIONS: Readonly<Record<Role, Omit<RedisOptions, 'replyMapping'>>> = {
  sessions: {
    keyPrefix: KEY_PREFIX,
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: ['mget'], // the session cache puts the reads of a moment into one by itself
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
    autoResendUnfulfilledCommands: false,
  },
  queue: { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 2_000, socketTimeout: SILENCE_MS },
  worker: { maxRetriesPerRequest: null, socketTimeout: WORKER_SILENCE_MS },
};

interface OpenRedisOptions {
  readonly address: RedisAddress;
  readonly role: Role;
  readonly log: Log;
  /** What it is called where there are several. */
  readonly store?: string;
}

/** Of a server, or of the master that Sentinels name. */
export function openRedis({ address, ...options }: OpenRedisOptions): Redis {
  return open(redisOptionsOf(address), options);
}

/** Those that have sessions, in the order of their list; a Cluster is as many as it has parts. `storeOf` names each. */
export function openSessionRedis({ addresses, log, storeOf }: OpenSessionRedisOptions): readonly Redis[] {
  const all = addresses.flatMap((address) =>
    isCluster(address) ? clusterOptionsOf(address, KEY_PREFIX) : redisOptionsOf(address),
  );
  return all.map((options, place) => open(options, { role: 'sessions', store: storeOf(place), log }));
}

interface OpenSessionRedisOptions {
  readonly addresses: readonly RedisAddress[];
  readonly storeOf: (place: number) => string;
  readonly log: Log;
}

export function isCluster({ url }: RedisAddress): boolean {
  return readRedisUrl(url).url.cluster;
}

/** Connects in the background, and again after every break. What is wrong is logged once an outage. */
function open(options: ReturnType<typeof redisOptionsOf>, { role, log, store }: Omit<OpenRedisOptions, 'address'>) {
  const client = new Redis({
    connectionName: `holdfast-${role}`,
    connectTimeout: 2_000,
    retryStrategy: (attempt) => Math.min(attempt * 50, RECONNECT_MAX_MS),
    ...OPTIONS[role],
    ...options,
  });
  const who = { role, ...(store === undefined ? {} : { store }) };
  let away = false;
  const said = new Set<string>();
  const sayOnce = (words: string, reason: string) => {
    if (!said.has(reason)) log.warn({ ...who, err: reason }, words);
    said.add(reason);
  };
  client.on('sentinelError', (error: Error) => sayOnce('a Sentinel leads nowhere', error.message));
  client.on('error', (error: Error) => {
    away = true;
    sayOnce('Redis is away', ofClient(error));
  });
  client.on('ready', () => {
    if (away) log.info(who, 'Redis is back');
    away = false;
    said.clear();
  });
  return client;
}

/** ioredis says the same of Sentinels that answer, and counts its attempts. */
function ofClient({ message }: Error): string {
  return message.startsWith('All sentinels') ? 'no Sentinel leads to a master that answers' : message;
}

/**
 * Ends a connection that answers nothing, for a new one: the next request must not wait as well. Once, however many wait: until
 * its socket has closed, ioredis calls it ready.
 */
export function reconnect(client: Redis): void {
  if (client.stream.writable) client.disconnect(true);
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

/** The code of an error reply: by the protocol, its first word. Null for any other error. */
export function replyCode(error: unknown): string | null {
  return error instanceof Error && error.name === 'ReplyError' ? (error.message.split(' ', 1)[0] ?? null) : null;
}

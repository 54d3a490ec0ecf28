// The copies of sessions in Redis, beside the truth in PostgreSQL. A read costs one command. A copy
// is not trusted where this Redis may have missed an ending, and nothing brings an ended session
// back ("How an ended session stays ended" in docs/architecture.md). PostgreSQL answers for Redis.
import type { Redis } from 'ioredis';
import { hashToken } from '../credentials/random-token.ts';
import type { Log } from '../platform/log.ts';
import type { SessionSource } from '../platform/metrics.ts';
import { keys } from '../platform/redis.ts';
import {
  formatEntry,
  formatTombstone,
  nameOf,
  ownerKey,
  parseEntry,
  parseTombstone,
  type SessionReading,
} from './cache-entry.ts';
import { defineScripts, TOUCH_INTERVAL_MS, writeTombstones } from './cache-scripts.ts';
import {
  type AllSessionsEndedNotice,
  type CacheTrust,
  type CacheWrites,
  createAllSessionsEndedNotice,
  createCacheTrust,
  createCacheWrites,
  type EndingsWatch,
  watchEndings,
} from './cache-trust.ts';
import { createLastSeen, type LastSeen } from './last-seen.ts';
import { createRegistryVersion, type RegistryVersion } from './registry-version.ts';
import { createRewoundDatabase, type Rewind } from './rewound-database.ts';
import type { AllSessionsEnded, Ending, LiveRecord, SessionOwner, SessionRecord } from './session-record.ts';
import type { SessionTable } from './session-table.ts';

/** A session without a row is remembered for a while, so that guessing costs no SQL. */
const UNKNOWN_MS = 60_000;
/** A row that was read longer ago may have ended since, and its tombstone gone. */
const REFILL_WITHIN_MS = 1_000;

/**
 * Thrown when neither Redis nor PostgreSQL answers, or Redis alone does and is believed no longer:
 * nothing is known of the session, and nothing must change.
 */
export class StoresAwayError extends Error {
  constructor(cause: unknown) {
    super('no store can say what became of the session', { cause });
    this.name = 'StoresAwayError';
  }
}

export interface SessionCacheOptions {
  readonly redis: Redis;
  readonly table: SessionTable;
  readonly log: Log;
  /** How long a copy is believed while PostgreSQL can't be asked, by whose session it is. */
  readonly alone: Readonly<Record<SessionOwner['role'], number>>;
  /** Called for each reading with the store that answered it. */
  readonly count?: (source: SessionSource) => void;
  /** Records that PostgreSQL has gone back in time. */
  readonly onRewind?: (rewind: Rewind) => Promise<void>;
}

export type SessionCache = ReturnType<typeof createSessionCache>;

export function createSessionCache({
  redis,
  table,
  log,
  alone,
  count = () => undefined,
  onRewind = async () => undefined,
}: SessionCacheOptions) {
  defineScripts(redis);
  const notice = createAllSessionsEndedNotice(redis);
  const registry = createRegistryVersion(redis);
  const trust = createCacheTrust({ redis, table, log, notice });
  const writes = createCacheWrites({ trust, log });
  const rewound = createRewoundDatabase({ redis, table, log, onRewind });
  const lastSeen = createLastSeen({ redis, table, suspect: rewound.suspect });
  const watch = watchEndings({
    redis,
    table,
    log,
    trust,
    notice,
    rewound,
    registry,
    invalidate,
    alsoWhileTrusted: () =>
      lastSeen
        .flushLate()
        .catch((error: unknown) => log.debug({ err: error }, 'when sessions were seen last could not be written down')),
  });

  const readNamed = createReader({ redis, table, alone, count, trust, notice, registry, lastSeen, watch, writes });

  async function invalidate(endings: readonly Ending[], keepMs?: number): Promise<boolean> {
    try {
      await writeTombstones(redis, endings, keepMs);
      return true;
    } catch (error) {
      if (redis.status === 'ready') log.warn({ err: error }, 'Redis refuses to end sessions');
      trust.distrust();
      return false;
    }
  }

  return {
    /**
     * What is known of a session, by its token.
     * @throws StoresAwayError when neither store answers.
     */
    read: (token: string): Promise<SessionReading> => readNamed(nameOf(hashToken(token))),

    /** The same by its name ({@link nameOf}). */
    readNamed,

    /** Where Redis is away, the next read puts the copy. Never throws. */
    async put(tokenHash: Buffer, record: LiveRecord): Promise<void> {
      if (trust.isTrusted()) await writes.follow(writeCopy(redis, nameOf(tokenHash), record));
    },

    /**
     * Replaces copies by tombstones that outlive any request: true if Redis took them all. Else it
     * is not trusted until it has.
     */
    invalidate,

    /**
     * The worker's part: invalidates what it has just sealed and raises the high-water mark from
     * the ending before (`previousSeq`). A Redis that has missed that one too is reconciled. Throws
     * where Redis can't take it.
     */
    async replay(
      endings: readonly Ending[],
      { previousSeq, endingSeq }: { previousSeq: number; endingSeq: number },
    ): Promise<void> {
      const mustBeSame = trust.pinConnection();
      if (!(await invalidate(endings))) throw new Error('Redis could not take the endings');
      mustBeSame();
      if ((await redis.hfRaiseMark(keys.endings, endingSeq, previousSeq)) === 0) await trust.reconcile();
    },

    /** Here at once, in other processes within a second. Never throws. */
    async endAll(allEnded: AllSessionsEnded): Promise<void> {
      notice.note(allEnded);
      await notice.publish().catch(() => undefined);
    },

    /**
     * The copies of a person's live sessions, for when PostgreSQL can't list them. Throws where
     * Redis is away.
     */
    copiesOf: (userId: string) => copiesOf(redis, userId),

    flushTouches: lastSeen.flush,

    /** How often groups and applications have changed, as far as this process has heard. */
    registry,

    /** What follows when PostgreSQL has gone back in time. */
    rewound,

    /** Which stores can be asked right now. */
    health: () => ({ redis: trust.isTrusted(), postgres: watch.isDatabaseUp() }),

    /** Nobody's copy is believed any more: PostgreSQL was not heard of for too long. */
    isAlone: () => watch.silentMs() > Math.max(alone.member, alone.operator),

    /** Leaves the client open. */
    close: watch.close,
  };
}

interface ReaderOptions extends Required<Pick<SessionCacheOptions, 'redis' | 'table' | 'alone' | 'count'>> {
  readonly trust: CacheTrust;
  readonly notice: AllSessionsEndedNotice;
  readonly registry: Pick<RegistryVersion, 'read'>;
  readonly lastSeen: LastSeen;
  readonly watch: EndingsWatch;
  readonly writes: CacheWrites;
}

/**
 * Redis answers if its copy can be trusted; else PostgreSQL does, and the copy goes back to Redis.
 */
function createReader(options: ReaderOptions) {
  const { redis, table, alone, count, trust, notice, registry, lastSeen, watch, writes } = options;
  const readTogether = shareReads(redis);

  /** Null where PostgreSQL must be asked. */
  async function readCopy(name: string): Promise<SessionReading | null> {
    if (!trust.isTrusted()) return null;
    let value: string | null | undefined;
    let mark: string | null | undefined;
    try {
      const reads = readTogether();
      const place = reads.keys.push(keys.session(name)) - 1;
      const values = await reads.values;
      value = values[place];
      mark = values.at(-1);
      registry.read(values.at(-2));
    } catch {
      trust.hangUp();
      return null;
    }
    const tombstone = parseTombstone(value);
    if (tombstone) return tombstone;
    if (!trust.accepts(mark)) return null;
    const entry = parseEntry(value);
    if (!entry || !value) return null;
    // A copy of a version that did not note when the session began is judged by PostgreSQL.
    if (notice.ended(entry.owner)) return entry.owner.createdAt === 0 ? null : ENDED_WITH_ALL;
    if (watch.silentMs() > alone[entry.owner.role]) return askDatabase();
    if (lastSeen.isDue(value)) void touch(name, entry.idleTimeoutMs, entry.owner.id);
    return entry;
  }

  /** A Redis that PostgreSQL has said nothing of for that long may be one that was left behind. */
  function askDatabase(): null {
    if (watch.isDatabaseUp()) return null;
    count('nowhere');
    throw new StoresAwayError(new Error('Redis alone is believed no longer'));
  }

  async function readRow(name: string): Promise<SessionReading> {
    const readAt = performance.now();
    const record = await table.find(Buffer.from(name, 'base64url')).catch((error: unknown) => {
      watch.databaseIsAway();
      count('nowhere');
      throw new StoresAwayError(error);
    });
    count('postgres');
    const fresh = performance.now() - readAt <= REFILL_WITHIN_MS;
    if (trust.isTrusted() && fresh) void writes.follow(refill(redis, name, record));
    if (record.state !== 'live') return record;
    const redisCanTouch = trust.isTrusted() && !writes.isFull();
    if (!redisCanTouch && record.sinceSeenMs > TOUCH_INTERVAL_MS) touchRow(record.owner.id);
    return { state: 'live', owner: record.owner, data: record.data };
  }

  async function touch(name: string, idleTimeoutMs: number, sessionId: string): Promise<void> {
    await writes.follow(lastSeen.touch(name, idleTimeoutMs));
    if (writes.isFull()) touchRow(sessionId);
  }

  function touchRow(sessionId: string): void {
    table.touch(sessionId).catch(() => undefined);
  }

  return async (name: string): Promise<SessionReading> => {
    const reading = await readCopy(name);
    if (reading === null) return readRow(name);
    count('redis');
    return reading;
  };
}

/** The rows and copies of sessions that ended with all others are ended one batch after another. */
const ENDED_WITH_ALL = { state: 'ended', reason: 'revoked_by_operator' } as const;

/**
 * Copies that are read together, and the last two of the values: the version of the registry of
 * applications and the high-water mark at that moment.
 */
interface Reads {
  readonly keys: string[];
  readonly values: Promise<(string | null)[]>;
}

/** What the requests of one turn of the event loop ask for goes to Redis as one command. */
function shareReads(redis: Redis): () => Reads {
  let open: Reads | null = null;
  return () => {
    if (open) return open;
    const names: string[] = [];
    const values = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      open = null;
      return redis.mget(...names, keys.applications, keys.endings);
    });
    open = { keys: names, values };
    return open;
  };
}

function refill(redis: Redis, name: string, record: SessionRecord): Promise<unknown> {
  if (record.state === 'live') return writeCopy(redis, name, record);
  const tombstone = formatTombstone(record.state === 'ended' ? record.reason : 'unknown');
  return redis.set(keys.session(name), tombstone, 'PX', UNKNOWN_MS, 'NX');
}

function writeCopy(redis: Redis, name: string, record: LiveRecord): Promise<number> {
  return redis.hfRefill(
    keys.session(name),
    keys.endings,
    ownerKey(record.owner.userId),
    Math.round(record.sinceSeenMs),
    Math.ceil(record.idleTimeoutMs - record.sinceSeenMs),
    Math.ceil(record.absoluteRemainingMs),
    formatEntry(record),
    name,
  );
}

/** Of a live session. */
export interface Copy {
  readonly sessionId: string;
  readonly loginId: string;
  readonly atApplication: boolean;
  readonly tokenHash: Buffer;
}

async function copiesOf(redis: Redis, userId: string): Promise<Copy[]> {
  const names = await redis.zrange(ownerKey(userId), 0, '-1');
  if (names.length === 0) return [];
  const values = await redis.mget(names.map((name) => keys.session(name)));
  return names.flatMap((name, index) => {
    const owner = parseEntry(values[index])?.owner;
    if (!owner) return [];
    const { id: sessionId, loginId, application } = owner;
    return [
      { sessionId, loginId, atApplication: application !== undefined, tokenHash: Buffer.from(name, 'base64url') },
    ];
  });
}

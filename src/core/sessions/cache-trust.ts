// Whether the copies in this Redis may be trusted: only while it is known to have taken every
// ending that PostgreSQL knows. The high-water mark in Redis is the seq of the newest sealed ending
// that it has taken; a process trusts copies read beside a mark that is not below its floor. Else
// it reconciles first.
import { setTimeout as delay } from 'node:timers/promises';
import { type Redis, ReplyError } from 'ioredis';
import type { Log } from '../platform/log.ts';
import { isFull, keys } from '../platform/redis.ts';
import { redisFault } from '../platform/redis-needs.ts';
import { writeTombstones } from './cache-scripts.ts';
import type { RegistryVersion } from './registry-version.ts';
import type { RewoundDatabase } from './rewound-database.ts';
import type { AllSessionsEnded, Ending, SessionOwner } from './session-record.ts';
import type { SessionTable } from './session-table.ts';

const WATCH_INTERVAL_MS = 1_000;

export interface CacheTrustOptions {
  readonly redis: Redis;
  readonly table: Pick<SessionTable, 'newest' | 'endingsAfter'>;
  readonly log: Log;
  readonly notice: AllSessionsEndedNotice;
}

export type CacheTrust = ReturnType<typeof createCacheTrust>;

export function createCacheTrust(options: CacheTrustOptions) {
  const { redis, table, log, notice } = options;
  let trusted = false;
  /** The lowest high-water mark beside which a copy is trusted. */
  let floor = 0;
  /** Which server this was, and in which history, when it was last reconciled. */
  let identity: string | null = null;
  let reconciling: Promise<void> | null = null;
  let fault: string | null = null;
  const pinConnection = pinConnections(redis);

  redis.on('ready', () => void connected());
  redis.on('close', () => {
    trusted = false;
  });
  if (redis.status === 'ready') void connected();

  /** The same server in the same history is trusted as before; any other is reconciled first. */
  async function connected(): Promise<void> {
    try {
      const mustBeSame = pinConnection();
      const current = await readIdentity(redis);
      mustBeSame();
      void warnOfEviction(redis, log);
      if (current !== null && current === identity) trusted = true;
      else await reconcile();
    } catch (error) {
      log.debug({ err: error }, 'Redis went away again');
    }
  }

  /** Replays the endings that this Redis may have missed, then trusts it. Never throws. */
  function reconcile(): Promise<void> {
    reconciling ??= replayMissed()
      .catch((error: unknown) => {
        trusted = false;
        log.debug({ err: error }, 'Redis could not be reconciled yet');
      })
      .finally(() => {
        reconciling = null;
      });
    return reconciling;
  }

  /** Throws where it can't be used; what is wrong is logged once. */
  async function needUsable(): Promise<void> {
    const before = fault;
    fault = await redisFault(redis);
    if (fault === null) return;
    if (fault !== before) log.error({ reason: fault }, 'Redis can not be used');
    throw new Error(fault);
  }

  async function replayMissed(): Promise<void> {
    const mustBeSame = pinConnection();
    await needUsable();
    const { ending: newest, allEnded } = await table.newest();
    floor = newest;
    notice.note(allEnded);
    await notice.publish();
    await writeMissed(options, newest, mustBeSame);
    const current = await readIdentity(redis);
    mustBeSame();
    identity = current;
    trusted = true;
  }

  /** Nothing is trusted before this Redis is reconciled. */
  function distrust(): void {
    identity = null;
    trusted = false;
  }

  /** After an answer that did not come in time: the next request must not wait as well. */
  function hangUp(): void {
    if (!trusted) return;
    trusted = false;
    redis.disconnect(true);
  }

  return {
    isTrusted: () => trusted,
    distrust,
    hangUp,
    pinConnection,
    reconcile,

    /**
     * Whether copies that were read beside this high-water mark may be trusted; else this Redis is
     * reconciled.
     */
    accepts(mark: string | null | undefined): boolean {
      if (mark === null || mark === undefined || Number(mark) < floor) {
        void reconcile();
        return false;
      }
      floor = Number(mark);
      return true;
    },

    raiseFloor(seq: number): void {
      floor = Math.max(floor, seq);
    },
  };
}

/** Invalidates what this Redis may have missed, then raises its high-water mark. */
async function writeMissed(
  { redis, table, log }: CacheTrustOptions,
  newest: number,
  mustBeSame: () => void,
): Promise<void> {
  const text = await redis.get(keys.endings);
  const mark = text === null ? null : Number(text);
  const endings = await table.endingsAfter(mark);
  await writeTombstones(redis, endings);
  mustBeSame();
  if ((await redis.hfRaiseMark(keys.endings, newest, mark ?? '-')) === 0) throw new Error('the mark moved meanwhile');
  if (mark === null || mark < newest) {
    log.info({ mark, newest, endings: endings.length }, 'Redis had missed endings and was told of them');
  }
}

/**
 * What was read on one connection says nothing of the server of the next: each call pins the
 * connection of the moment, and what it returns throws once that is another.
 */
function pinConnections(redis: Redis): () => () => void {
  let connection = 0;
  redis.on('close', () => {
    connection += 1;
  });
  return () => {
    const pinned = connection;
    return () => {
      if (pinned !== connection) throw new Error('the connection to Redis changed meanwhile');
    };
  };
}

export type CacheWrites = ReturnType<typeof createCacheWrites>;

/** Learns from how writes go. */
export function createCacheWrites({ trust, log }: { trust: CacheTrust; log: Log }) {
  let full = false;
  return {
    /** Whether Redis takes no new value (`maxmemory`). */
    isFull: () => full,

    /**
     * Waits for a write. A Redis that refuses one (read-only, say) may have missed endings too.
     * Never throws.
     */
    async follow(write: Promise<unknown>): Promise<void> {
      try {
        await write;
        full = false;
      } catch (error) {
        full = isFull(error);
        if (full) return;
        if (!(error instanceof ReplyError)) return trust.hangUp();
        log.debug({ err: error }, 'Redis refused a write');
        trust.distrust();
      }
    },
  };
}

/**
 * Which server answers, and in which history: a failover or an old append-only file changes one of
 * them.
 */
async function readIdentity(redis: Redis): Promise<string | null> {
  const info = await redis.info('server', 'replication').catch(() => '');
  const run = /^run_id:(\w+)/m.exec(info)?.[1];
  const history = /^master_replid:(\w+)/m.exec(info)?.[1];
  return run && history ? `${run}/${history}` : null;
}

/** A Redis that evicts keys loses jobs; sessions would go on from PostgreSQL. */
async function warnOfEviction(redis: Redis, log: Log): Promise<void> {
  const info = await redis.info('memory').catch(() => '');
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction') {
    log.warn({ policy }, 'Redis may evict keys, which loses jobs: set maxmemory-policy noeviction');
  }
}

export type AllSessionsEndedNotice = ReturnType<typeof createAllSessionsEndedNotice>;

/**
 * When all sessions were last ended, as this process knows it. It costs a read neither a command
 * nor a query.
 */
export function createAllSessionsEndedNotice(redis: Redis) {
  let newest: AllSessionsEnded | null = null;

  /** An older notice than the one that stands changes nothing. */
  function note(allEnded: AllSessionsEnded | null): void {
    if (allEnded !== null && allEnded.at >= (newest?.at ?? 0)) newest = allEnded;
  }

  return {
    note,

    /** Leaves it in Redis for processes that can't ask PostgreSQL. */
    async publish(): Promise<void> {
      if (newest) await redis.set(keys.allEnded, JSON.stringify(newest));
    },

    /** Reads what another process left in Redis. */
    async fetch(): Promise<void> {
      note(parseNotice(await redis.get(keys.allEnded)));
    },

    ended({ id, createdAt }: SessionOwner): boolean {
      return newest !== null && createdAt <= newest.at && id !== newest.kept;
    },
  };
}

function parseNotice(text: string | null): AllSessionsEnded | null {
  if (text === null) return null;
  const { at, kept } = JSON.parse(text) as Partial<AllSessionsEnded>;
  return typeof at === 'number' ? { at, kept: kept ?? null } : null;
}

export interface EndingsWatchOptions {
  readonly redis: Redis;
  readonly table: Pick<SessionTable, 'newest' | 'overdueEndings'>;
  readonly log: Log;
  readonly trust: CacheTrust;
  readonly notice: AllSessionsEndedNotice;
  readonly rewound: Pick<RewoundDatabase, 'readMark' | 'compare'>;
  readonly registry: Pick<RegistryVersion, 'heard'>;
  readonly invalidate: (endings: readonly Ending[]) => Promise<boolean>;
  /** Runs after each look that found Redis trusted. Must not throw. */
  readonly alsoWhileTrusted: () => Promise<void>;
}

export type EndingsWatch = ReturnType<typeof watchEndings>;

/**
 * Asks PostgreSQL every second what it knows of endings, whatever becomes of the worker and of
 * other processes.
 */
export function watchEndings(options: EndingsWatchOptions) {
  const { redis, table, log, trust, notice, rewound, registry, invalidate, alsoWhileTrusted } = options;
  const stop = new AbortController();
  let databaseUp = false;
  let heardAt = Number.NEGATIVE_INFINITY;
  let overdueSince = new Date(0);

  async function look(): Promise<void> {
    const mark = await rewound.readMark().catch(() => null);
    const askedAt = performance.now();
    const [newest, overdue] = await Promise.all([table.newest(), table.overdueEndings(overdueSince)]);
    databaseUp = true;
    heardAt = askedAt;
    notice.note(newest.allEnded);
    trust.raiseFloor(newest.ending);
    void registry.heard(newest.registryVersion);
    if (overdue.endings.length > 0 && (await invalidate(overdue.endings))) overdueSince = overdue.until;
    await rewound.compare(mark, newest.ending).catch((error: unknown) => log.debug({ err: error }, 'Redis went away'));
    if (!trust.isTrusted() && redis.status === 'ready') await trust.reconcile();
    if (trust.isTrusted()) await alsoWhileTrusted();
  }

  async function watch(): Promise<void> {
    while (!stop.signal.aborted) {
      await look().catch(async (error: unknown) => {
        if (databaseUp) log.warn({ err: error }, 'PostgreSQL is away');
        databaseUp = false;
        await notice.fetch().catch(() => undefined);
      });
      await delay(WATCH_INTERVAL_MS, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
    }
  }

  void watch();
  return {
    isDatabaseUp: () => databaseUp,
    /** How long PostgreSQL has said nothing of endings. */
    silentMs: () => performance.now() - heardAt,
    /** Somebody else could not ask PostgreSQL. */
    databaseIsAway(): void {
      databaseUp = false;
    },
    close: () => stop.abort(),
  };
}

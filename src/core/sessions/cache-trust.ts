// Whether the copies in this Redis may be trusted: only while it is known to have taken every
// ending that PostgreSQL knows. The high-water mark in Redis is the seq of the newest sealed ending
// that it has taken; a process trusts copies read beside a mark that is not below its floor. Else
// it reconciles first.
import { type Redis, ReplyError } from 'ioredis';
import type { Log } from '../platform/log.ts';
import { type Epoch, isOlder } from '../platform/postgres/epoch.ts';
import { isFull, keys, reconnect } from '../platform/redis.ts';
import { redisFault } from '../platform/redis-needs.ts';
import { type Epochs, StaleDatabaseError } from './failover/epochs.ts';
import type { Newest } from './known-endings.ts';
import type { AllSessionsEnded, Ending, SessionOwner } from './session-record.ts';
import type { SessionTable } from './session-table.ts';

export interface CacheTrustOptions {
  readonly redis: Redis;
  /** Which setting leads to it, for whoever has to change it; null for a part of a Cluster, whose master is looked for. */
  readonly setting: string | null;
  readonly table: Pick<SessionTable, 'newest' | 'endingsAfter'>;
  readonly log: Log;
  readonly notice: AllSessionsEndedNotice;
  readonly epochs: Epochs;
  /** Writes tombstones; throws where Redis can't take them all. */
  readonly end: (endings: readonly Ending[]) => Promise<void>;
  /** Keeps endings that PostgreSQL has lost. */
  readonly hold: () => Promise<void>;
  /** PostgreSQL has gone back in time within an epoch: sets the mark to what it knows. */
  readonly settle: () => Promise<void>;
}

export type CacheTrust = ReturnType<typeof createCacheTrust>;

export function createCacheTrust(options: CacheTrustOptions) {
  const { redis, setting, table, log, notice, epochs } = options;
  let trusted = false;
  /** The lowest high-water mark beside which a copy is trusted. */
  let floor = 0;
  /** Which server this was, and in which history, when it was last reconciled. */
  let identity: string | null = null;
  let reconciling: Promise<void> | null = null;
  /** The epoch in which it was last reconciled. */
  let settledIn: Epoch | null = null;
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
    if (setting === null) return;
    const before = fault;
    fault = await redisFault(redis, setting);
    if (fault === null) return;
    if (fault !== before) log.error({ reason: fault }, 'Redis can not be used');
    throw new Error(fault);
  }

  async function replayMissed(): Promise<void> {
    const mustBeSame = pinConnection();
    await needUsable();
    const newest = await table.newest();
    const epoch = epochs.hear(newest);
    floor = newest.ending;
    notice.note(newest.allEnded);
    await notice.fetch(redis); // PostgreSQL may have lost the newest order
    await notice.publish(redis);
    for (let tries = 1; !(await writeMissed(options, { ending: newest.ending, epoch }, mustBeSame)); tries += 1)
      if (tries === MOST_TRIES) throw new Error('the mark moved meanwhile');
    const current = await readIdentity(redis);
    mustBeSame();
    identity = current;
    settledIn = epoch;
    trusted = true;
  }

  /** Another process has met PostgreSQL in a newer epoch, and reconciled this Redis; the epoch itself may be known from elsewhere. */
  function meet(mark: number, epoch: Epoch | null | undefined): boolean {
    const isMet = epochs.meet(epoch) || (isKnown(epoch) && settledIn !== null && isOlder(settledIn, epoch));
    if (!isMet) return false;
    settledIn = epoch ?? null;
    floor = mark;
    return true;
  }

  function isKnown(epoch: Epoch | null | undefined): epoch is Epoch {
    return epoch !== null && epoch !== undefined && epoch === epochs.newest();
  }

  function isCurrent(mark: number, epoch: Epoch | null | undefined): boolean {
    return epochs.holds(epoch) && mark >= floor;
  }

  /** Nothing is trusted before this Redis is reconciled. */
  function distrust(): void {
    identity = null;
    trusted = false;
  }

  /** After an answer that did not come in time. */
  function hangUp(): void {
    if (!trusted) return;
    trusted = false;
    reconnect(redis);
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
    accepts(mark: string | null | undefined, epoch: Epoch | null | undefined): boolean {
      if (mark === null || mark === undefined || !(meet(Number(mark), epoch) || isCurrent(Number(mark), epoch))) {
        void reconcile();
        return false;
      }
      floor = Number(mark);
      return true;
    },

    meet,

    /** The epoch before which this Redis was told of what PostgreSQL has lost; null for none. */
    settledIn: () => settledIn,

    /**
     * What PostgreSQL says now. In a new epoch this Redis is reconciled.
     * @throws StaleDatabaseError
     */
    hear(newest: Newest): void {
      const epoch = epochs.hear(newest);
      if (epoch === null || epoch === settledIn) floor = Math.max(floor, newest.ending);
      else if (redis.status === 'ready') void reconcile();
    },
  };
}

/** All processes write the mark of a Redis that was emptied, and each but the first finds that it has moved. */
const MOST_TRIES = 5;

/** Invalidates what this Redis may have missed, then raises its high-water mark; false where that moved meanwhile. */
async function writeMissed(
  { redis, table, log, epochs, end, hold, settle }: CacheTrustOptions,
  { ending: newest, epoch }: { ending: number; epoch: Epoch | null },
  mustBeSame: () => void,
): Promise<boolean> {
  const [text = null, found = null] = await redis.mget(keys.endings, keys.epoch);
  if (epoch !== null && found !== null && epochs.meet(found)) throw new StaleDatabaseError(epoch, found);
  const isSame = text !== null && (epoch === null || found === epoch);
  // A copy of another epoch still counts where PostgreSQL can't be asked, and to a version that knows no epochs: what this
  // Redis has missed is replayed in any case, and late refills are kept off as in an empty one.
  const mark = text === null ? null : Number(text);
  if (!isSame) await hold();
  else if (Number(text) > newest) await settle();
  const endings = await table.endingsAfter(mark, { lately: !isSame });
  await end(endings);
  mustBeSame();
  const moved = isSame
    ? await redis.hfRaiseMark(keys.endings, keys.epoch, newest, Math.min(Number(text), newest), epoch ?? '')
    : await redis.hfResetMark(keys.endings, keys.epoch, newest, epoch ?? '', text ?? '', found ?? '');
  if (moved === 0) return false;
  if (mark === null || mark < newest) {
    log.info({ mark, newest, epoch, endings: endings.length }, 'Redis had missed endings and was told of them');
  }
  return true;
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
export function createAllSessionsEndedNotice() {
  let newest: AllSessionsEnded | null = null;

  /** An older notice than the one that stands changes nothing. */
  function note(allEnded: AllSessionsEnded | null): void {
    if (allEnded !== null && allEnded.at >= (newest?.at ?? 0)) newest = allEnded;
  }

  return {
    note,

    /** Leaves it in Redis for processes that can't ask PostgreSQL. */
    async publish(redis: Redis): Promise<void> {
      if (newest) await redis.set(keys.allEnded, JSON.stringify(newest));
    },

    /** Reads what another process left in Redis. */
    async fetch(redis: Redis): Promise<void> {
      note(parseNotice(await redis.get(keys.allEnded)));
    },

    /** Null where there was none. */
    newest: () => newest,

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

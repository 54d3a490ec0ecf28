// One Redis with copies of sessions, or one part of a Cluster: what is believed of it, what it may have missed, and how it is told.
// It knows nothing of other Redis beside it, but which sessions are its own.
import type { Redis } from 'ioredis';
import type { SealedEndings } from '../audit/sealing.ts';
import type { Log } from '../platform/log.ts';
import type { Epoch } from '../platform/postgres/epoch.ts';
import { isCommandTimeout, keys } from '../platform/redis.ts';
import { isCopy, nameOf, namesOf, oldOwnerKey, ownerKey, ownerOf } from './cache-entry.ts';
import { defineScripts, TOMBSTONE_MS, writeCopy, writeTombstones } from './cache-scripts.ts';
import { createCacheTrust, createCacheWrites } from './cache-trust.ts';
import { createJournal } from './failover/journal.ts';
import type { RewindNotice } from './failover/rewind-notice.ts';
import type { Newest } from './known-endings.ts';
import { createLastSeen, type LastSeenOptions } from './last-seen.ts';
import type { RegistryVersion } from './registry-version.ts';
import { createRewoundDatabase, type ReadMark, type RewoundDatabaseOptions } from './rewound-database.ts';
import { createSessionReader, type SessionReaderOptions } from './session-reader.ts';
import type { Ending, LiveRecord } from './session-record.ts';

/** What all shards have in common. */
interface SharedByShards
  extends Pick<SessionReaderOptions, 'table' | 'alone' | 'count' | 'notice' | 'epochs' | 'contact' | 'parse' | 'seal'>,
    Pick<LastSeenOptions, 'writeLastSeen'>,
    Pick<RewoundDatabaseOptions, 'rowsOf'> {
  readonly registry: RegistryVersion;
  readonly rewinds: RewindNotice;
}

export interface SessionShardOptions extends SharedByShards {
  readonly redis: Redis;
  /** Which setting leads to it; null for a part of a Cluster. */
  readonly setting: string | null;
  readonly log: Log;
  /** Whether a session of this name has its copy here. */
  readonly isOwn: (name: string) => boolean;
  /** Whether that is so for ever: then endings of other sessions are nothing to it. */
  readonly ownForever: boolean;
}

export type SessionShard = ReturnType<typeof createSessionShard>;

export function createSessionShard({ isOwn, ownForever, ...options }: SessionShardOptions) {
  const { redis, log, rowsOf, rewinds, registry, writeLastSeen, seal } = options;
  defineScripts(redis);
  const published = registry.publishedIn(redis);
  const journal = createJournal({ redis, rowsOf });
  const end = (endings: readonly Ending[], keepMs?: number) => {
    const its = ownForever ? endings.filter(({ tokenHash }) => isOwn(nameOf(tokenHash))) : endings;
    return writeTombstones(redis, its, { keepMs, isOwn });
  };
  const rewound = createRewoundDatabase({ ...options, hold, notice: rewinds });
  const trust = createCacheTrust({ ...options, end, hold, settle: rewound.settle });
  const writes = createCacheWrites({ trust, log });
  const lastSeen = createLastSeen({ redis, writeLastSeen, suspect: rewound.suspect });
  const readNamed = createSessionReader({ ...options, trust, writes, lastSeen, registry: published });
  let isFollowing = false;

  /** What PostgreSQL has lost stays ended for as long as it may take it for live. */
  async function hold(): Promise<void> {
    for (const ending of await journal.lost()) await end([ending], Math.max(TOMBSTONE_MS, ending.remainingMs));
  }

  async function invalidate(endings: readonly Ending[], keepMs?: number): Promise<boolean> {
    try {
      await end(endings, keepMs);
      return true;
    } catch (error) {
      if (redis.status === 'ready') log.warn({ err: error }, 'Redis refuses to end sessions');
      trust.distrust();
      return false;
    }
  }

  async function readMark(): Promise<ReadMark> {
    try {
      const read = await rewound.readMark();
      if (read.mark !== null) trust.meet(read.mark, read.epoch);
      return read;
    } catch (error) {
      if (isCommandTimeout(error)) trust.hangUp(); // else the next look would wait for it again
      return { mark: null, epoch: null };
    }
  }

  /** Never throws. */
  async function follow(newest: Newest, mark: ReadMark): Promise<void> {
    if (isFollowing) return;
    isFollowing = true;
    const sayAway = (error: unknown) => log.debug({ err: error }, 'Redis went away');
    await rewound.compare(mark, newest.ending).catch(sayAway);
    if (!trust.isTrusted() && redis.status === 'ready') await trust.reconcile();
    if (trust.isTrusted()) await lastSeen.flushLate().catch(sayAway);
    isFollowing = false;
  }

  /** What the owner's lists name: this version's, and those of the version before. */
  async function listedNames(userId: string): Promise<string[]> {
    const [list, older] = await Promise.all([
      redis.getBuffer(ownerKey(userId)),
      redis.zrange(oldOwnerKey(userId), 0, '-1'),
    ]);
    return [...new Set([...namesOf(userId, list), ...older])].filter(isOwn);
  }

  async function copiesOf(userId: string): Promise<Copy[] | null> {
    const names = await listedNames(userId);
    if (names.length === 0) return [];
    const read = await redis.mgetBuffer(names.map((name) => keys.session(name)));
    const values = read.map((value) => value?.toString('latin1'));
    const owners = values.map(ownerOf);
    if (values.some((value, index) => isCopy(value) && !owners[index])) return null;
    return names.flatMap((name, index) => {
      const owner = owners[index];
      if (owner?.userId !== userId) return [];
      const { id: sessionId, loginId, application } = owner;
      return [
        { sessionId, loginId, atApplication: application !== undefined, tokenHash: Buffer.from(name, 'base64url') },
      ];
    });
  }

  return {
    redis,
    readNamed,
    invalidate,
    copiesOf,
    journal,
    sweep: rewound.sweep,
    accept: rewound.accept,
    flushTouches: lastSeen.flush,
    touchesWait: lastSeen.waits,
    isTrusted: trust.isTrusted,

    /** Where Redis is away, the next read puts the copy. Never throws. */
    async put({ tokenHash, record, epoch }: PutSession): Promise<void> {
      if (trust.isTrusted()) await writes.follow(writeCopy(redis, nameOf(tokenHash), record, { epoch, seal }));
    },

    /**
     * Invalidates what was just sealed and raises the high-water mark from the ending before
     * (`previousSeq`). A Redis that has missed that one too is reconciled. Throws where Redis can't
     * take it.
     */
    async replay(
      endings: readonly Ending[],
      { previousSeq, endingSeq, epoch }: SealedEndings & { readonly epoch: Epoch | null },
    ): Promise<void> {
      const mustBeSame = trust.pinConnection();
      if (!(await invalidate(endings))) throw new Error('Redis could not take the endings');
      mustBeSame();
      const moved = await redis.hfRaiseMark(keys.endings, keys.epoch, endingSeq, previousSeq, epoch ?? '');
      if (moved === 0) await trust.reconcile();
    },

    /** Copies of an account that PostgreSQL knows nothing of, or no longer, are dropped. Throws where a store is away. */
    async dropGhosts(userId: string): Promise<void> {
      if (!trust.isTrusted()) return;
      await rewound.suspect((await listedNames(userId)).map((name) => Buffer.from(name, 'base64url')));
    },

    /**
     * To be called before PostgreSQL is asked for the newest ending; takes the answer. What follows from it goes on by itself,
     * so that one Redis waits for no other. Never throws, but what it returns throws StaleDatabaseError.
     */
    async expectNewest(): Promise<(newest: Newest) => void> {
      const mark = await readMark();
      return (newest) => {
        trust.hear(newest);
        void published.correct();
        void follow(newest, mark);
      };
    },
  };
}

/** A session that has begun, and the epoch of PostgreSQL that has its row. */
export interface PutSession {
  readonly tokenHash: Buffer;
  readonly record: LiveRecord;
  readonly epoch: Epoch | null;
}

/** Of a live session. */
export interface Copy {
  readonly sessionId: string;
  readonly loginId: string;
  readonly atApplication: boolean;
  readonly tokenHash: Buffer;
}

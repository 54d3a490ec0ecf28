// The copies of sessions in Redis, beside the truth in PostgreSQL. A read costs one command. A copy
// is not trusted where its Redis may have missed an ending, and nothing brings an ended session
// back ("How an ended session stays ended" in docs/architecture.md). PostgreSQL answers for Redis.
// Of several Redis each has its share of the sessions, by their names, and is told of every ending. The parts of a Cluster are as
// many Redis whose shares never change.
import type { Redis } from 'ioredis';
import type { SealedEndings } from '../audit/sealing.ts';
import { hashToken } from '../credentials/random-token.ts';
import type { Log } from '../platform/log.ts';
import type { SessionSource } from '../platform/metrics.ts';
import type { Epoch } from '../platform/postgres/epoch.ts';
import type { Patience } from '../platform/postgres/patience.ts';
import { keys } from '../platform/redis.ts';
import { createReplication } from '../platform/replication.ts';
import { createEntryParser, nameOf, type SessionReading } from './cache-entry.ts';
import { createAllSessionsEndedNotice } from './cache-trust.ts';
import { createCopySeal } from './copy-seal.ts';
import { createDatabaseContact } from './database-contact.ts';
import { watchEndings } from './endings-watch.ts';
import { createEpochs } from './failover/epochs.ts';
import type { LostEnding } from './failover/journal.ts';
import { createRewindNotice, type Rewind } from './failover/rewind-notice.ts';
import { placeOf } from './placement.ts';
import { createRegistryVersion } from './registry-version.ts';
import type { AllSessionsEnded, Ending } from './session-record.ts';
import { type Copy, createSessionShard, type PutSession, type SessionShard } from './session-shard.ts';
import type { SessionRow, SessionTable } from './session-table.ts';

export type { Copy } from './session-shard.ts';

export interface SessionCacheOptions {
  /** What REDIS_URL leads to: it has the notice that PostgreSQL has gone back in time, and the sessions unless others have. */
  readonly redis: Redis;
  /** Those that have the sessions, in the order of their list. */
  readonly sessionRedis?: readonly Redis[];
  /** Whether those are the parts of a Cluster. */
  readonly inCluster?: boolean;
  readonly table: SessionTable;
  /** By which copies are known to be ours; see {@link createCopySeal}. */
  readonly signingKeys: readonly string[];
  readonly log: Log;
  /** How long a copy is believed while PostgreSQL can't be asked, by whose session it is. */
  readonly alone: Readonly<Record<'member' | 'operator', number>>;
  /** Called for each reading with the store that answered it. */
  readonly count?: (source: SessionSource) => void;
  /** Records that PostgreSQL has gone back in time. */
  readonly onRewind?: (rewind: Rewind) => Promise<void>;
  /** The PostgreSQL that was asked is older than one that others have met. */
  readonly onStale?: () => void;
}

export type SessionCache = ReturnType<typeof createSessionCache>;

/** Of an address of REDIS_SESSION_URLS, in metrics and in the log, or of a part of a Cluster, in the log; the first is 0. */
export function sessionStoreName(place: number): string {
  return `sessions-${place + 1}`;
}

export function createSessionCache({
  redis,
  sessionRedis = [],
  inCluster = false,
  table,
  signingKeys,
  log,
  alone,
  count = () => undefined,
  onRewind = async () => undefined,
  onStale = () => undefined,
}: SessionCacheOptions) {
  const notice = createAllSessionsEndedNotice();
  const registry = createRegistryVersion();
  const epochs = createEpochs();
  const contact = createDatabaseContact();
  const rewinds = createRewindNotice({ redis, log, onRewind });
  const seal = createCopySeal(signingKeys);
  const parse = createEntryParser(seal);
  const shared = {
    table,
    alone,
    count,
    notice,
    registry,
    epochs,
    contact,
    rewinds,
    parse,
    seal,
    rowsOf,
    writeLastSeen,
  };
  const apart = sessionRedis.length > 0;
  const clients = apart ? sessionRedis : [redis];
  const shards = clients.map((client, place) => createSessionShard({ ...shared, redis: client, ...placed(place) }));
  const replications = (apart ? [redis, ...clients] : clients).map((one) =>
    createReplication({ redis: one, key: keys.replicated }),
  );
  const watch = watchEndings({ shards, table, log, notice, registry, contact, rewinds, epochs, invalidate, onStale });

  function placed(place: number) {
    return {
      setting: inCluster ? null : apart ? `REDIS_SESSION_URLS, address ${place + 1}` : 'REDIS_URL',
      log: apart ? log.child({ store: sessionStoreName(place) }) : log,
      isOwn: (name: string) => placeOf(name, clients.length) === place,
      ownForever: inCluster,
    };
  }

  function shardOf(name: string): SessionShard {
    const shard = shards[placeOf(name, shards.length)];
    if (!shard) throw new Error('there is no Redis for sessions');
    return shard;
  }

  /** Throws where PostgreSQL is of an older epoch: it knows nothing of the sessions that began since. */
  async function rowsOf(tokenHashes: readonly Buffer[]): Promise<readonly SessionRow[]> {
    const { rows, timeline } = await table.rowsOf(tokenHashes);
    epochs.of(timeline);
    return rows;
  }

  /** Throws there too: the use is written down once PostgreSQL is the one that counts. */
  async function writeLastSeen(touches: Parameters<SessionTable['writeLastSeen']>[0]): Promise<readonly Buffer[]> {
    const { unknown, timeline } = await table.writeLastSeen(touches);
    epochs.of(timeline);
    return unknown;
  }

  async function invalidate(endings: readonly Ending[], keepMs?: number): Promise<boolean> {
    const places = endings.map(({ tokenHash }) => placeOf(nameOf(tokenHash), shards.length));
    const taken = shards.map((shard, place) =>
      shard.invalidate(
        endings.filter((_, index) => places[index] === place),
        keepMs,
      ),
    );
    return (await Promise.all(taken)).every(Boolean);
  }

  /** Throws where none could: one that is away catches up when it is back. */
  async function inEach(work: (shard: SessionShard) => Promise<unknown>): Promise<void> {
    const done = await Promise.allSettled(shards.map(work));
    const failures = done.filter((one) => one.status === 'rejected');
    if (failures.length === shards.length) throw failures[0]?.reason;
    for (const { reason } of failures) log.debug({ err: reason }, 'a Redis with sessions is away');
  }

  const inAll = <T>(work: (shard: SessionShard) => Promise<T>): Promise<T[]> => Promise.all(shards.map(work));

  function readNamed(name: string, patience?: Patience): Promise<SessionReading> {
    return shardOf(name).readNamed(name, patience);
  }

  return {
    /**
     * What is known of a session, by its token.
     * @throws StoresAwayError when neither store answers.
     */
    read: (token: string): Promise<SessionReading> => readNamed(nameOf(hashToken(token))),

    /** The same by its name ({@link nameOf}), and where PostgreSQL must be asked as patiently as told. */
    readNamed,

    /** Whether Redis, and not PostgreSQL, is asked for a session of this name. */
    asksRedis: (name: string): boolean => shardOf(name).isTrusted(),

    /** Where Redis is away, the next read puts the copy. Never throws. */
    put: (session: PutSession): Promise<void> => shardOf(nameOf(session.tokenHash)).put(session),

    /**
     * Replaces copies by tombstones that outlive any request: true if Redis took them all. Else it
     * is not trusted until it has.
     */
    invalidate,

    /**
     * The worker's part: tells every Redis of what was just sealed, also of the sessions that are another's: where the list of
     * addresses was another one, it may have their copies. One that can't take it is reconciled before it is trusted. Throws
     * where none can.
     */
    replay(endings: readonly Ending[], sealed: SealedEndings & { readonly epoch: Epoch | null }): Promise<void> {
      return inEach((shard) => shard.replay(endings, sealed));
    },

    /** Here at once, in other processes within a second. Never throws. */
    async endAll(allEnded: AllSessionsEnded): Promise<void> {
      notice.note(allEnded);
      await Promise.allSettled(clients.map((client) => notice.publish(client)));
    },

    /**
     * The copies of a person's live sessions, for when PostgreSQL can't list them; null where one is of a version that this
     * one can't read. Throws where one Redis is away.
     */
    async copiesOf(userId: string): Promise<Copy[] | null> {
      const copies = (await inAll((shard) => shard.copiesOf(userId))).flat();
      return copies.some((copy) => copy === null) ? null : copies.filter((copy) => copy !== null);
    },

    /**
     * Copies of an account that PostgreSQL knows nothing of, or no longer, are dropped: what ends all
     * its sessions would not find them. Never throws.
     */
    dropGhosts: (userId: string): Promise<void> =>
      inEach((shard) => shard.dropGhosts(userId)).catch((error: unknown) =>
        log.debug({ err: error }, 'the copies of an account could not be looked at'),
      ),

    /** Whether any Redis that can be asked has some to flush. */
    touchesWait: async (): Promise<boolean> =>
      (await inAll((shard) => shard.touchesWait().catch(() => false))).some(Boolean),

    /** Throws where nothing could be written down. */
    flushTouches: (): Promise<void> => inEach((shard) => shard.flushTouches()),

    /**
     * Whether a failover of any Redis would keep what was written so far; true where there is no replica.
     * Throws where one is away.
     */
    isReplicated: async (): Promise<boolean> =>
      (await Promise.all(replications.map(({ isCurrent }) => isCurrent()))).every(Boolean),

    /** When all sessions were last ended, also where PostgreSQL has lost that; null for never. */
    allEnded: notice.newest,

    /** In which history of PostgreSQL what it says is. */
    epochs,

    /** How often groups and applications have changed, as far as this process has heard. */
    registry,

    /** Does something in each Redis with sessions. Throws where it could be done in none. */
    inEach,

    /** What follows when PostgreSQL has gone back in time. All but `stands` and `raise` throw where a store is away. */
    rewound: {
      ...rewinds,

      /** Endings of the last hour that PostgreSQL has lost. */
      lost: async (): Promise<LostEnding[]> => (await inAll(({ journal }) => journal.lost())).flat(),

      /** Holds every entry in Redis against its row; returns the endings that PostgreSQL has lost. */
      sweep: async (): Promise<LostEnding[]> => (await inAll((shard) => shard.sweep())).flatMap(({ lost }) => lost),

      /** PostgreSQL is the truth again, as it is. */
      async forget(): Promise<void> {
        await inAll((shard) => shard.accept());
        await rewinds.takeAway();
      },
    },

    /** Which stores can be asked right now; `someSessions`: at least one Redis with sessions. */
    health: () => ({
      redis: shards.every((shard) => shard.isTrusted()) && (!apart || redis.status === 'ready'),
      someSessions: shards.some((shard) => shard.isTrusted()),
      postgres: contact.isUp(),
    }),

    /** The same of each store, by its name in metrics. A Cluster is one: its parts follow its nodes. */
    stores(): Readonly<Record<string, boolean>> {
      const each = shards.map((shard, place) => [apart ? sessionStoreName(place) : 'redis', shard.isTrusted()]);
      const own = inCluster ? [['sessions', shards.every((shard) => shard.isTrusted())]] : each;
      return {
        ...(apart ? { redis: redis.status === 'ready' } : {}),
        ...Object.fromEntries(own),
        postgres: contact.isUp(),
      };
    },

    /** Nobody's copy is believed any more: PostgreSQL was not heard of for too long. */
    isAlone: () => contact.silentMs() > Math.max(alone.member, alone.operator),

    /** Leaves the clients open. */
    close: watch.close,
  };
}

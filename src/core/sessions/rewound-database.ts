// When PostgreSQL has gone back in time, as after a failover that lost its last second, Redis knows
// sessions that it has not, and endings that it has forgotten. What shows it is a copy without a
// row, or a high-water mark above PostgreSQL's. Until an operator accepts that, what this Redis
// knows of endings is kept.
import type { Redis } from 'ioredis';
import type { Log } from '../platform/log.ts';
import type { Epoch } from '../platform/postgres/epoch.ts';
import { keys } from '../platform/redis.ts';
import { formatTombstone, isCopy, nameOf, parseTombstone } from './cache-entry.ts';
import { TOMBSTONE_MS } from './cache-scripts.ts';
import type { Epochs } from './failover/epochs.ts';
import type { LostEnding } from './failover/journal.ts';
import type { RewindNotice } from './failover/rewind-notice.ts';
import type { EndReason } from './session-record.ts';
import type { SessionRow, SessionTable } from './session-table.ts';

const BATCH = 1_000;

/** The high-water mark in Redis, and its epoch. */
export interface ReadMark {
  readonly mark: number | null;
  readonly epoch: Epoch | null;
}

/** What a sweep found: copies without a row, and endings that PostgreSQL has lost. */
export interface Swept {
  readonly copies: number;
  readonly lost: readonly LostEnding[];
}

export interface RewoundDatabaseOptions {
  readonly redis: Redis;
  readonly table: Pick<SessionTable, 'newest'>;
  /** Throws where PostgreSQL is of an older epoch. */
  readonly rowsOf: (tokenHashes: readonly Buffer[]) => Promise<readonly SessionRow[]>;
  readonly epochs: Epochs;
  /** Keeps the endings of the journal that PostgreSQL has lost. */
  readonly hold: () => Promise<void>;
  readonly log: Log;
  readonly notice: RewindNotice;
}

export function createRewoundDatabase(options: RewoundDatabaseOptions) {
  const { redis, table, rowsOf, epochs, hold, log, notice } = options;
  let settling: Promise<void> | null = null;

  function sweepSoon(): void {
    sweep().catch((error: unknown) => log.warn({ err: error }, 'not every session in Redis could be looked at'));
  }

  /** A mark above what PostgreSQL knows would hide endings from a Redis that goes back as well: it is set back. */
  async function setMarkBack(): Promise<void> {
    const [text = null, epoch = null] = await redis.mget(keys.endings, keys.epoch);
    const { ending } = await table.newest();
    if (!epochs.holds(epoch) || text === null || Number(text) <= ending) return;
    await notice.raise({ mark: Number(text), ending });
    await hold();
    await sweep();
    await redis.hfResetMark(keys.endings, keys.epoch, ending, '', text, epoch ?? '');
  }

  function settle(): Promise<void> {
    settling ??= setMarkBack().finally(() => {
      settling = null;
    });
    return settling;
  }

  /** Invalidates copies that have no row, or one that has ended. */
  async function dropCopies(names: readonly string[]): Promise<number> {
    const rows = await rowsOf(names.map(hashOf));
    const known = new Map(rows.map(({ tokenHash, reason }) => [nameOf(tokenHash), reason]));
    const wrong = names.filter((name) => known.get(name) !== null);
    await Promise.all(
      wrong.map((name) =>
        redis.set(keys.session(name), formatTombstone(known.get(name) ?? 'unknown'), 'PX', TOMBSTONE_MS),
      ),
    );
    return names.filter((name) => !known.has(name)).length;
  }

  /** Keeps tombstones of sessions that PostgreSQL takes for live, for as long as it may do so. */
  async function keepTombstones(reasons: ReadonlyMap<string, EndReason>): Promise<LostEnding[]> {
    const rows = await rowsOf([...reasons.keys()].map(hashOf));
    const live = rows.filter(({ reason }) => reason === null);
    await Promise.all(
      live.map(({ tokenHash, remainingMs }) =>
        redis.pexpire(keys.session(nameOf(tokenHash)), Math.max(TOMBSTONE_MS, Math.ceil(remainingMs)), 'GT'),
      ),
    );
    return live.flatMap(({ id, tokenHash, remainingMs }) => {
      const reason = reasons.get(nameOf(tokenHash));
      return reason ? [{ sessionId: id, tokenHash, reason, remainingMs }] : [];
    });
  }

  /** Holds every entry in Redis against its row. */
  async function sweep(): Promise<Swept> {
    const lost: LostEnding[] = [];
    let dropped = 0;
    const before = `${redis.options.keyPrefix ?? ''}${keys.session('')}`;
    for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
      const [next, found] = await redis.scan(cursor, 'MATCH', `${before}*`, 'COUNT', BATCH);
      cursor = next;
      if (found.length === 0) continue;
      const names = found.map((key) => key.slice(before.length));
      const values = await redis.mget(names.map((name) => keys.session(name)));
      const copies = names.filter((_, index) => isCopy(values[index]));
      const reasons = new Map(
        names.flatMap((name, index): [string, EndReason][] => {
          const tombstone = parseTombstone(values[index]);
          return tombstone?.state === 'ended' ? [[name, tombstone.reason]] : [];
        }),
      );
      if (copies.length > 0) dropped += await dropCopies(copies);
      if (reasons.size > 0) lost.push(...(await keepTombstones(reasons)));
    }
    return { copies: dropped, lost };
  }

  return {
    sweep,
    settle,

    /** The mark in Redis, to be asked for before PostgreSQL is asked for the newest ending; and the notice, where it is kept there. */
    async readMark(): Promise<ReadMark> {
      const [mark = null, epoch = null, rewind = null] = await redis.mget(keys.endings, keys.epoch, keys.rewound);
      if (notice.isKeptIn(redis)) notice.hear(rewind);
      return { mark: mark === null ? null : Number(mark), epoch };
    },

    /** `mark` was read before `ending` was: it can't be higher, unless it is of another epoch. */
    async compare({ mark, epoch }: ReadMark, ending: number): Promise<void> {
      if (mark === null || mark <= ending || !epochs.holds(epoch)) return;
      if (!notice.stands()) await notice.raise({ mark, ending });
      settle().catch((error: unknown) => log.warn({ err: error }, 'not every session in Redis could be looked at'));
    },

    /** Looks at sessions that may have no row, as those that were used and that PostgreSQL found none for. */
    async suspect(tokenHashes: readonly Buffer[]): Promise<void> {
      if (tokenHashes.length === 0) return;
      const names = tokenHashes.map(nameOf);
      const values = await redis.mget(names.map((name) => keys.session(name)));
      const copies = names.filter((_, index) => isCopy(values[index]));
      const dropped = copies.length > 0 ? await dropCopies(copies) : 0;
      if (dropped === 0 || notice.stands()) return;
      await notice.raise({ copies: dropped });
      sweepSoon();
    },

    /** PostgreSQL is the truth again, as it is: the mark is set to what it knows. */
    async accept(): Promise<void> {
      const newest = await table.newest();
      const epoch = epochs.hear(newest);
      const marked = redis.multi().set(keys.endings, newest.ending);
      await (epoch === null ? marked : marked.set(keys.epoch, epoch)).exec();
    },
  };
}

function hashOf(name: string): Buffer {
  return Buffer.from(name, 'base64url');
}

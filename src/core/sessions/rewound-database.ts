// When PostgreSQL has gone back in time, as after a failover that lost its last second, Redis knows
// sessions that it has not, and endings that it has forgotten. What shows it is a copy without a
// row, or a high-water mark above PostgreSQL's. The notice of it stands in Redis until an operator
// accepts it; until then what Redis knows of endings is kept.
import type { Redis } from 'ioredis';
import type { Log } from '../platform/log.ts';
import { KEY_PREFIX, keys } from '../platform/redis.ts';
import { formatTombstone, nameOf, parseTombstone } from './cache-entry.ts';
import { TOMBSTONE_MS } from './cache-scripts.ts';
import type { EndReason } from './session-record.ts';
import type { SessionTable } from './session-table.ts';

const BATCH = 1_000;

/** What showed it: numbers of events, or of copies without a row. */
export type Rewind = { readonly mark: number; readonly ending: number } | { readonly copies: number };

/** An ending that Redis knows and PostgreSQL does not. */
export interface LostEnding {
  readonly sessionId: string;
  readonly reason: EndReason;
}

export interface RewoundDatabaseOptions {
  readonly redis: Redis;
  readonly table: Pick<SessionTable, 'rowsOf' | 'newest'>;
  readonly log: Log;
  /** Called once, by the process that noticed it first. */
  readonly onRewind: (rewind: Rewind) => Promise<void>;
}

export type RewoundDatabase = ReturnType<typeof createRewoundDatabase>;

export function createRewoundDatabase({ redis, table, log, onRewind }: RewoundDatabaseOptions) {
  let standing = false;

  async function raise(rewind: Rewind): Promise<void> {
    const first = await redis.set(keys.rewound, JSON.stringify(rewind), 'NX');
    tell(rewind);
    if (first === null) return;
    await onRewind(rewind).catch((error: unknown) =>
      log.warn({ err: error }, 'could not be recorded in the audit log'),
    );
    sweep().catch((error: unknown) => log.warn({ err: error }, 'not every session in Redis could be looked at'));
  }

  function tell(rewind: unknown): void {
    if (!standing) log.error({ rewind }, 'PostgreSQL has gone back in time: sessions or endings were lost');
    standing = true;
  }

  /** Invalidates copies that have no row, or one that has ended. */
  async function dropCopies(names: readonly string[]): Promise<number> {
    const rows = await table.rowsOf(names.map(hashOf));
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
    const rows = await table.rowsOf([...reasons.keys()].map(hashOf));
    const live = rows.filter(({ reason }) => reason === null);
    await Promise.all(
      live.map(({ tokenHash, remainingMs }) =>
        redis.pexpire(keys.session(nameOf(tokenHash)), Math.max(TOMBSTONE_MS, Math.ceil(remainingMs)), 'GT'),
      ),
    );
    return live.flatMap(({ id, tokenHash }) => {
      const reason = reasons.get(nameOf(tokenHash));
      return reason ? [{ sessionId: id, reason }] : [];
    });
  }

  /** Holds every entry in Redis against its row; returns the endings that PostgreSQL has lost. */
  async function sweep(): Promise<LostEnding[]> {
    const lost: LostEnding[] = [];
    for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
      const [next, found] = await redis.scan(cursor, 'MATCH', `${KEY_PREFIX}${keys.session('*')}`, 'COUNT', BATCH);
      cursor = next;
      if (found.length === 0) continue;
      const names = found.map((key) => key.slice(KEY_PREFIX.length + keys.session('').length));
      const values = await redis.mget(names.map((name) => keys.session(name)));
      const copies = names.filter((_, index) => values[index]?.startsWith('L'));
      const reasons = new Map(
        names.flatMap((name, index): [string, EndReason][] => {
          const tombstone = parseTombstone(values[index]);
          return tombstone?.state === 'ended' ? [[name, tombstone.reason]] : [];
        }),
      );
      if (copies.length > 0) await dropCopies(copies);
      if (reasons.size > 0) lost.push(...(await keepTombstones(reasons)));
    }
    return lost;
  }

  return {
    /** Whether the notice stands, as this process knows it. */
    stands: () => standing,

    sweep,

    /** The mark in Redis, to be asked for before PostgreSQL is asked for the newest ending. */
    async readMark(): Promise<number | null> {
      // In this order: a mark that is read after the notice was taken away is PostgreSQL's.
      const [notice, mark] = await Promise.all([redis.get(keys.rewound), redis.get(keys.endings)]);
      if (notice !== null) tell(JSON.parse(notice));
      else standing = false;
      return mark === null ? null : Number(mark);
    },

    /** `mark` was read before `ending` was: it can't be higher. */
    async compare(mark: number | null, ending: number): Promise<void> {
      if (mark !== null && mark > ending && !standing) await raise({ mark, ending });
    },

    /** Looks at sessions that were used and that PostgreSQL found no row for. */
    async suspect(tokenHashes: readonly Buffer[]): Promise<void> {
      if (tokenHashes.length === 0) return;
      const names = tokenHashes.map(nameOf);
      const values = await redis.mget(names.map((name) => keys.session(name)));
      const copies = names.filter((_, index) => values[index]?.startsWith('L'));
      const dropped = copies.length > 0 ? await dropCopies(copies) : 0;
      if (dropped > 0 && !standing) await raise({ copies: dropped });
    },

    /** PostgreSQL is the truth again, as it is: the mark is set to what it knows. */
    async forget(): Promise<void> {
      const { ending } = await table.newest();
      await redis.multi().set(keys.endings, ending).del(keys.rewound).exec();
      standing = false;
    },
  };
}

function hashOf(name: string): Buffer {
  return Buffer.from(name, 'base64url');
}

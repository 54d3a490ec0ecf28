// The endings of the last hour, in Redis: what PostgreSQL may have lost when it comes back in a new
// epoch. A tombstone alone would be gone by then.
import type { Redis } from 'ioredis';
import { keys, milliseconds } from '../../platform/redis.ts';
import { nameOf } from '../cache-entry.ts';
import type { Ending, EndReason } from '../session-record.ts';
import type { SessionRow } from '../session-table.ts';

/** By which a standby may lag. While PostgreSQL is away nothing is taken out. */
const KEPT_MS = 60 * 60_000;
/** Some 120 MB. */
const KEPT_MOST = 1_000_000;
const BATCH = 1_000;
const NAME_LENGTH = 43;

/** An ending that Redis knows and PostgreSQL does not. */
export interface LostEnding extends Ending {
  readonly sessionId: string;
  /** What is left of the session at most. */
  readonly remainingMs: number;
}

/** How an ending stands in the journal. */
export function journalEntry({ tokenHash, reason }: Ending): string {
  return nameOf(tokenHash) + reason;
}

export interface JournalOptions {
  readonly redis: Redis;
  readonly rowsOf: (tokenHashes: readonly Buffer[]) => Promise<readonly SessionRow[]>;
}

/** Throws where a store is away. */
export function createJournal({ redis, rowsOf }: JournalOptions) {
  async function lostOf(entries: readonly string[]): Promise<LostEnding[]> {
    const reasons = new Map(entries.map((entry) => [entry.slice(0, NAME_LENGTH), entry.slice(NAME_LENGTH)]));
    const rows = await rowsOf([...reasons.keys()].map((name) => Buffer.from(name, 'base64url')));
    return rows.flatMap(({ id, tokenHash, reason, remainingMs }) => {
      const ended = reasons.get(nameOf(tokenHash));
      return reason === null && ended
        ? [{ sessionId: id, tokenHash, reason: ended as EndReason, remainingMs: Math.ceil(remainingMs) }]
        : [];
    });
  }

  return {
    /** Sessions in it that PostgreSQL takes for live. */
    async lost(): Promise<LostEnding[]> {
      const lost: LostEnding[] = [];
      for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
        const [next, flat] = await redis.zscan(keys.journal, cursor, 'COUNT', BATCH);
        cursor = next;
        const entries = (flat as string[]).filter((_, index) => index % 2 === 0);
        if (entries.length > 0) lost.push(...(await lostOf(entries)));
      }
      return lost;
    },

    /** Takes out what PostgreSQL has known for long. */
    async trim(): Promise<void> {
      const now = milliseconds(await redis.time());
      await redis.zremrangebyscore(keys.journal, '-inf', now - KEPT_MS);
      await redis.zremrangebyrank(keys.journal, 0, -KEPT_MOST - 1);
    },
  };
}

// Blocks that a flood runs into, remembered for a tenth of a second: who hammers at one is refused without a question to any
// store, and counted all the same. Then one asks again, and the others wait for its answer no longer than that: so a block that
// is lifted counts for two tenths of a second more in another process.
import QuickLRU from 'quick-lru';

/** Of a block, within a second: nobody who types is refused so often. */
const A_FLOOD = 16;
const SECOND_MS = 1_000;
const REMEMBERED_MS = 100;
const MOST_REMEMBERED = 1_000;
/** Refusals are counted by ten minutes of Redis's clock. */
const COUNTED_BY_MS = 600_000;

/** A refusal as Redis decided it. */
export interface MetBlock {
  readonly id: string;
  /** Of Redis's clock, milliseconds. */
  readonly now: number;
  readonly retryAfterMs: number;
}

interface Flood {
  since: number;
  refusals: number;
  at: number;
  /** When one attempt was let through to ask again. */
  askedAt: number;
  block: MetBlock;
}

export interface RememberedRefusalsOptions {
  /** Adds refusals to those of a block in ten minutes of Redis's clock. */
  readonly add: (field: string, count: number) => void;
  /** Milliseconds, never stepping back. */
  readonly now?: () => number;
  /** Runs a function in the next turn of the event loop. */
  readonly later?: (work: () => void) => void;
}

export function createRememberedRefusals({
  add,
  now = () => performance.now(),
  later = setImmediate,
}: RememberedRefusalsOptions) {
  const floods = new QuickLRU<string, Flood>({ maxSize: MOST_REMEMBERED });
  const counted = new Map<string, number>();

  /** What is refused in one turn of the event loop is one command. */
  function count(block: MetBlock, sinceMs: number): void {
    if (counted.size === 0) later(flush);
    const field = refusedField(block.id, block.now + sinceMs);
    counted.set(field, (counted.get(field) ?? 0) + 1);
  }

  function flush(): void {
    for (const [field, refusals] of counted) add(field, refusals);
    counted.clear();
  }

  return {
    /** A store has refused an attempt that these keys say the same of. */
    met(keys: readonly string[], block: MetBlock): void {
      const at = now();
      for (const key of keys) {
        const known = floods.get(key);
        const age = known ? at - known.since : Number.POSITIVE_INFINITY;
        const goesOn = known !== undefined && known.refusals >= A_FLOOD && age < 2 * SECOND_MS;
        const before = known && age < SECOND_MS ? known : { since: at, refusals: goesOn ? A_FLOOD : 0 };
        const { since, refusals } = before;
        floods.set(key, { since, refusals: refusals + 1, at, askedAt: Number.NEGATIVE_INFINITY, block });
      }
    },

    /** How long the first of these that is remembered still refuses, milliseconds, and counts the refusal; else null. */
    refuse(keys: readonly string[]): { readonly key: string; readonly retryAfterMs: number } | null {
      const at = now();
      for (const key of keys) {
        const flood = floods.get(key);
        if (!flood || flood.refusals < A_FLOOD || asksAgain(flood, at)) continue;
        const retryAfterMs = flood.block.retryAfterMs - (at - flood.at);
        if (retryAfterMs <= 0) continue;
        flood.refusals += 1;
        count(flood.block, at - flood.at);
        return { key, retryAfterMs };
      }
      return null;
    },

    /** One of these blocks may have been lifted. */
    forget(): void {
      floods.clear();
    },
  };
}

/** One does, for as long again; the others are refused meanwhile. Without an answer by then all do. */
function asksAgain(flood: Flood, at: number): boolean {
  const age = at - flood.at;
  if (age <= REMEMBERED_MS) return false;
  if (age <= 2 * REMEMBERED_MS && at - flood.askedAt <= REMEMBERED_MS) return false;
  flood.askedAt = at;
  return true;
}

function refusedField(blockId: string, redisNow: number): string {
  return `${blockId}:${redisNow - (redisNow % COUNTED_BY_MS)}`;
}

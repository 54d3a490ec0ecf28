// When sessions were last seen: noted in Redis at most once a minute, written to PostgreSQL in
// batches.
import type { Redis } from 'ioredis';
import { keys, milliseconds } from '../platform/redis.ts';
import { TOUCH_INTERVAL_MS } from './cache-scripts.ts';

const BATCH = 1_000;
/** The worker writes a touch down within seconds. */
const LATE_MS = 2 * 60_000;
const LATE_CHECK_INTERVAL_MS = 30_000;

interface Touch {
  readonly tokenHash: Buffer;
  readonly ageMs: number;
  readonly member: string;
  readonly score: string;
}

export type LastSeen = ReturnType<typeof createLastSeen>;

export interface LastSeenOptions {
  readonly redis: Redis;
  /** Returns those that have no row. */
  readonly writeLastSeen: (touches: readonly { tokenHash: Buffer; ageMs: number }[]) => Promise<readonly Buffer[]>;
  /** Gets sessions that were used and have no row. */
  readonly suspect: (tokenHashes: readonly Buffer[]) => Promise<void>;
}

export function createLastSeen({ redis, writeLastSeen, suspect }: LastSeenOptions) {
  /** Redis's clock less our monotonic one. */
  let clockOffsetMs = 0;
  let checkedAt = Number.NEGATIVE_INFINITY;
  let flushed: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;

  function setClock(redisNow: number): void {
    clockOffsetMs = redisNow - performance.now();
  }

  async function learnClock(): Promise<void> {
    await redis.time().then(
      (time) => setClock(milliseconds(time)),
      () => undefined,
    );
  }

  redis.on('ready', () => void learnClock());
  if (redis.status === 'ready') void learnClock();

  /** The oldest touches that are not written down. */
  async function readTouches(limit: number): Promise<Touch[]> {
    const [flat, time] = await Promise.all([
      redis.zrange(keys.touched, 0, String(limit - 1), 'WITHSCORES'),
      redis.time(),
    ]);
    const now = milliseconds(time);
    const pairs = (flat as unknown[]).flat().map(String);
    return Array.from({ length: pairs.length / 2 }, (_, index) => {
      const member = pairs[2 * index] ?? '';
      const score = pairs[2 * index + 1] ?? '0';
      return { member, score, tokenHash: Buffer.from(member, 'base64url'), ageMs: Math.max(0, now - Number(score)) };
    });
  }

  async function writeAll(): Promise<void> {
    for (let count = BATCH; count === BATCH; ) {
      const touches = await readTouches(BATCH);
      if (touches.length > 0) {
        await suspect(await writeLastSeen(touches));
        await redis.hfForgetTouches(keys.touched, ...touches.flatMap(({ member, score }) => [member, score]));
      }
      count = touches.length;
    }
  }

  /** After PostgreSQL was away many ask at once: one flush at a time, and the next one is for all who wait. */
  function flush(): Promise<void> {
    next ??= flushed
      .catch(() => undefined)
      .then(() => {
        next = null;
        flushed = writeAll();
        return flushed;
      });
    return next;
  }

  return {
    /** Writes down what was noted before. */
    flush,

    /** Whether anything was noted that is not written down. */
    waits: async (): Promise<boolean> => (await redis.exists(keys.touched)) > 0,

    /** Whether a copy's idle deadline may be moved again. */
    isDue({ seenAt }: { readonly seenAt: number }): boolean {
      return Math.abs(performance.now() + clockOffsetMs - seenAt) >= TOUCH_INTERVAL_MS;
    },

    /** Moves a copy's idle deadline, if it is live and due. */
    async touch(name: string, idleTimeoutMs: number): Promise<void> {
      setClock(await redis.hfTouch(keys.session(name), keys.touched, idleTimeoutMs, name));
    },

    /**
     * Flushes where the worker has not for minutes: PostgreSQL would take sessions in use for idle
     * ones.
     */
    async flushLate(): Promise<void> {
      if (performance.now() - checkedAt < LATE_CHECK_INTERVAL_MS) return;
      checkedAt = performance.now();
      const [oldest] = await readTouches(1);
      if (oldest && oldest.ageMs > LATE_MS) await flush();
    },
  };
}

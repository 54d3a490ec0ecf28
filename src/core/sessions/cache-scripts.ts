// The writes to the session cache that Redis must do as one: scripts, and tombstones in batches.
import type { Redis, Result } from 'ioredis';
import { isFull, keys } from '../platform/redis.ts';
import { formatTombstone, HEADER_LENGTH, nameOf } from './cache-entry.ts';
import type { Ending } from './session-record.ts';

/** Outlives every request that may still want to write the session back. */
export const TOMBSTONE_MS = 10 * 60_000;
const BATCH = 1_000;

/** A session's idle deadline moves at most this often. */
export const TOUCH_INTERVAL_MS = 60_000;

const SCRIPTS = {
  // Writes a copy where there is none, and lists it under its owner until its absolute deadline. An
  // empty Redis takes no copy before it has a high-water mark.
  hfRefill: {
    numberOfKeys: 3,
    lua: `if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
          local t = redis.call('TIME')
          local now = t[1] * 1000 + math.floor(t[2] / 1000)
          local value = string.format('L%013.0f%013.0f', now - ARGV[1], now + ARGV[3]) .. ARGV[4]
          if not redis.call('SET', KEYS[1], value, 'PX', math.min(ARGV[2], ARGV[3]), 'NX') then return 0 end
          redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
          redis.call('ZADD', KEYS[3], now + ARGV[3], ARGV[5])
          if redis.call('PTTL', KEYS[3]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[3], ARGV[3]) end
          return 1`,
  },
  // Moves the idle deadline of a live copy, at most once in the interval whoever asks; also where
  // Redis's clock went back by more. Its JSON stays as it is. Answers Redis's time.
  hfTouch: {
    numberOfKeys: 2,
    lua: `local t = redis.call('TIME')
          local now = t[1] * 1000 + math.floor(t[2] / 1000)
          local head = redis.call('GETRANGE', KEYS[1], 0, ${HEADER_LENGTH - 1})
          if string.sub(head, 1, 1) ~= 'L' or math.abs(now - string.sub(head, 2, 14)) < ${TOUCH_INTERVAL_MS} then return now end
          local left = math.min(ARGV[1], string.sub(head, 15, 27) - now)
          if left <= 0 then return now end
          redis.call('SETRANGE', KEYS[1], 1, string.format('%013.0f', now))
          redis.call('PEXPIRE', KEYS[1], left)
          redis.call('ZADD', KEYS[2], now, ARGV[2])
          return now`,
  },
  // Raises the high-water mark if it stands where the caller found it (`-`: nowhere) or past that.
  // A lower one belongs to a Redis that has missed more than the caller knows.
  hfRaiseMark: {
    numberOfKeys: 1,
    lua: `local mark = redis.call('GET', KEYS[1])
          if not mark then
            if ARGV[2] ~= '-' then return 0 end
          elseif ARGV[2] == '-' or tonumber(mark) < tonumber(ARGV[2]) then
            return 0
          elseif tonumber(mark) >= tonumber(ARGV[1]) then
            return 1
          end
          redis.call('SET', KEYS[1], ARGV[1])
          return 1`,
  },
  // Takes touches off the list unless they were renewed since they were read.
  hfForgetTouches: {
    numberOfKeys: 1,
    lua: `for i = 1, #ARGV, 2 do
            if redis.call('ZSCORE', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('ZREM', KEYS[1], ARGV[i]) end
          end
          return 1`,
  },
} as const;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    hfRefill(
      ...args: [
        key: string,
        mark: string,
        owner: string,
        sinceSeenMs: number,
        idleRemainingMs: number,
        absoluteRemainingMs: number,
        json: string,
        name: string,
      ]
    ): Result<number, Context>;
    hfTouch(key: string, touched: string, idleTimeoutMs: number, name: string): Result<number, Context>;
    hfRaiseMark(key: string, seq: number, found: number | '-'): Result<number, Context>;
    hfForgetTouches(key: string, ...touches: string[]): Result<number, Context>;
  }
}

export function defineScripts(redis: Redis): void {
  for (const [name, definition] of Object.entries(SCRIPTS)) redis.defineCommand(name, definition);
}

/** Replaces copies by tombstones. Throws where Redis can't take them all. */
export async function writeTombstones(redis: Redis, endings: readonly Ending[], keepMs = TOMBSTONE_MS): Promise<void> {
  for (let start = 0; start < endings.length; start += BATCH) {
    await Promise.all(endings.slice(start, start + BATCH).map((ending) => writeTombstone(redis, ending, keepMs)));
  }
}

async function writeTombstone(redis: Redis, { tokenHash, reason }: Ending, keepMs: number): Promise<void> {
  const key = keys.session(nameOf(tokenHash));
  try {
    await redis.set(key, formatTombstone(reason), 'PX', keepMs);
  } catch (error) {
    // A full Redis takes no new value, but still lets go of an old one.
    if (!isFull(error)) throw error;
    await redis.del(key);
  }
}

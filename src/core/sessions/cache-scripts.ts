// The writes to the session cache that Redis must do as one: scripts, tombstones in batches, and copies that take nothing's place.
import type { Redis, Result } from 'ioredis';
import type { Epoch } from '../platform/postgres/epoch.ts';
import { isFull, keys } from '../platform/redis.ts';
import {
  COPY,
  formatEntry,
  formatTombstone,
  LISTED_BYTES,
  MARK_START,
  markBytes,
  nameOf,
  ownerKey,
  ownerTag,
} from './cache-entry.ts';
import type { CopySeal } from './copy-seal.ts';
import { journalEntry } from './failover/journal.ts';
import type { Ending, LiveRecord, SessionRecord } from './session-record.ts';

/** Outlives every request that may still want to write the session back. */
export const TOMBSTONE_MS = 10 * 60_000;
/** A session without a row is remembered for a while, so that guessing costs no SQL. */
const UNKNOWN_MS = 60_000;
const BATCH = 1_000;
/** A longer list of copies is rid of those that are gone at every so manieth alone. */
const TIDIED_AT = 32;

/** A session's idle deadline moves at most this often. */
export const TOUCH_INTERVAL_MS = 60_000;

// Whether a key holds a copy that is of another epoch than the one given.
const IS_PAST = `local function isPast(key, epoch, mark)
            if epoch == '' then return false end
            local head = redis.call('GETRANGE', key, 0, ${MARK_START} + #mark - 1)
            return string.sub(head, 1, 1) == '${COPY}' and string.sub(head, ${MARK_START + 1}) ~= mark
          end`;

const SCRIPTS = {
  // Writes a copy where there is none, or one of another epoch, or where told so any, and lists it under its owner until
  // its absolute deadline. Redis takes no copy before it has a high-water mark, of the same epoch.
  hfRefill: {
    numberOfKeys: 4,
    lua: `local stands = redis.call('MGET', KEYS[2], KEYS[4])
          if not stands[1] or ARGV[6] ~= '' and stands[2] ~= ARGV[6] then return 0 end
          ${IS_PAST}
          local t = redis.call('TIME')
          local now = t[1] * 1000 + math.floor(t[2] / 1000)
          local value = struct.pack('>I6I6', math.max(0, now - ARGV[1]), now + ARGV[3])
          value = '${COPY}' .. value .. ARGV[4]
          local lasts = math.min(ARGV[2], ARGV[3])
          if not redis.call('SET', KEYS[1], value, 'PX', lasts, 'NX') then
            local other = ARGV[9] == '1' and redis.call('GETRANGE', KEYS[1], 0, 0) ~= 'E'
            if not other and not isPast(KEYS[1], ARGV[6], ARGV[7]) then return 0 end
            redis.call('SET', KEYS[1], value, 'PX', lasts)
          end
          local list = redis.call('GET', KEYS[3]) or ''
          local piece = struct.pack('>c32c4I4', ARGV[5], ARGV[8], math.ceil((now + ARGV[3]) / 1000))
          local count = #list / ${LISTED_BYTES}
          if count <= ${TIDIED_AT} or count % ${TIDIED_AT} == 0 then
            local kept = {}
            for i = 1, #list, ${LISTED_BYTES} do
              local name, tag, gone = struct.unpack('>c32c4I4', list, i)
              if name ~= ARGV[5] and gone * 1000 > now then
                table.insert(kept, string.sub(list, i, i + ${LISTED_BYTES - 1}))
              end
            end
            list = table.concat(kept)
          end
          local lives = math.max(ARGV[3], count > 0 and redis.call('PTTL', KEYS[3]) or 0)
          redis.call('SET', KEYS[3], list .. piece, 'PX', lives)
          return 1`,
  },
  // Notes a session that does not live where there is nothing, where told so in place of any copy, or of one of another epoch:
  // then answers 2.
  hfRefuse: {
    numberOfKeys: 1,
    lua: `${IS_PAST}
          local past = isPast(KEYS[1], ARGV[3], ARGV[4])
          local other = ARGV[5] == '1' and string.match(redis.call('GETRANGE', KEYS[1], 0, 0), '[^E]')
          if not redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], (past or other) and 'XX' or 'NX') then return 0 end
          return past and 2 or 1`,
  },
  // A tombstone, and its line in the journal.
  hfEnd: {
    numberOfKeys: 2,
    lua: `local t = redis.call('TIME')
          redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
          redis.call('ZADD', KEYS[2], t[1] * 1000 + math.floor(t[2] / 1000), ARGV[3])
          return 1`,
  },
  // Moves the idle deadline of a live copy, at most once in the interval whoever asks; also where
  // Redis's clock went back by more. All else stays as it is. Answers Redis's time.
  hfTouch: {
    numberOfKeys: 2,
    lua: `local t = redis.call('TIME')
          local now = t[1] * 1000 + math.floor(t[2] / 1000)
          local head = redis.call('GETRANGE', KEYS[1], 0, ${MARK_START - 1})
          if string.sub(head, 1, 1) ~= '${COPY}' then return now end
          local seen, gone = struct.unpack('>I6I6', head, 2)
          if math.abs(now - seen) < ${TOUCH_INTERVAL_MS} then return now end
          local left = math.min(ARGV[1], gone - now)
          if left <= 0 then return now end
          redis.call('SETRANGE', KEYS[1], 1, struct.pack('>I6', now))
          redis.call('PEXPIRE', KEYS[1], left)
          redis.call('ZADD', KEYS[2], now, ARGV[2])
          return now`,
  },
  // Raises the high-water mark if it stands where the caller found it or past that, in the caller's
  // epoch. A lower one belongs to a Redis that has missed more than the caller knows.
  hfRaiseMark: {
    numberOfKeys: 2,
    lua: `local mark = redis.call('GET', KEYS[1])
          if ARGV[3] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
          if not mark or tonumber(mark) < tonumber(ARGV[2]) then
            return 0
          elseif tonumber(mark) >= tonumber(ARGV[1]) then
            return 1
          end
          redis.call('SET', KEYS[1], ARGV[1])
          return 1`,
  },
  // Sets mark and epoch anew, unless they have changed since the caller read them (empty: there was none).
  hfResetMark: {
    numberOfKeys: 2,
    lua: `if (redis.call('GET', KEYS[1]) or '') ~= ARGV[3] or (redis.call('GET', KEYS[2]) or '') ~= ARGV[4] then return 0 end
          redis.call('SET', KEYS[1], ARGV[1])
          if ARGV[2] ~= '' then redis.call('SET', KEYS[2], ARGV[2]) end
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

/** Whether any copy that stands is replaced. */
type Instead = '1' | '';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    hfRefill(
      ...args: [
        key: string,
        mark: string,
        owner: string,
        epochKey: string,
        sinceSeenMs: number,
        idleRemainingMs: number,
        absoluteRemainingMs: number,
        copy: Buffer,
        tokenHash: Buffer,
        epoch: string,
        mark: Buffer,
        tag: Buffer,
        instead: Instead,
      ]
    ): Result<number, Context>;
    hfRefuse(
      ...args: [key: string, value: string, keepMs: number, epoch: string, mark: Buffer, instead: Instead]
    ): Result<number, Context>;
    hfEnd(key: string, journal: string, value: string, keepMs: number, entry: string): Result<number, Context>;
    hfTouch(key: string, touched: string, idleTimeoutMs: number, name: string): Result<number, Context>;
    hfRaiseMark(key: string, epochKey: string, seq: number, found: number, epoch: string): Result<number, Context>;
    hfResetMark(
      ...args: [key: string, epochKey: string, seq: number, epoch: string, foundSeq: string, foundEpoch: string]
    ): Result<number, Context>;
    hfForgetTouches(key: string, ...touches: string[]): Result<number, Context>;
  }
}

export function defineScripts(redis: Redis): void {
  for (const [name, definition] of Object.entries(SCRIPTS)) redis.defineCommand(name, definition);
}

export interface TombstoneOptions {
  /** A time of its own; none of these goes into the journal. */
  readonly keepMs?: number | undefined;
  /** Whether this Redis is the one that has the session: another's journal has its ending. */
  readonly isOwn: (name: string) => boolean;
}

/** Replaces copies by tombstones and notes them in the journal. Throws where Redis can't take them all. */
export async function writeTombstones(
  redis: Redis,
  endings: readonly Ending[],
  options: TombstoneOptions,
): Promise<void> {
  for (let start = 0; start < endings.length; start += BATCH) {
    await Promise.all(endings.slice(start, start + BATCH).map((ending) => writeTombstone(redis, ending, options)));
  }
}

async function writeTombstone(redis: Redis, ending: Ending, { keepMs, isOwn }: TombstoneOptions): Promise<void> {
  const name = nameOf(ending.tokenHash);
  const key = keys.session(name);
  try {
    const tombstone = formatTombstone(ending.reason);
    if (keepMs === undefined && isOwn(name))
      await redis.hfEnd(key, keys.journal, tombstone, TOMBSTONE_MS, journalEntry(ending));
    else await redis.set(key, tombstone, 'PX', keepMs ?? TOMBSTONE_MS);
  } catch (error) {
    // A full Redis takes no new value, but still lets go of an old one.
    if (!isFull(error)) throw error;
    await redis.del(key);
  }
}

/** What `hfRefuse` answers where it took the place of a copy of another epoch. */
const REPLACED = 2;

/**
 * Puts back what PostgreSQL said of a session in this epoch: a copy, or for a while that there is none.
 * True if Redis had a copy of another epoch, and PostgreSQL has no such session.
 */
export async function refill(redis: Redis, name: string, record: SessionRecord, how: WriteCopy): Promise<boolean> {
  const { epoch, instead = false } = how;
  if (record.state === 'live') {
    await writeCopy(redis, name, record, how);
    return false;
  }
  const tombstone = formatTombstone(record.state === 'ended' ? record.reason : 'unknown');
  const about = [epoch ?? '', markBytes(epoch), instead ? '1' : ''] as const;
  const done = await redis.hfRefuse(keys.session(name), tombstone, UNKNOWN_MS, ...about);
  return done === REPLACED && record.state === 'unknown';
}

export interface WriteCopy {
  readonly epoch: Epoch | null;
  readonly seal: CopySeal;
  /** In place of a copy that does not count. */
  readonly instead?: boolean;
}

/** Where none stands but of another epoch, or one that it is written instead of; never over a tombstone. */
export function writeCopy(
  redis: Redis,
  name: string,
  record: LiveRecord,
  { epoch, seal, instead = false }: WriteCopy,
): Promise<number> {
  return redis.hfRefill(
    keys.session(name),
    keys.endings,
    ownerKey(record.owner.userId),
    keys.epoch,
    Math.round(record.sinceSeenMs),
    Math.ceil(record.idleTimeoutMs - record.sinceSeenMs),
    Math.ceil(record.absoluteRemainingMs),
    formatEntry(name, record, epoch, seal),
    Buffer.from(name, 'base64url'),
    epoch ?? '',
    markBytes(epoch),
    ownerTag(record.owner.userId),
    instead ? '1' : '',
  );
}

// Writes the records' counters and blocks into a Redis that was emptied or away. Every entry has the id of its attempt,
// so doing it twice, or beside new attempts, changes nothing.
import type { Redis } from 'ioredis';
import type { Database } from '../../platform/database.ts';
import { isCommandTimeout, keys } from '../../platform/redis.ts';
import type { ThrottleWindows, Window } from '../windows.ts';
import { type AttemptRecord, type BlockRecord, readAttempts, readBlocks } from './records.ts';

/** Redis failed; the records could be read. */
export class CountersNotTakenError extends Error {
  constructor(cause: unknown) {
    super('Redis could not take the counters of the throttle', { cause });
    this.name = 'CountersNotTakenError';
  }
}

interface Entry {
  readonly key: string;
  readonly windowMs: number;
  readonly id: string;
  readonly ageMs: number;
}

interface RebuildOptions {
  readonly redis: Redis;
  readonly database: Database;
  readonly windowsOf: ThrottleWindows;
  /** Older attempts are in Redis already. */
  readonly newerThanMs?: number | undefined;
  /** Whether to stop once another process has finished. */
  readonly orAnother?: boolean;
}

/** Blocks written at a time. */
const BATCH = 1_000;
/** Written in one command, which blocks Redis for some milliseconds. */
const ENTRIES = 500;
const TRIES = 5;
const FILL = `for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, ARGV[3 * i - 2], ARGV[3 * i - 1])
  redis.call('PEXPIRE', key, ARGV[3 * i])
end`;

/** @throws CountersNotTakenError, or what PostgreSQL throws. */
export async function rebuildThrottle({
  redis,
  database,
  windowsOf,
  newerThanMs = windowsOf.longestMs,
  orAnother = false,
}: RebuildOptions) {
  const into = <T>(writing: Promise<T>) =>
    writing.catch((error: unknown) => {
      throw new CountersNotTakenError(error);
    });
  const now = await into(timeOf(redis));
  const count = countBackwards(windowsOf);
  let read = 0;
  const all = await readAttempts(database, windowsOf, newerThanMs, async (attempts) => {
    read += attempts.length;
    await into(writeCounters(redis, count(attempts), now));
    return !(orAnother && (await into(redis.exists(keys.throttleMark))));
  });
  if (!all) return { attempts: read, blocks: 0 };
  const blocks = await readBlocks(database);
  await into(writeBlocks(redis, blocks));
  await into(redis.set(keys.throttleMark, '1'));
  return { attempts: read, blocks: blocks.length };
}

async function timeOf(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

async function writeCounters(redis: Redis, entries: readonly Entry[], now: number): Promise<void> {
  for (let done = 0; done < entries.length; done += ENTRIES) {
    const some = entries.slice(done, done + ENTRIES);
    const names = some.map(({ key }) => keys.throttleWindow(key));
    const values = some.flatMap(({ ageMs, id, windowMs }) => [Math.round(now - ageMs), id, windowMs]);
    for (let tries = 1; ; tries += 1) {
      try {
        await redis.eval(FILL, names.length, ...names, ...values);
        break;
      } catch (error) {
        if (tries === TRIES || !isCommandTimeout(error)) throw error;
      }
    }
  }
}

async function writeBlocks(redis: Redis, blocks: readonly BlockRecord[]): Promise<void> {
  const now = await timeOf(redis);
  for (let done = 0; done < blocks.length; done += BATCH) {
    const writes = blocks.slice(done, done + BATCH).map(({ key, id, left_ms }) => {
      const left = Math.ceil(Number(left_ms));
      return redis.set(keys.throttleBlock(key), `${String(now + left).padStart(13, '0')}${id}`, 'PX', left, 'NX');
    });
    await Promise.all(writes);
  }
}

/**
 * What each window would hold, from batches of attempts, newest first. A success, or a lifted block, empties its own
 * window of everything older; of the others a success adds to those that count successes, and nothing else does.
 */
function countBackwards(windowsOf: ThrottleWindows): (attempts: readonly AttemptRecord[]) => readonly Entry[] {
  const emptied = new Set<string>();
  return (attempts) => {
    const entries: Entry[] = [];
    for (const row of attempts) {
      const counted = windowsOfRow(row, windowsOf);
      const [own] = counted;
      const succeeded = row.outcome === 'success';
      if (own && (succeeded || row.outcome === 'lifted')) emptied.add(own.key);
      if (row.outcome === 'lifted') continue;
      const ageMs = Number(row.age_ms);
      for (const { key, rule, counts } of counted) {
        if ((counts === 'successes') !== succeeded) continue;
        if (ageMs >= rule.windowMs || emptied.has(key)) continue;
        entries.push({ key, windowMs: rule.windowMs, id: row.id, ageMs });
      }
    }
    return entries;
  };
}

function windowsOfRow(row: AttemptRecord, windowsOf: ThrottleWindows): Window[] {
  if (row.windows) return row.windows.map((key) => windowsOf.ofKey(key)).filter((window) => window !== null);
  const account = row.attempt?.identifierHash ?? row.identifier_hash?.toString('base64url');
  if (account === undefined) return [];
  return windowsOf.login({ account, ip: row.ip, deviceId: row.attempt?.device ?? row.device_id });
}

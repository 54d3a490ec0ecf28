// The counters and blocks of the throttle, read back from the records into a Redis that was emptied or away. Every entry has
// the id of its attempt, so that doing it twice, or beside attempts that go on, changes nothing.
import type { Redis } from 'ioredis';
import type { AttemptNote } from './audit-events.ts';
import type { Database } from './database.ts';
import { keys } from './redis.ts';
import type { ThrottleWindows, Window } from './throttle-windows.ts';

/** Thrown when Redis could not take what the records know; the records themselves were read. */
export class CountersNotTakenError extends Error {
  constructor(cause: unknown) {
    super('Redis could not take the counters of the throttle', { cause });
    this.name = 'CountersNotTakenError';
  }
}

interface AttemptRow {
  readonly id: string;
  readonly age_ms: string;
  /** 'lifted' where it is no attempt, but an operator who forgave what one window had counted. */
  readonly outcome: string;
  readonly ip: string | null;
  readonly identifier_hash: Buffer | null;
  readonly device_id: string | null;
  readonly attempt: AttemptNote | null;
  /** The windows by name, where it was no attempt to log in. */
  readonly windows: string[] | null;
}

interface BlockRow {
  readonly key: string;
  readonly id: string;
  readonly left_ms: string;
}

interface Entry {
  readonly id: string;
  readonly ageMs: number;
}

interface RebuildOptions {
  readonly redis: Redis;
  readonly database: Database;
  readonly windowsOf: ThrottleWindows;
}

type Counted = ReadonlyMap<string, { readonly entries: readonly Entry[]; readonly windowMs: number }>;

/** Writes what the records know, then the mark that says so. @throws CountersNotTakenError, or what PostgreSQL throws. */
export async function rebuildThrottle({ redis, database, windowsOf }: RebuildOptions) {
  const [attempts, blocks] = await Promise.all([readAttempts(database, windowsOf.longestMs), readBlocks(database)]);
  const windows = countAttempts(attempts, windowsOf);
  await writeCounters(redis, windows, blocks).catch((error: unknown) => {
    throw new CountersNotTakenError(error);
  });
  return { attempts: attempts.length, windows: windows.size, blocks: blocks.length };
}

async function writeCounters(redis: Redis, windows: Counted, blocks: readonly BlockRow[]): Promise<void> {
  const [seconds, micros] = await redis.time();
  const now = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  const writes: Promise<unknown>[] = [];
  for (const [key, { entries, windowMs }] of windows) {
    if (entries.length === 0) continue;
    const name = keys.throttleWindow(key);
    writes.push(redis.zadd(name, ...entries.flatMap(({ id, ageMs }) => [String(Math.round(now - ageMs)), id])));
    writes.push(redis.pexpire(name, windowMs));
  }
  for (const { key, id, left_ms } of blocks) {
    const left = Math.ceil(Number(left_ms));
    const value = `${String(now + left).padStart(13, '0')}${id}`;
    writes.push(redis.set(keys.throttleBlock(key), value, 'PX', left, 'NX'));
  }
  await Promise.all(writes);
  await redis.set(keys.throttleMark, '1');
}

/** Oldest first. One statement with one reading of the clock: what a success or a lifted block forgives is a matter of order. */
async function readAttempts({ pool }: Database, windowMs: number): Promise<AttemptRow[]> {
  const { rows } = await pool.query<AttemptRow>({
    text: `SELECT id, extract(epoch FROM statement_timestamp() - occurred_at) * 1000 AS age_ms, outcome, ip,
                  identifier_hash, device_id, attempt, windows
             FROM (SELECT id, occurred_at, outcome, host(ip) AS ip, identifier_hash, device_id,
                          NULL::jsonb AS attempt, NULL::text[] AS windows
                     FROM login_attempt
                   UNION ALL
                   SELECT id, occurred_at, outcome, ip, NULL, NULL, attempt, NULL
                     FROM throttle_waiting() WHERE attempt IS NOT NULL
                   UNION ALL
                   SELECT id, occurred_at, outcome, NULL, NULL, NULL, NULL, windows
                     FROM throttle_attempt WHERE outcome <> 'nothing'
                   UNION ALL
                   SELECT id, ended_at, end_reason, NULL, NULL, NULL, NULL, ARRAY[key]
                     FROM throttle_block WHERE end_reason = 'lifted') AS noted
            WHERE occurred_at > statement_timestamp() - $1 * interval '1 millisecond'
            ORDER BY occurred_at, id`,
    values: [windowMs],
  });
  return rows;
}

async function readBlocks({ pool }: Database): Promise<BlockRow[]> {
  const { rows } = await pool.query<BlockRow>({
    text: `SELECT key, id::text, extract(epoch FROM until_at - clock_timestamp()) * 1000 AS left_ms
             FROM throttle_block WHERE ended_at IS NULL AND until_at > clock_timestamp()
           UNION ALL
           SELECT block->>'key', block->>'id', left_ms
             FROM throttle_waiting(),
                  LATERAL (SELECT (block->>'lastsMs')::numeric
                                  - extract(epoch FROM clock_timestamp() - occurred_at) * 1000 AS left_ms) AS rest
            WHERE block IS NOT NULL AND left_ms > 0`,
  });
  return rows.filter((row) => Number(row.left_ms) >= 1);
}

/** What each window would hold: a success empties its own window and leaves nothing in the others; so does a lifted block. */
function countAttempts(attempts: readonly AttemptRow[], windowsOf: ThrottleWindows): Counted {
  const windows = new Map<string, { entries: Entry[]; windowMs: number }>();
  for (const row of attempts) {
    const counted = windowsOfRow(row, windowsOf);
    const [own] = counted;
    if (row.outcome === 'success' || row.outcome === 'lifted') {
      if (own) windows.delete(own.key);
      continue;
    }
    const ageMs = Number(row.age_ms);
    for (const { key, rule } of counted) {
      if (ageMs >= rule.windowMs) continue;
      const window = windows.get(key) ?? { entries: [], windowMs: rule.windowMs };
      window.entries.push({ id: row.id, ageMs });
      windows.set(key, window);
    }
  }
  return windows;
}

function windowsOfRow(row: AttemptRow, windowsOf: ThrottleWindows): Window[] {
  if (row.windows) return row.windows.map((key) => windowsOf.ofKey(key)).filter((window) => window !== null);
  const account = row.attempt?.identifierHash ?? row.identifier_hash?.toString('base64url');
  if (account === undefined) return [];
  return windowsOf.login({ account, ip: row.ip, deviceId: row.attempt?.device ?? row.device_id });
}

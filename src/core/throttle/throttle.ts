// Who may try now: decided before a password is hashed, in one Redis command for all windows at once, and the same whether
// the account exists or not. Points are taken before the attempt and given back when it succeeds, so that any number of
// attempts at once pass no more than the limit. docs/security.md has the policy, docs/decisions/0010 why it is one script.
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis, Result } from 'ioredis';
import { v7 as uuidv7 } from 'uuid';
import type { BlockNote } from '../audit/events.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { keys } from '../platform/redis.ts';
import { createMemoryFallback } from './memory-fallback.ts';
import type { ThrottlePolicy } from './policy.ts';
import { CountersNotTakenError, rebuildThrottle } from './rebuild.ts';
import {
  createThrottleWindows,
  type LoginTarget,
  type OnSuccess,
  type Taken,
  type ThrottleScope,
  type Window,
} from './windows.ts';

const SCRIPTS = {
  // Refuses while any window is blocked or full, counting the refusal by block; else takes a point of every window, and
  // starts the block that the point earns. All times are Redis's own; where its clock went back, what lies in its future is
  // taken for the present, so that no block and no attempt stands for longer than the rules say.
  hfThrottleTake: `
    if redis.call('EXISTS', KEYS[1]) == 0 then return {'rebuild'} end
    local t = redis.call('TIME')
    local now = t[1] * 1000 + math.floor(t[2] / 1000)
    local first, longest = tonumber(ARGV[2]), tonumber(ARGV[3])
    local count = (#KEYS - 2) / 2
    local worst, worstBlock, worstAt, started = 0, nil, 0, {}
    local seen, oldest = {}, {}
    local function block(i, n, lasts)
      local id = ARGV[3 + 4 * i]
      redis.call('SET', KEYS[2 + 2 * i], string.format('%013.0f', now + lasts) .. id, 'PX', lasts)
      for _, value in ipairs({i, n, lasts}) do table.insert(started, value) end
      return id
    end
    for i = 1, count do
      local value = redis.call('GET', KEYS[2 + 2 * i])
      local left = value and tonumber(string.sub(value, 1, 13)) - now or 0
      if left > longest then
        left = longest
        redis.call('SET', KEYS[2 + 2 * i], string.format('%013.0f', now + left) .. string.sub(value, 14), 'PX', left)
      end
      if left > worst then worst, worstBlock, worstAt = left, string.sub(value, 14), i end
    end
    if worst == 0 then
      for i = 1, count do
        local limit, window = tonumber(ARGV[1 + 4 * i]), tonumber(ARGV[2 + 4 * i])
        redis.call('ZREMRANGEBYSCORE', KEYS[1 + 2 * i], '-inf', now - window)
        for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1 + 2 * i], string.format('(%.0f', now), '+inf')) do
          redis.call('ZADD', KEYS[1 + 2 * i], now, id)
        end
        seen[i] = redis.call('ZCARD', KEYS[1 + 2 * i])
        if seen[i] >= limit then
          local at = redis.call('ZRANGE', KEYS[1 + 2 * i], seen[i] - limit, seen[i] - limit, 'WITHSCORES')
          local score = type(at[1]) == 'table' and at[1][2] or at[2]
          local lasts = math.max(1, math.min(longest, tonumber(score) + window - now))
          local id = block(i, seen[i], lasts)
          if lasts > worst then worst, worstBlock, worstAt = lasts, id, i end
        end
      end
    end
    if worst > 0 then
      redis.call('HINCRBY', KEYS[2], worstBlock .. ':' .. string.format('%.0f', now - now % 600000), 1)
      return {'refused', worst, started, worstAt}
    end
    for i = 1, count do
      local free, limit, window = tonumber(ARGV[4 * i]), tonumber(ARGV[1 + 4 * i]), tonumber(ARGV[2 + 4 * i])
      redis.call('ZADD', KEYS[1 + 2 * i], now, ARGV[1])
      redis.call('PEXPIRE', KEYS[1 + 2 * i], window)
      local n = seen[i] + 1
      if n >= free then block(i, n, math.min(longest, first * 2 ^ math.min(30, n - free))) end
    end
    return {'allowed', 0, started}`,
  // Takes an attempt's points and blocks back; the first window is emptied if the attempt succeeded.
  hfThrottleSettle: `
    local count = #KEYS / 2
    for i = 1, count do
      if i == 1 and ARGV[2] == 'success' then
        redis.call('DEL', KEYS[1], KEYS[2])
      else
        redis.call('ZREM', KEYS[2 * i - 1], ARGV[1])
        local value = redis.call('GET', KEYS[2 * i])
        if value and string.sub(value, 14) == ARGV[2 + i] then redis.call('DEL', KEYS[2 * i]) end
      end
    end
    return 1`,
} as const;

/** The last of a refusal is which window it was, counted from one. */
type TakeReply = ['rebuild'] | ['refused', number, number[], number] | ['allowed', number, number[]];

declare module 'ioredis' {
  interface RedisCommander<Context> {
    hfThrottleTake(keyCount: number, ...values: (string | number)[]): Result<TakeReply, Context>;
    hfThrottleSettle(keyCount: number, ...values: (string | number)[]): Result<number, Context>;
  }
}

const REBUILD_TRIES = 3;
/** A reading of the records that takes longer is not waited for. */
const REBUILD_WAIT_MS = 2_000;
/** What was decided without the counters just before a reading of the records began may not have been in them yet. */
const REBUILD_OVERLAP_MS = 5_000;
/** A Redis that could not take the counters is not tried at each attempt. */
const REBUILD_PAUSE_MS = 1_000;

export interface ThrottleOptions {
  readonly redis: Redis;
  readonly database: Database;
  readonly policy: ThrottlePolicy;
  readonly log: Log;
  /** Told of each refusal, and whose window was full or blocked; without Redis, the attempt's own. */
  readonly count?: (scope: ThrottleScope) => void;
}

export type Throttle = ReturnType<typeof createThrottle>;

export function createThrottle({ redis, database, policy, log, count = () => undefined }: ThrottleOptions) {
  for (const [name, lua] of Object.entries(SCRIPTS)) redis.defineCommand(name, { lua });
  const { pool } = database;
  const windowsOf = createThrottleWindows(policy);
  const memoryFallback = createMemoryFallback(policy);
  let rebuilding: Promise<void> | null = null;
  /** Set while Redis was away: what happened meanwhile is missing in its counters. */
  let behind = false;
  let tryAgainAt = 0;
  let readingSince = 0;
  /** Whether anything was decided without the counters since the last reading began, which may not have seen it. */
  let wentOn = false;

  function rebuild(): Promise<void> {
    rebuilding ??= readBack()
      .catch((error: unknown) => {
        if (wentOn) log.warn({ err: error }, 'the counters of the throttle could not be rebuilt');
        throw error;
      })
      .finally(() => {
        rebuilding = null;
      });
    return rebuilding;
  }

  /** Once, and again what was decided without the counters meanwhile. */
  async function readBack(): Promise<void> {
    let newerThanMs: number | undefined;
    do {
      readingSince = performance.now();
      wentOn = false;
      // Where Redis was emptied, any process can say what it held; what happened while this one was cut off, it alone.
      const orAnother = !behind && newerThanMs === undefined;
      const counts = await rebuildThrottle({ redis, database, windowsOf, newerThanMs, orAnother });
      newerThanMs = performance.now() - readingSince + REBUILD_OVERLAP_MS;
      log.info(counts, 'the counters of the throttle were rebuilt from the records');
    } while (wentOn);
    behind = false;
  }

  /** Whether the counters are back, if that is soon. */
  async function rebuilt(): Promise<boolean> {
    const done = rebuild().then(() => true);
    const enough = new AbortController();
    const waitMs = Math.max(0, readingSince + REBUILD_WAIT_MS - performance.now());
    const late = delay(waitMs, false, { signal: enough.signal });
    return Promise.race([done, late]).finally(() => enough.abort());
  }

  // Other processes decide by these counters too: what this one let through without them is told as soon as it can be.
  redis.on('ready', () => {
    if (behind) rebuild().catch((error: unknown) => log.debug({ err: error }, 'the throttle is still behind'));
  });

  async function ask(windows: readonly Window[], attemptId: string, blockIds: readonly string[]): Promise<TakeReply> {
    const names = [keys.throttleMark, keys.throttleRefused, ...windows.flatMap(windowKeys)];
    const numbers = windows.flatMap(({ rule }, index) => [rule.free, rule.limit, rule.windowMs, blockIds[index] ?? '']);
    const values = [attemptId, policy.blockFirstMs, policy.blockLongestMs, ...numbers];
    return redis.hfThrottleTake(names.length, ...names, ...values);
  }

  function countRefusal(window: Window | undefined): void {
    if (window) count(window.scope);
  }

  async function takeAlone(windows: readonly Window[], id: string, onSuccess: OnSuccess): Promise<Taken> {
    wentOn = true;
    const taken = await memoryFallback.take(windows, id, onSuccess);
    if (!taken.ok) countRefusal(windows[0]);
    return taken;
  }

  /** A process that fell back, or a Redis that was emptied, reads the records before anything is decided. */
  async function take(windows: readonly Window[], onSuccess: OnSuccess): Promise<Taken> {
    const id = uuidv7();
    const blockIds = windows.map(() => uuidv7());
    for (let attempt = 0; attempt < REBUILD_TRIES; attempt += 1) {
      let reply: TakeReply;
      try {
        if (behind && performance.now() < tryAgainAt) return takeAlone(windows, id, onSuccess);
        if (behind && redis.status === 'ready' && !(await rebuilt())) return takeAlone(windows, id, onSuccess);
        reply = await ask(windows, id, blockIds).catch((error: unknown) => {
          throw new CountersNotTakenError(error);
        });
        if (reply[0] === 'rebuild') {
          if (!(await rebuilt())) return takeAlone(windows, id, onSuccess);
          continue;
        }
      } catch (error) {
        if (!(error instanceof CountersNotTakenError)) throw error;
        if (!behind) log.warn({ err: error }, 'the throttle goes on without Redis');
        behind = true;
        tryAgainAt = performance.now() + REBUILD_PAUSE_MS;
        return takeAlone(windows, id, onSuccess);
      }
      const blocks = blocksOf(reply[2], windows, blockIds);
      if (reply[0] === 'refused') {
        countRefusal(windows[reply[3] - 1]);
        return { ok: false, retryAfterMs: reply[1], blocks };
      }
      const settle = async (how: 'success' | 'nothing') => {
        const names = windows.flatMap(windowKeys);
        await redis.hfThrottleSettle(names.length, ...names, id, how, ...blockIds).catch(() => undefined);
      };
      const giveBack = () => settle('nothing');
      const succeeded = async () => {
        if (onSuccess !== 'count') await settle(onSuccess === 'empty' ? 'success' : 'nothing');
      };
      return { ok: true, id, blocks, succeeded, giveBack };
    }
    log.warn('the throttle goes on without Redis, which loses its counters again and again');
    return takeAlone(windows, id, onSuccess);
  }

  /** For attempts that no log-in record tells of: each that is let through is written down first, and how it settled. */
  async function guard(windows: readonly Window[], onSuccess: OnSuccess): Promise<Taken> {
    const taken = await take(windows, onSuccess);
    if (!taken.ok) return taken;
    const { id } = taken;
    const settle = async (outcome: 'success' | 'nothing', inRedis: () => Promise<void>) => {
      await pool
        .query('UPDATE throttle_attempt SET outcome = $2 WHERE id = $1', [id, outcome])
        .catch((error: unknown) => log.debug({ err: error }, 'an attempt goes on counting in the records'));
      await inRedis();
    };
    try {
      const keysOf = windows.map(({ key }) => key);
      await pool.query('INSERT INTO throttle_attempt (id, windows) VALUES ($1, $2)', [id, keysOf]);
    } catch (error) {
      await taken.giveBack();
      throw error;
    }
    return {
      ...taken,
      giveBack: () => settle('nothing', taken.giveBack),
      async succeeded() {
        if (onSuccess !== 'count') await settle(onSuccess === 'empty' ? 'success' : 'nothing', taken.succeeded);
      },
    };
  }

  return {
    /** An attempt to log in. A known browser has a window of its own, in place of the other three. Settling it again does nothing. */
    takeLogin: async (target: LoginTarget): Promise<Taken> => once(await take(windowsOf.login(target), 'empty')),

    /** An attempt to make an account. Each counts, also one that succeeds. */
    takeRegister: (ip: string | null): Promise<Taken> => guard(windowsOf.register(ip), 'count'),

    /** An attempt to change a password, which tries the current one. */
    takePasswordChange: (userId: string): Promise<Taken> => guard(windowsOf.passwordChange(userId), 'empty'),

    /**
     * A form that sends a mail if there is an account. Each counts, also one that succeeds: by mailbox, so that nobody can
     * flood one, and by client. `address` is the keyed hash of what was typed.
     */
    takeMail: (target: { address: string; ip: string | null }): Promise<Taken> =>
      guard(windowsOf.mail(target), 'count'),

    /** A one-time link that is tried. A good one costs nothing, and makes up for no bad one. */
    takeToken: (ip: string | null): Promise<Taken> => guard(windowsOf.token(ip), 'give_back'),

    /** A code of the second factor that is tried. Wrong ones count; a right one empties the window. */
    takeSecondFactor: (userId: string, deviceId: string | null = null): Promise<Taken> =>
      guard(windowsOf.secondFactor(userId, deviceId), 'empty'),

    /** Forgets a window and its block, after an operator lifted it. Throws if Redis is away. */
    async forget(key: string): Promise<void> {
      await redis.del(keys.throttleWindow(key), keys.throttleBlock(key));
    },
  };
}

/** Settles once, whoever asks: a second call waits for the first. */
function once(taken: Taken): Taken {
  if (!taken.ok) return taken;
  let settling: Promise<void> | null = null;
  const settle = (how: () => Promise<void>) => () => {
    settling ??= how();
    return settling;
  };
  return { ...taken, succeeded: settle(taken.succeeded), giveBack: settle(taken.giveBack) };
}

function windowKeys({ key }: Window): string[] {
  return [keys.throttleWindow(key), keys.throttleBlock(key)];
}

function blocksOf(started: readonly number[], windows: readonly Window[], ids: readonly string[]): BlockNote[] {
  const notes: BlockNote[] = [];
  for (let at = 0; at + 2 < started.length; at += 3) {
    const index = (started[at] ?? 0) - 1;
    const window = windows[index];
    if (!window) continue;
    const { scope, key } = window;
    notes.push({ id: ids[index] ?? '', scope, key, failures: started[at + 1] ?? 0, lastsMs: started[at + 2] ?? 0 });
  }
  return notes;
}

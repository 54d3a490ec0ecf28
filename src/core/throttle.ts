// Who may try now: decided before a password is hashed, in one Redis command for all windows at once, and the same whether
// the account exists or not. Points are taken before the attempt and given back when it succeeds, so that any number of
// attempts at once pass no more than the limit. docs/security.md has the policy, docs/decisions/0010 why it is one script.
import type { Redis, Result } from 'ioredis';
import ipaddr from 'ipaddr.js';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { v7 as uuidv7 } from 'uuid';
import type { BlockNote } from './audit-events.ts';
import type { ThrottlePolicy, ThrottleRule } from './config.ts';
import type { Database } from './database.ts';
import type { Log } from './log.ts';
import { keys } from './redis.ts';
import { CountersNotTakenError, rebuildThrottle } from './throttle-rebuild.ts';

export type ThrottleScope = 'account_client' | 'client' | 'account' | 'device' | 'register' | 'password_change';

/** One window that an attempt takes a point of. */
interface Window {
  readonly scope: ThrottleScope;
  readonly key: string;
  readonly rule: ThrottleRule;
}

/** An attempt that may go on, or may not. */
export type Taken =
  | {
      readonly ok: true;
      /** The id that the attempt's event must have: the rebuilding of counters knows it by that. */
      readonly id: string;
      /** Blocks that begin with this attempt if it fails; they are to be recorded with it. */
      readonly blocks: readonly BlockNote[];
      /** It succeeded: its own window is emptied, the others get their point back. Never throws. */
      succeeded(): Promise<void>;
      /** It came to nothing (an outage): every window gets its point back. Never throws. */
      giveBack(): Promise<void>;
    }
  | { readonly ok: false; readonly retryAfterMs: number; readonly blocks: readonly BlockNote[] };

export interface LoginTarget {
  /** The keyed hash of the address as typed. */
  readonly account: string;
  readonly ip: string | null;
  /** The known browser, if it proved to be one of this account's. */
  readonly deviceId: string | null;
}

const SCRIPTS = {
  // Refuses while any window is blocked or full, counting the refusal by block; else takes a point of every window, and
  // starts the block that the point earns. All times are Redis's own.
  hfThrottleTake: `
    if redis.call('EXISTS', KEYS[1]) == 0 then return {'rebuild'} end
    local t = redis.call('TIME')
    local now = t[1] * 1000 + math.floor(t[2] / 1000)
    local first, longest = tonumber(ARGV[2]), tonumber(ARGV[3])
    local count = (#KEYS - 2) / 2
    local worst, worstBlock, started = 0, nil, {}
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
      if left > worst then worst, worstBlock = left, string.sub(value, 14) end
    end
    if worst == 0 then
      for i = 1, count do
        local limit, window = tonumber(ARGV[1 + 4 * i]), tonumber(ARGV[2 + 4 * i])
        redis.call('ZREMRANGEBYSCORE', KEYS[1 + 2 * i], '-inf', now - window)
        seen[i] = redis.call('ZCARD', KEYS[1 + 2 * i])
        if seen[i] >= limit then
          local at = redis.call('ZRANGE', KEYS[1 + 2 * i], seen[i] - limit, seen[i] - limit, 'WITHSCORES')
          local score = type(at[1]) == 'table' and at[1][2] or at[2]
          local lasts = math.max(1, math.min(longest, tonumber(score) + window - now))
          local id = block(i, seen[i], lasts)
          if lasts > worst then worst, worstBlock = lasts, id end
        end
      end
    end
    if worst > 0 then
      redis.call('HINCRBY', KEYS[2], worstBlock .. ':' .. string.format('%.0f', now - now % 600000), 1)
      return {'refused', worst, started}
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

type TakeReply = ['rebuild'] | ['refused' | 'allowed', number, number[]];

declare module 'ioredis' {
  interface RedisCommander<Context> {
    hfThrottleTake(keyCount: number, ...values: (string | number)[]): Result<TakeReply, Context>;
    hfThrottleSettle(keyCount: number, ...values: (string | number)[]): Result<number, Context>;
  }
}

const REBUILD_TRIES = 3;
/** A Redis that could not take the counters is not tried at each attempt. */
const REBUILD_PAUSE_MS = 1_000;

export interface ThrottleOptions {
  readonly redis: Redis;
  readonly database: Database;
  readonly policy: ThrottlePolicy;
  readonly log: Log;
}

export type Throttle = ReturnType<typeof createThrottle>;

export function createThrottle({ redis, database, policy, log }: ThrottleOptions) {
  for (const [name, lua] of Object.entries(SCRIPTS)) redis.defineCommand(name, { lua });
  const insurance = createInsurance(policy);
  let rebuilding: Promise<void> | null = null;
  /** Set while Redis was away: what happened meanwhile is missing in its counters. */
  let behind = false;
  let tryAgainAt = 0;

  function rebuild(): Promise<void> {
    rebuilding ??= rebuildThrottle({ redis, database, policy, windowsOf: (target) => loginWindows(target, policy) })
      .then((counts) => {
        behind = false;
        log.info(counts, 'the counters of the throttle were rebuilt from the records');
      })
      .finally(() => {
        rebuilding = null;
      });
    return rebuilding;
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

  /** A process that fell back, or a Redis that was emptied, reads the records before anything is decided. */
  async function take(windows: readonly Window[]): Promise<Taken> {
    const id = uuidv7();
    const blockIds = windows.map(() => uuidv7());
    for (let attempt = 0; attempt < REBUILD_TRIES; attempt += 1) {
      let reply: TakeReply;
      try {
        if (behind && performance.now() < tryAgainAt) return insurance.take(windows, id);
        if (behind && redis.status === 'ready') await rebuild();
        reply = await ask(windows, id, blockIds).catch((error: unknown) => {
          throw new CountersNotTakenError(error);
        });
        if (reply[0] === 'rebuild') {
          await rebuild();
          continue;
        }
      } catch (error) {
        if (!(error instanceof CountersNotTakenError)) throw error;
        if (!behind) log.warn({ err: error }, 'the throttle goes on without Redis');
        behind = true;
        tryAgainAt = performance.now() + REBUILD_PAUSE_MS;
        return insurance.take(windows, id);
      }
      const blocks = blocksOf(reply[2], windows, blockIds);
      if (reply[0] === 'refused') return { ok: false, retryAfterMs: reply[1], blocks };
      const settle = async (how: 'success' | 'nothing') => {
        const names = windows.flatMap(windowKeys);
        await redis.hfThrottleSettle(names.length, ...names, id, how, ...blockIds).catch(() => undefined);
      };
      return { ok: true, id, blocks, succeeded: () => settle('success'), giveBack: () => settle('nothing') };
    }
    throw new Error('the counters of the throttle can not be rebuilt: Redis loses them again and again');
  }

  return {
    /** An attempt to log in. A known browser has a window of its own, in place of the other three. */
    takeLogin: (target: LoginTarget): Promise<Taken> => take(loginWindows(target, policy)),

    /** An attempt to make an account. */
    takeRegister: (ip: string | null): Promise<Taken> =>
      take([{ scope: 'register', key: `r:${clientKey(ip)}`, rule: policy.register }]),

    /** An attempt to change a password, which tries the current one. */
    takePasswordChange: (userId: string): Promise<Taken> =>
      take([{ scope: 'password_change', key: `p:${userId}`, rule: policy.passwordChange }]),

    /** Forgets a window and its block, after an operator lifted it. Throws if Redis is away. */
    async forget(key: string): Promise<void> {
      await redis.del(keys.throttleWindow(key), keys.throttleBlock(key));
    },
  };
}

/** What counts as one client: an IPv4 address, or the /64 of an IPv6 address, which one subscriber has whole. */
export function clientKey(ip: string | null): string {
  if (ip === null || !ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  if (address instanceof ipaddr.IPv4) return address.toString();
  return `${address.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}

function loginWindows({ account, ip, deviceId }: LoginTarget, policy: ThrottlePolicy): Window[] {
  if (deviceId !== null) return [{ scope: 'device', key: `d:${deviceId}`, rule: policy.device }];
  const client = clientKey(ip);
  return [
    { scope: 'account_client', key: `ac:${account}:${client}`, rule: policy.accountClient },
    { scope: 'client', key: `c:${client}`, rule: policy.client },
    { scope: 'account', key: `a:${account}`, rule: policy.account },
  ];
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

/**
 * While Redis is away: the free attempts of each window, by this process alone and in its memory. So many processes, so
 * many times the free attempts; nothing grows, and a restart forgets.
 */
function createInsurance(policy: ThrottlePolicy) {
  const limiters = new Map<ThrottleScope, RateLimiterMemory>();

  function limiterOf({ scope, rule }: Window): RateLimiterMemory {
    const known = limiters.get(scope);
    if (known) return known;
    const duration = Math.ceil(Math.min(rule.windowMs, policy.blockLongestMs) / 1_000);
    const limiter = new RateLimiterMemory({ keyPrefix: scope, points: rule.free, duration });
    limiters.set(scope, limiter);
    return limiter;
  }

  return {
    async take(windows: readonly Window[], id: string): Promise<Taken> {
      const answers = await Promise.allSettled(windows.map((window) => limiterOf(window).consume(window.key)));
      const refusals = answers.flatMap((answer) => (answer.status === 'rejected' ? [waitOf(answer.reason)] : []));
      const reward = async (which: readonly Window[]) => {
        await Promise.all(which.map((window) => limiterOf(window).reward(window.key)));
      };
      if (refusals.length > 0) {
        await reward(windows.filter((_, index) => answers[index]?.status === 'fulfilled'));
        return { ok: false, retryAfterMs: Math.max(1, ...refusals), blocks: [] };
      }
      const succeeded = async () => {
        const [own, ...others] = windows;
        if (own) await limiterOf(own).delete(own.key);
        await reward(others);
      };
      return { ok: true, id, blocks: [], succeeded, giveBack: () => reward(windows) };
    },
  };
}

function waitOf(reason: unknown): number {
  if (reason instanceof RateLimiterRes) return reason.msBeforeNext;
  throw reason;
}

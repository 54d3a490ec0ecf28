// The throttle's two commands in Redis: one takes an attempt's points or refuses it, the other settles it, each over all
// windows at once (docs/decisions/0010).
import type { Redis, Result } from 'ioredis';
import type { BlockNote } from '../../audit/events.ts';
import { keys } from '../../platform/redis.ts';
import type { ThrottlePolicy } from '../policy.ts';
import type { Window } from '../windows.ts';

const SCRIPTS = {
  // Refuses while any window is blocked or full, counting the refusal by block; else takes a point of every window that
  // counts attempts, and starts the block that the point earns. All times are Redis's own; where its clock went back, what lies in its future is
  // taken for the present, so that no block and no attempt stands for longer than the rules say.
  hfThrottleTake: `
    local stands = {KEYS[1]}
    for i = 4, #KEYS, 2 do table.insert(stands, KEYS[i]) end
    stands = redis.call('MGET', unpack(stands))
    if not stands[1] then return {'rebuild'} end
    local t = redis.call('TIME')
    local now = t[1] * 1000 + math.floor(t[2] / 1000)
    local first, longest = tonumber(ARGV[2]), tonumber(ARGV[3])
    local count = (#KEYS - 2) / 2
    local worst, worstBlock, worstAt, started = 0, nil, 0, {}
    local seen, oldest = {}, {}
    local function block(i, n, lasts)
      local id = ARGV[2 + 5 * i]
      redis.call('SET', KEYS[2 + 2 * i], string.format('%013.0f', now + lasts) .. id, 'PX', lasts)
      for _, value in ipairs({i, n, lasts}) do table.insert(started, value) end
      return id
    end
    for i = 1, count do
      local value = stands[1 + i]
      local left = value and tonumber(string.sub(value, 1, 13)) - now or 0
      if left > longest then
        left = longest
        redis.call('SET', KEYS[2 + 2 * i], string.format('%013.0f', now + left) .. string.sub(value, 14), 'PX', left)
      end
      if left > worst then worst, worstBlock, worstAt = left, string.sub(value, 14), i end
    end
    if worst == 0 then
      for i = 1, count do
        local limit, window = tonumber(ARGV[5 * i]), tonumber(ARGV[1 + 5 * i])
        seen[i] = redis.call('ZCARD', KEYS[1 + 2 * i])
        if seen[i] > 0 then
          seen[i] = seen[i] - redis.call('ZREMRANGEBYSCORE', KEYS[1 + 2 * i], '-inf', now - window)
          for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1 + 2 * i], string.format('(%.0f', now), '+inf')) do
            redis.call('ZADD', KEYS[1 + 2 * i], now, id)
          end
        end
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
      return {'refused', worst, started, worstAt, worstBlock, now}
    end
    for i = 1, count do
      local free, window = tonumber(ARGV[5 * i - 1]), tonumber(ARGV[1 + 5 * i])
      if ARGV[3 + 5 * i] == 'attempts' then
        redis.call('ZADD', KEYS[1 + 2 * i], now, ARGV[1])
        redis.call('PEXPIRE', KEYS[1 + 2 * i], window)
        local n = seen[i] + 1
        if n >= free then block(i, n, math.min(longest, first * 2 ^ math.min(30, n - free))) end
      end
    end
    return {'allowed', 0, started}`,
  // Takes an attempt's points and blocks back; the first window is emptied if the attempt succeeded. A window that counts
  // successes takes a point unless it came to nothing.
  hfThrottleSettle: `
    local count = #KEYS / 2
    local t = redis.call('TIME')
    local now = t[1] * 1000 + math.floor(t[2] / 1000)
    for i = 1, count do
      local window = tonumber(ARGV[2 + 2 * i])
      if window > 0 then
        if ARGV[2] ~= 'nothing' then
          redis.call('ZADD', KEYS[2 * i - 1], now, ARGV[1])
          redis.call('PEXPIRE', KEYS[2 * i - 1], window)
        end
      elseif i == 1 and ARGV[2] == 'success' then
        redis.call('DEL', KEYS[1], KEYS[2])
      else
        redis.call('ZREM', KEYS[2 * i - 1], ARGV[1])
        local value = ARGV[1 + 2 * i] ~= '' and redis.call('GET', KEYS[2 * i])
        if value and string.sub(value, 14) == ARGV[1 + 2 * i] then redis.call('DEL', KEYS[2 * i]) end
      end
    end
    return 1`,
} as const;

/** A refusal ends with its window, counted from one. */
type TakeReply = ['rebuild'] | ['refused', number, number[], number, string, number] | ['allowed', number, number[]];

declare module 'ioredis' {
  interface RedisCommander<Context> {
    hfThrottleTake(keyCount: number, ...values: (string | number)[]): Result<TakeReply, Context>;
    hfThrottleSettle(keyCount: number, ...values: (string | number)[]): Result<number, Context>;
  }
}

/** A success empties the attempt's own window; both it and what `passed` count where successes are counted. */
export type Settling = 'success' | 'passed' | 'nothing';

/** With the id of the block that it may begin in each window. */
export interface CountedAttempt {
  readonly id: string;
  readonly windows: readonly Window[];
  readonly blockIds: readonly string[];
}

/** `rebuild`: Redis was emptied, and nothing was decided. */
export type Decision =
  | { readonly answer: 'rebuild' }
  | {
      readonly answer: 'refused';
      readonly retryAfterMs: number;
      readonly blocks: readonly BlockNote[];
      /** The one that was full or blocked. */
      readonly window: Window | undefined;
      /** The id of its block, and Redis's time. */
      readonly blockId: string;
      readonly now: number;
    }
  | { readonly answer: 'allowed'; readonly blocks: readonly BlockNote[] };

export function createThrottleScripts(redis: Redis, policy: ThrottlePolicy) {
  for (const [name, lua] of Object.entries(SCRIPTS)) redis.defineCommand(name, { lua });

  return {
    async take({ id, windows, blockIds }: CountedAttempt): Promise<Decision> {
      const names = [keys.throttleMark, keys.throttleRefused, ...windows.flatMap(windowKeys)];
      const numbers = windows.flatMap(({ rule, counts }, index) => [
        rule.free,
        rule.limit,
        rule.windowMs,
        blockIds[index] ?? '',
        counts,
      ]);
      const values = [id, policy.blockFirstMs, policy.blockLongestMs, ...numbers];
      const reply = await redis.hfThrottleTake(names.length, ...names, ...values);
      if (reply[0] === 'rebuild') return { answer: 'rebuild' };
      const blocks = blocksOf(reply[2], windows, blockIds);
      if (reply[0] === 'allowed') return { answer: 'allowed', blocks };
      const [, retryAfterMs, , place, blockId, now] = reply;
      return { answer: 'refused', retryAfterMs, blocks, window: windows[place - 1], blockId, now };
    },

    /** Gives points back, and the blocks that the attempt began. */
    async settle(
      { id, windows }: CountedAttempt,
      { how, begun }: { how: Settling; begun: readonly BlockNote[] },
    ): Promise<void> {
      const names = windows.flatMap(windowKeys);
      const values = windows.flatMap(({ key, rule, counts }) => [
        begun.find((block) => block.key === key)?.id ?? '',
        counts === 'successes' ? rule.windowMs : 0,
      ]);
      await redis.hfThrottleSettle(names.length, ...names, id, how, ...values);
    },
  };
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

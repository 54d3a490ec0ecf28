// The throttle while Redis is away: each window's free attempts, counted in memory. Each process counts alone, so N
// processes allow N times as many; a restart forgets. The memory is bounded.
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js';
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js';
import type { ThrottlePolicy } from '../policy.ts';
import type { OnSuccess, Taken } from '../taken.ts';
import type { ThrottleScope, Window } from '../windows.ts';

/** Some 40 MB at most; the oldest go first. */
const MOST_WINDOWS = 50_000;

export function createMemoryFallback(policy: ThrottlePolicy, mostWindows = MOST_WINDOWS) {
  const limiters = new Map<ThrottleScope, RateLimiterMemory>();
  /** Oldest attempt first. */
  const kept = new Map<string, Window>();

  function limiterOf({ scope, rule }: Window): RateLimiterMemory {
    const known = limiters.get(scope);
    if (known) return known;
    const duration = Math.ceil(Math.min(rule.windowMs, policy.blockLongestMs) / 1_000);
    const limiter = new RateLimiterMemory({ keyPrefix: scope, points: rule.free, duration });
    limiters.set(scope, limiter);
    return limiter;
  }

  /** A window that counts successes is looked at, and refuses while it is full. */
  async function enter(window: Window): Promise<RateLimiterRes | null> {
    if (window.counts === 'attempts') return consume(window);
    const seen = await limiterOf(window).get(window.key);
    if (seen !== null && seen.remainingPoints <= 0) throw seen;
    return seen;
  }

  async function consume(window: Window): Promise<RateLimiterRes> {
    kept.delete(window.key);
    kept.set(window.key, window);
    const [oldest] = kept.values();
    if (oldest && kept.size > mostWindows) await forget(oldest);
    return limiterOf(window).consume(window.key);
  }

  async function forget(window: Window): Promise<void> {
    kept.delete(window.key);
    await limiterOf(window).delete(window.key);
  }

  async function reward(window: Window): Promise<void> {
    const { consumedPoints } = await limiterOf(window).reward(window.key);
    if (consumedPoints <= 0) await forget(window);
  }

  return {
    /** All windows give a point, or none does. */
    async take(windows: readonly Window[], id: string, onSuccess: OnSuccess): Promise<Taken> {
      const counted = windows.filter(({ counts }) => counts === 'attempts');
      const answers = await Promise.allSettled(windows.map(enter));
      const giveBack = async () => {
        await Promise.all(counted.map(reward));
      };
      const countSuccess = async () => {
        const ofSuccesses = windows.filter(({ counts }) => counts === 'successes');
        await Promise.allSettled(ofSuccesses.map(consume)); // one too many is no reason to fail what has succeeded
      };
      const passed = async () => {
        await Promise.all([giveBack(), countSuccess()]);
      };
      const refusals = answers.flatMap((answer) => (answer.status === 'rejected' ? [waitOf(answer.reason)] : []));
      if (refusals.length > 0) {
        await giveBack(); // a full window counts the attempt that it refuses, too
        return { ok: false, retryAfterMs: Math.max(1, ...refusals), blocks: [] };
      }
      const succeeded = async () => {
        if (onSuccess === 'count') return;
        const [own, ...others] = counted;
        if (onSuccess === 'give_back' || !own) return passed();
        await forget(own);
        await Promise.all([...others.map(reward), countSuccess()]);
      };
      return { ok: true, id, blocks: [], succeeded, passed, giveBack };
    },

    get size(): number {
      return kept.size;
    },
  };
}

function waitOf(reason: unknown): number {
  if (reason instanceof RateLimiterRes) return reason.msBeforeNext;
  throw reason;
}

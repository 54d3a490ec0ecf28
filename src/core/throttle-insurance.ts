// The throttle while Redis is away: the free attempts of each window, by this process alone and in its memory. So many
// processes, so many times the free attempts, and a restart forgets. The client's window is asked first: one that is refused
// leaves nothing behind of what it names, so that only attempts which are let through take memory, for an hour at most.
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { ThrottlePolicy } from './config.ts';
import type { OnSuccess, Taken } from './throttle.ts';
import { isOfMany, type ThrottleScope, type Window } from './throttle-windows.ts';

export function createInsurance(policy: ThrottlePolicy) {
  const limiters = new Map<ThrottleScope, RateLimiterMemory>();

  function limiterOf({ scope, rule }: Window): RateLimiterMemory {
    const known = limiters.get(scope);
    if (known) return known;
    const duration = Math.ceil(Math.min(rule.windowMs, policy.blockLongestMs) / 1_000);
    const limiter = new RateLimiterMemory({ keyPrefix: scope, points: rule.free, duration });
    limiters.set(scope, limiter);
    return limiter;
  }

  async function reward(which: readonly Window[]): Promise<void> {
    for (const window of which) {
      const { consumedPoints } = await limiterOf(window).reward(window.key);
      if (consumedPoints <= 0) await limiterOf(window).delete(window.key);
    }
  }

  return {
    async take(windows: readonly Window[], id: string, onSuccess: OnSuccess): Promise<Taken> {
      const taken: Window[] = [];
      for (const window of [...windows].sort((a, b) => Number(isOfMany(b.scope)) - Number(isOfMany(a.scope)))) {
        try {
          await limiterOf(window).consume(window.key);
        } catch (reason) {
          await reward(taken);
          return { ok: false, retryAfterMs: Math.max(1, waitOf(reason)), blocks: [] };
        }
        taken.push(window);
      }
      const giveBack = () => reward(windows);
      const succeeded = async () => {
        if (onSuccess === 'count') return;
        const [own, ...others] = windows;
        if (onSuccess === 'give_back' || !own) return giveBack();
        await limiterOf(own).delete(own.key);
        await reward(others);
      };
      return { ok: true, id, blocks: [], succeeded, giveBack };
    },
  };
}

function waitOf(reason: unknown): number {
  if (reason instanceof RateLimiterRes) return reason.msBeforeNext;
  throw reason;
}

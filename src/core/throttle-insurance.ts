// The throttle while Redis is away: the free attempts of each window, by this process alone and in its memory. So many
// processes, so many times the free attempts; nothing grows, and a restart forgets.
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { ThrottlePolicy } from './config.ts';
import type { OnSuccess, Taken } from './throttle.ts';
import type { ThrottleScope, Window } from './throttle-windows.ts';

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
    await Promise.all(which.map((window) => limiterOf(window).reward(window.key)));
  }

  return {
    async take(windows: readonly Window[], id: string, onSuccess: OnSuccess): Promise<Taken> {
      const answers = await Promise.allSettled(windows.map((window) => limiterOf(window).consume(window.key)));
      const refusals = answers.flatMap((answer) => (answer.status === 'rejected' ? [waitOf(answer.reason)] : []));
      if (refusals.length > 0) {
        await reward(windows.filter((_, index) => answers[index]?.status === 'fulfilled'));
        return { ok: false, retryAfterMs: Math.max(1, ...refusals), blocks: [] };
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

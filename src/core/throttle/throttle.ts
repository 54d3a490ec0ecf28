// Who may try now: decided before a password is hashed, in one Redis command for all windows, and the same whether the
// account exists or not. Points are taken before the attempt and given back after a success, so that attempts at once
// can't exceed the limit. docs/security.md has the policy, docs/decisions/0010 why it is one script.
import type { Redis } from 'ioredis';
import { v7 as uuidv7 } from 'uuid';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { keys } from '../platform/redis.ts';
import { createCatchUp } from './counters/catch-up.ts';
import { createMemoryFallback } from './counters/memory-fallback.ts';
import { CountersNotTakenError } from './counters/rebuild.ts';
import { createRememberedRefusals } from './counters/remembered-refusals.ts';
import { type CountedAttempt, createThrottleScripts, type Decision, type Settling } from './counters/scripts.ts';
import type { ThrottlePolicy } from './policy.ts';
import { recorded } from './recorded-attempts.ts';
import { type OnSuccess, settledOnce, type Taken } from './taken.ts';
import {
  createThrottleWindows,
  type FactorPlace,
  type LoginTarget,
  type ThrottleScope,
  type Window,
} from './windows.ts';

const REBUILD_TRIES = 3;

export interface ThrottleOptions {
  readonly redis: Redis;
  readonly database: Database;
  readonly policy: ThrottlePolicy;
  readonly log: Log;
  /** Called at each refusal with the window that was full or blocked; without Redis, the attempt's own. */
  readonly count?: (scope: ThrottleScope) => void;
}

/** Who asks to log in: `proof` is the token of a known browser, which no store was asked of yet. */
interface Asking extends Omit<LoginTarget, 'deviceId'> {
  readonly proof: string | null;
}

const proofKey = (proof: string) => `proof:${proof}`;

export type Throttle = ReturnType<typeof createThrottle>;

export function createThrottle({ redis, database, policy, log, count = () => undefined }: ThrottleOptions) {
  const windowsOf = createThrottleWindows(policy);
  const scripts = createThrottleScripts(redis, policy);
  const catchUp = createCatchUp({ redis, database, windowsOf, log });
  const memoryFallback = createMemoryFallback(policy);
  const remembered = createRememberedRefusals({
    add: (field, count) => void redis.hincrby(keys.throttleRefused, field, count).catch(() => undefined),
  });

  /** Null where the counters can't be asked. Throws what PostgreSQL throws while they are rebuilt. */
  async function decide(attempt: CountedAttempt): Promise<Exclude<Decision, { answer: 'rebuild' }> | null> {
    for (let tries = 0; tries < REBUILD_TRIES; tries += 1) {
      try {
        if (!(await catchUp.mayAsk())) return null;
        const decision = await scripts.take(attempt).catch((error: unknown) => {
          throw new CountersNotTakenError(error);
        });
        if (decision.answer !== 'rebuild') return decision;
        if (!(await catchUp.rebuilt())) return null;
      } catch (error) {
        if (!(error instanceof CountersNotTakenError)) throw error;
        catchUp.fallBehind(error);
        return null;
      }
    }
    catchUp.giveUp();
    return null;
  }

  async function takeAlone(windows: readonly Window[], id: string, onSuccess: OnSuccess): Promise<Taken> {
    const taken = await memoryFallback.take(windows, id, onSuccess);
    if (!taken.ok) countRefusal(windows[0]);
    return taken;
  }

  /** `proof`: what a known browser has shown, which stands for its windows. */
  async function take(windows: readonly Window[], onSuccess: OnSuccess, proof: string | null = null): Promise<Taken> {
    const attempt = { id: uuidv7(), windows, blockIds: windows.map(() => uuidv7()) };
    const decision = await decide(attempt);
    if (decision === null) return takeAlone(windows, attempt.id, onSuccess);
    const { blocks } = decision;
    if (decision.answer === 'refused') {
      const { window, blockId: id, now } = decision;
      countRefusal(window);
      const asked = proof === null ? window?.key : proofKey(proof);
      if (asked !== undefined) remembered.met([asked], { id, now, retryAfterMs: decision.retryAfterMs });
      return { ok: false, retryAfterMs: decision.retryAfterMs, blocks };
    }
    const settle = (how: Settling) => scripts.settle(attempt, { how, begun: blocks }).catch(() => undefined);
    return {
      ok: true,
      id: attempt.id,
      blocks,
      giveBack: () => settle('nothing'),
      passed: () => settle('passed'),
      async succeeded() {
        if (onSuccess !== 'count') await settle(onSuccess === 'empty' ? 'success' : 'nothing');
      },
    };
  }

  function countRefusal(window: Window | undefined): void {
    if (window) count(window.scope);
  }

  /** A refusal that needs no store, of somebody who goes on hammering at a block. */
  function refuseAgain({ account, ip, proof }: Asking): Extract<Taken, { ok: false }> | null {
    const windows = windowsOf.login({ account, ip, deviceId: null });
    const again = remembered.refuse(proof === null ? windows.map(({ key }) => key) : [proofKey(proof)]);
    if (!again) return null;
    countRefusal(proof === null ? windows.find(({ key }) => key === again.key) : windows[0]);
    return { ok: false, retryAfterMs: again.retryAfterMs, blocks: [] };
  }

  const takeRecorded = recorded((windows, onSuccess) => take(windows, onSuccess), database, log);

  return {
    /** Settling it again does nothing. */
    takeLogin: async (target: LoginTarget, proof: string | null = null): Promise<Taken> =>
      settledOnce(await take(windowsOf.login(target), 'empty', proof)),

    /** The answer to a log-in that can only be refused, in a flood of such; null: it is to be taken like any other. */
    refuseAgain,

    /** A log-in without a password, once it is known whose: only successes count. */
    takeProvedLogin: async (account: string, deviceId: string | null): Promise<Taken> =>
      settledOnce(await take(windowsOf.loginSuccess(account, deviceId), 'empty')),

    /** A form that somebody logged in sends, whatever its result. */
    takeAct: (by: { sessionId: string; userId: string }): Promise<Taken> => take(windowsOf.act(by), 'count'),

    /** A request of a program with an API token, whatever its result. */
    takeApi: (tokenId: string): Promise<Taken> => take(windowsOf.api(tokenId), 'count'),

    /** A page that an auditor looks at, where that is recorded. */
    takeLook: (userId: string): Promise<Taken> => take(windowsOf.look(userId), 'count'),

    /** A request for what somebody may not see or do. */
    takeForbidden: (by: { userId: string | null; ip: string | null }): Promise<Taken> =>
      take(windowsOf.forbidden(by), 'count'),

    /** Each counts, also one that succeeds. */
    takeRegister: (ip: string | null): Promise<Taken> => takeRecorded(windowsOf.register(ip), 'count'),

    /** Whatever tries the current password of somebody logged in. */
    takePasswordChange: (userId: string): Promise<Taken> => takeRecorded(windowsOf.passwordChange(userId), 'empty'),

    /**
     * A form that may send a mail. Each counts, by mailbox (nobody can flood one) and by client. `address` is the keyed
     * hash of what was typed.
     */
    takeMail: (target: { address: string; ip: string | null }): Promise<Taken> =>
      takeRecorded(windowsOf.mail(target), 'count'),

    /** A good link costs nothing, and makes up for no bad one. */
    takeToken: (ip: string | null): Promise<Taken> => takeRecorded(windowsOf.token(ip), 'give_back'),

    /** Wrong codes count; a right one empties the window, and counts among the successes. Each place has its own. */
    takeSecondFactor: (userId: string, place: FactorPlace = null): Promise<Taken> =>
      takeRecorded(windowsOf.secondFactor(userId, place), 'empty'),

    /** Forgets a window and its block. Throws if Redis is away. */
    async forget(key: string): Promise<void> {
      remembered.forget();
      await redis.del(keys.throttleWindow(key), keys.throttleBlock(key));
      remembered.forget(); // another attempt may have met it meanwhile
    },
  };
}

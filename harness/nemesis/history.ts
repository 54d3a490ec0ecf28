// What the answers promised, held against what comes later: a session whose end was answered answers no more.
import { setTimeout as delay } from 'node:timers/promises';
import { connection } from '../restart/client.ts';
import { type Ledger, type Obtained, openLedger } from '../restart/ledger.ts';

/** By docs/architecture.md the longest that any fault leaves an ended session alive elsewhere is 2.5 s. */
const BOUND_MS = 2_500;
const LOOK_MS = 20;

export interface History {
  readonly ledger: Ledger;
  /** Tries ended sessions again and again, until it is stopped; resolves with what answered too late. */
  watch(port: number): { stop(): Promise<readonly string[]> };
}

/** A ledger that notes when each end was answered. */
export function openHistory(): History {
  const kept = openLedger();
  const endedAt = new Map<string, number>();
  const ledger: Ledger = {
    ...kept,
    ended(obtained) {
      endedAt.set(obtained.cookie, performance.now());
      kept.ended(obtained);
    },
  };

  /** A sentence where an ended session was answered as a live one. */
  async function tryAgain(client: ReturnType<typeof connection>, ended: Obtained): Promise<string | undefined> {
    const ago = performance.now() - (endedAt.get(ended.cookie) ?? 0);
    if (ago <= BOUND_MS) return undefined;
    const answer = await client.ask({ method: 'GET', path: '/profile', ...ended }).catch(() => undefined);
    if (answer?.status !== 200) return undefined;
    return `a session that had ended ${(ago / 1_000).toFixed(1)} s before was answered with 200 (${answer.requestId})`;
  }

  return {
    ledger,
    watch(port) {
      const violations: string[] = [];
      const client = connection(port, true);
      let stopping = false;
      const watching = (async () => {
        for (let next = 0; !stopping; next += 1) {
          const dead = ledger.dead();
          // The newest are likelier to be known wrongly, and each is tried again.
          const index =
            next % 2 === 0 ? dead.length - 1 - ((next / 2) % Math.min(dead.length, 20)) : next % dead.length;
          const ended = dead[index];
          const wrong = ended && (await tryAgain(client, ended));
          if (wrong) violations.push(wrong);
          await delay(LOOK_MS);
        }
      })();
      return {
        async stop() {
          stopping = true;
          await watching;
          client.close();
          return violations;
        },
      };
    },
  };
}

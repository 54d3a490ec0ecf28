// What the throttle says of an attempt, and how one that may go on is settled.
import type { BlockNote } from '../audit/events.ts';

/** A success empties the attempt's own window, gives every point back, or counts like any other attempt. */
export type OnSuccess = 'empty' | 'give_back' | 'count';

export type Taken =
  | {
      readonly ok: true;
      /** A log-in's event must have this id: counters are rebuilt by it. */
      readonly id: string;
      /** Begin with this attempt if it fails, and are to be recorded with its failure. */
      readonly blocks: readonly BlockNote[];
      /** Never throws. */
      succeeded(): Promise<void>;
      /** For what was right, but is no success yet: costs nothing, and counts among the successes. Never throws. */
      passed(): Promise<void>;
      /** For an outage: every window gets its point back. Never throws. */
      giveBack(): Promise<void>;
    }
  | { readonly ok: false; readonly retryAfterMs: number; readonly blocks: readonly BlockNote[] };

/** Settles once, whoever asks: a second call waits for the first. */
export function settledOnce(taken: Taken): Taken {
  if (!taken.ok) return taken;
  let settling: Promise<void> | null = null;
  const settle = (how: () => Promise<void>) => () => {
    settling ??= how();
    return settling;
  };
  const { succeeded, passed, giveBack } = taken;
  return { ...taken, succeeded: settle(succeeded), passed: settle(passed), giveBack: settle(giveBack) };
}

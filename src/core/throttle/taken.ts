// What the throttle says of an attempt, and how one that may go on is settled.
import type { BlockNote } from '../audit/events.ts';

/** What a success does to the attempt's windows: its own is emptied, all get their point back, or it counts like any other. */
export type OnSuccess = 'empty' | 'give_back' | 'count';

/** An attempt that may go on, or may not. */
export type Taken =
  | {
      readonly ok: true;
      /** The id that a log-in's event must have: the rebuilding of counters knows it by that. */
      readonly id: string;
      /** Blocks that begin with this attempt if it fails; they are to be recorded with it. */
      readonly blocks: readonly BlockNote[];
      /** It succeeded: see {@link OnSuccess}. Never throws. */
      succeeded(): Promise<void>;
      /** It came to nothing (an outage): every window gets its point back. Never throws. */
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
  return { ...taken, succeeded: settle(taken.succeeded), giveBack: settle(taken.giveBack) };
}

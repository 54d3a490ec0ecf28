// What the console's page of drains is given.
import type { ShownTime } from '../texts/times-and-devices.ts';
import type { Act } from './registry-views.ts';

export interface DrainViews {
  'operator/drains': {
    readonly drains: readonly ShownDrain[];
    /** "2 drains" */
    readonly count: string;
    readonly asOf: ShownTime;
  };
}

export interface ShownDrain {
  readonly name: string;
  readonly target: string;
  readonly format: string;
  /** "Paused", "Tried again after 3 failures", … */
  readonly state: string;
  readonly wrong: boolean;
  /** Up to which event the receiver has the log; null before the first. */
  readonly sentTo: { readonly number: string; readonly href: string } | null;
  readonly sentAt: ShownTime | null;
  /** "1,204 events, the oldest for 5 minutes"; null if it has everything. */
  readonly behind: string | null;
  readonly error: { readonly words: string; readonly at: ShownTime } | null;
  readonly acts: readonly Act[];
}

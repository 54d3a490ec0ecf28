// What the console's pages of alerts are given.

import type { ShownTime } from '../texts/times-and-devices.ts';
import type { Act, Fact, Linked } from './registry-views.ts';
import type { FormProblems } from './view-parts.ts';

export interface AlertViews {
  'operator/alerts': {
    readonly rows: readonly AlertRow[];
    /** The ways out: mail, webhook. */
    readonly channels: readonly ShownChannel[];
    readonly asOf: ShownTime;
  };
  'operator/alert': {
    readonly title: string;
    readonly todo: string;
    readonly facts: readonly Fact[];
    readonly newest: ShownNewest | null;
    /** Since when trouble goes on. */
    readonly goesOn: ShownTime | null;
    readonly acts: readonly Act[];
    readonly eventsHref: string;
  };
  'operator/alert-form': FormProblems & {
    readonly title: string;
    readonly action: string;
    readonly back: string;
    readonly seen: number;
    /** It can't be turned off, nor kept from operators. */
    readonly always: boolean;
    readonly typed: TypedAlert;
    readonly reason: string;
  };
}

export interface AlertRow {
  readonly title: string;
  readonly href: string;
  readonly state: 'on' | 'off' | 'goes on';
  readonly wrong: boolean;
  readonly to: string;
  readonly newest: { readonly at: ShownTime; readonly count: number } | null;
}

export interface ShownNewest {
  readonly at: ShownTime;
  readonly says: string;
  /** "3 times within an hour" */
  readonly times: string;
  readonly event: { readonly number: string; readonly href: string } | null;
  /** What the client that it is about did beside. */
  readonly beside: readonly Linked[];
}

export interface ShownChannel {
  readonly name: string;
  readonly target: string;
  /** "2 wait, 1 was given up"; null if everything arrived. */
  readonly left: string | null;
  readonly error: { readonly words: string; readonly at: ShownTime } | null;
}

/** The fields of the form, as they were typed. */
export interface TypedAlert {
  readonly enabled: boolean;
  readonly operators: boolean;
  readonly webhook: boolean;
  readonly addresses: string;
}

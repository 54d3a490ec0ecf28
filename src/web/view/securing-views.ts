// What the pages of securing many accounts, and of API tokens, are given.
import type { ShownTime } from '../texts/times-and-devices.ts';
import type { Linked } from './registry-views.ts';
import type { FormProblems } from './view-parts.ts';

export interface SecuringViews {
  'operator/secure-many': FormProblems & {
    /** The filter, a part each. */
    readonly filters: readonly string[];
    /** Where the other choice is: accounts that were got into, or all that the events are about. */
    readonly which: readonly { readonly label: string; readonly href: string; readonly current: boolean }[];
    /** "37 accounts" */
    readonly count: string;
    readonly number: number;
    /** The first of them. */
    readonly shown: readonly Linked[];
    /** How many more there are. */
    readonly more: number;
    readonly operators: readonly Linked[];
    /** The reader's own was among them, and is left out. */
    readonly own: boolean;
    /** Null where nothing can be done. */
    readonly form: { readonly action: string; readonly reason: string; readonly typed: string } | null;
    readonly back: string;
  };
  'operator/securing': {
    readonly reason: string;
    readonly by: Linked | null;
    readonly askedAt: ShownTime;
    readonly done: number;
    readonly accounts: number;
    /** What became of those that were not secured. */
    readonly left: readonly string[];
    /** Null while it goes on. */
    readonly doneAt: ShownTime | null;
    readonly asOf: ShownTime;
    readonly eventsHref: string;
  };
}

export interface TokenViews {
  'operator/tokens': {
    readonly rows: readonly TokenRow[];
    readonly count: string;
    readonly asOf: ShownTime;
  };
  'operator/token': FormProblems & {
    readonly person: Linked;
    readonly action: string;
    readonly typed: { readonly name: string; readonly days: string; readonly reason: string };
    /** Shown this once; null before. */
    readonly secret: string | null;
    readonly url: string;
  };
}

export interface TokenRow {
  readonly name: string;
  readonly owner: Linked;
  readonly createdAt: ShownTime;
  readonly expiresAt: ShownTime;
  readonly lastUsedAt: ShownTime | null;
  readonly revokeHref: string;
}

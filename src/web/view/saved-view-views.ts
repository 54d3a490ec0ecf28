// What the pages of saved views are given, and the lists that have some.
import type { ShownTime } from '../texts/times-and-devices.ts';
import type { FormProblems } from './view-parts.ts';

/** Above a list. */
export interface ViewsBar {
  readonly own: readonly { readonly label: string; readonly href: string; readonly current: boolean }[];
  /** Null where nothing is filtered, or the view is there already. */
  readonly saveHref: string | null;
  /** Somebody else's, by whose link the page was opened. */
  readonly shared: { readonly name: string; readonly by: string } | null;
}

export interface SavedViewViews {
  'operator/views': {
    readonly rows: readonly SavedViewRow[];
    readonly problem: string | null;
  };
  'operator/save-view': FormProblems & {
    readonly list: string;
    /** The filter, a part each. */
    readonly filters: readonly string[];
    readonly relative: boolean;
    readonly action: string;
    readonly name: string;
    readonly back: string;
  };
}

export interface SavedViewRow {
  readonly id: string;
  readonly name: string;
  /** "Audit log" */
  readonly list: string;
  readonly href: string;
  /** Whole, to be passed on. */
  readonly link: string;
  readonly since: ShownTime;
  /** In the field: what was typed, where that can't be taken. */
  readonly typed: string;
}

// What the console's page of a session is given, and its rows.

import type { ShownTime } from '../texts/times-and-devices.ts';
import type { SessionState } from './console-views.ts';

interface Moment {
  readonly at: ShownTime;
  readonly exactly: string;
}

interface Narrowing {
  readonly text: string;
  readonly onlyHref: string;
}

export interface SessionViews {
  'operator/session': {
    readonly id: string;
    /** The id where the account is gone. */
    readonly person: { readonly email: string; readonly href: string; readonly known: boolean };
    /** Null once the record of the session is gone: then only its events tell of it. */
    readonly facts: {
      readonly state: SessionState;
      readonly began: Moment;
      /** Where the log-in was before this session. */
      readonly loggedIn: Moment | null;
      readonly address: Narrowing | null;
      readonly device: string;
      readonly userAgent: string | null;
      /** "a password and a code of the app" */
      readonly proved: string;
      /** The browser keeps its cookie when it is closed. */
      readonly kept: boolean;
      readonly application: string | null;
    } | null;
    /** The operator's own. */
    readonly yours: boolean;
    /** The other sessions of the log-in. */
    readonly others: readonly {
      readonly href: string;
      readonly device: string;
      readonly address: string | null;
      readonly application: string | null;
      readonly began: ShownTime;
      readonly state: SessionState;
    }[];
    readonly rows: readonly TimelineRow[];
    /** Whether the log holds more of it. */
    readonly cut: boolean;
    /** When it will end; null where it has. */
    readonly end: { readonly unused: ShownTime | null; readonly latest: ShownTime } | null;
    readonly eventsHref: string;
    /** Null where the account is gone. */
    readonly secureHref: string | null;
  };
}

export interface TimelineRow {
  /** What led to the log-in, what was done in it, what others did to the account meanwhile. */
  readonly kind: 'before' | 'inside' | 'meanwhile';
  readonly href: string;
  readonly at: ShownTime;
  readonly title: string;
  readonly failed: boolean;
  /** Who did it, if not its owner. */
  readonly by: { readonly email: string; readonly href: string } | null;
  /** Both where they are others than in the row before. */
  readonly address: Narrowing | null;
  readonly device: string | null;
  /** "session at Wiki" */
  readonly where: string | null;
  /** What was unusual for its person, in words. */
  readonly unusual: string | null;
  readonly detail: string;
}

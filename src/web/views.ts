// What each page is given, one typed object a view. A view's object is built by hand, never spread from a request or a
// row: EJS reads some keys of its locals as options of its own.

import type { Texts } from './texts/en.ts';

/** A moment as a page shows it: in words a person uses, and exact. */
export interface ShownTime {
  /** "4 minutes ago", or "23 Nov 2026, 19:07 UTC" where no relative time makes sense. */
  readonly text: string;
  /** ISO 8601, UTC: for `datetime` and `title`. */
  readonly iso: string;
  /** Where the words tell how long ago it was: a script keeps them true while the page is open. */
  readonly relative?: true;
}

/** What went wrong with one field, keyed by the field's name, in the order of the form. */
export type FieldErrors = Readonly<Record<string, string>>;

/** Where a page stands in the navigation: the account's, or the console's. */
export type Place =
  | 'home'
  | 'profile'
  | 'sessions'
  | 'password'
  | 'overview'
  | 'audit'
  | 'people'
  | 'attempts'
  | 'blocks'
  | 'queues';

/** What the layout needs around every page. */
export interface Frame {
  /** The words of the page; the operators' console reads English. */
  readonly text: Texts;
  /** Other languages to read the page in, and the address that the choice leads back to. */
  readonly languages: {
    readonly others: readonly { readonly code: string; readonly name: string }[];
    readonly back: string;
  };
  readonly serviceName: string;
  readonly title: string;
  /** The page's place in the navigation, if it has one. */
  readonly current: Place | null;
  /** Who is logged in. */
  readonly member: { readonly email: string; readonly operator: boolean } | null;
  /** The token of every form on the page. */
  readonly csrf: string;
  /** One sentence about what just happened, said once above the page. */
  readonly notice: { readonly kind: 'done' | 'info'; readonly text: string } | null;
  /** Operator pages are wider and denser. */
  readonly wide: boolean;
}

export interface SessionRow {
  readonly id: string;
  /** "Firefox on Windows" */
  readonly device: string;
  readonly address: string;
  readonly firstSeen: ShownTime;
  readonly lastSeen: ShownTime;
  readonly current: boolean;
}

export interface AuditRow {
  readonly seq: string;
  readonly occurredAt: ShownTime;
  readonly type: string;
  readonly outcome: 'success' | 'failure';
  /** Who did it: an e-mail address if the account is known, else null. */
  readonly actor: { readonly id: string; readonly email: string; readonly onlyHref: string } | null;
  /** Whom it happened to, where that is somebody else. */
  readonly subject: { readonly id: string; readonly email: string; readonly onlyHref: string } | null;
  readonly address: string | null;
  /** "Firefox on Windows" */
  readonly device: string | null;
  readonly detail: string;
  readonly typeOnlyHref: string;
  /** The event's own page, where there is one: `Enter` opens it. */
  readonly href?: string | null;
}

export interface Views {
  home: { readonly loggedIn: boolean };
  login: {
    readonly email: string;
    readonly remember: boolean;
    /** Where to go afterwards: a same-origin path, for the hidden field. */
    readonly next: string | null;
    /** What is wrong with the whole form: "Wrong e-mail address or password." */
    readonly problem: string | null;
    readonly errors: FieldErrors;
    readonly registerHref: string;
  };
  register: {
    readonly email: string;
    readonly next: string | null;
    readonly problem: string | null;
    readonly errors: FieldErrors;
    readonly loginHref: string;
  };
  confirm: {
    readonly email: string;
    /** Where to go afterwards: a same-origin path, for the hidden field. */
    readonly next: string | null;
    readonly problem: string | null;
    readonly errors: FieldErrors;
  };
  profile: {
    readonly email: string;
    readonly role: 'member' | 'operator';
    readonly memberSince: ShownTime;
    readonly loggedInAt: ShownTime;
    readonly device: string;
    readonly address: string;
  };
  'account/sessions': { readonly sessions: readonly SessionRow[]; readonly othersCount: number };
  'account/password': { readonly email: string; readonly problem: string | null; readonly errors: FieldErrors };
  error: {
    readonly status: number;
    readonly heading: string;
    readonly message: string;
    readonly next: { readonly href: string; readonly label: string } | null;
    readonly requestId: string;
    /** When it is worth trying again, if that is known. */
    readonly retryAt: ShownTime | null;
  };
  'operator/audit': {
    readonly rows: readonly AuditRow[];
    /** As of when the list was read. */
    readonly asOf: ShownTime;
    /** How many events the log holds in all. */
    readonly total: string;
    readonly filters: {
      readonly type: string;
      readonly person: string;
      /** Each active filter as a chip, with the address of the page without it. */
      readonly active: readonly { readonly label: string; readonly withoutHref: string }[];
    };
    /** Event types to choose from, grouped. */
    readonly types: readonly { readonly group: string; readonly names: readonly string[] }[];
    readonly problem: string | null;
    readonly newerHref: string | null;
    readonly olderHref: string | null;
    readonly newestHref: string | null;
  };
  'operator/attempts': {
    readonly rows: readonly AttemptRow[];
    readonly chart: DayChart;
    readonly asOf: ShownTime;
    readonly problem: string | null;
    readonly filters: {
      readonly person: string;
      readonly address: string;
      readonly outcome: string;
      readonly time: string;
      readonly active: readonly { readonly label: string; readonly withoutHref: string }[];
    };
    readonly outcomes: readonly { readonly value: string; readonly label: string }[];
    readonly times: readonly { readonly value: string; readonly label: string }[];
    readonly olderHref: string | null;
  };
  'operator/blocks': {
    readonly active: readonly BlockRow[];
    readonly past: readonly BlockRow[];
    readonly asOf: ShownTime;
    readonly problem: string | null;
  };
  'operator/overview': {
    readonly asOf: ShownTime;
    readonly people: readonly Figure[];
    readonly recording: readonly Figure[];
    readonly stores: readonly Figure[];
    /** Null while Redis, which keeps them, is away. */
    readonly queues:
      | readonly {
          readonly name: string;
          readonly waiting: number;
          readonly active: number;
          readonly delayed: number;
          readonly failed: number;
        }[]
      | null;
  };
  'operator/queues-away': Readonly<Record<string, never>>;
  'operator/users': {
    readonly people: readonly PersonRow[];
    /** Part of an address that was searched for. */
    readonly query: string;
    readonly nextHref: string | null;
  };
  'operator/user': {
    readonly person: PersonRow;
    readonly sessions: readonly SessionRow[];
    readonly eventsHref: string;
  };
}

export interface AttemptRow {
  readonly occurredAt: ShownTime;
  readonly outcome: 'success' | 'failure';
  /** Whose account it was, if there is one. */
  readonly person: { readonly email: string; readonly onlyHref: string } | null;
  readonly address: { readonly text: string; readonly onlyHref: string } | null;
  readonly device: string;
  /** "wrong password", "no such account" */
  readonly reason: string;
}

export interface BlockRow {
  readonly id: string;
  /** "One account from one client" */
  readonly scope: string;
  readonly person: { readonly email: string; readonly href: string } | null;
  readonly address: string | null;
  readonly from: ShownTime;
  readonly until: ShownTime;
  readonly failures: number;
  readonly refused: number;
  /** "ran out", or "lifted by somebody@example.org: reason"; null while it stands. */
  readonly ended: string | null;
}

/** A day of attempts, drawn: places and sizes are in the units of the drawing. */
export interface DayChart {
  readonly width: number;
  readonly height: number;
  readonly bars: readonly { readonly kind: string; readonly x: number; readonly y: number; readonly height: number }[];
  readonly barWidth: number;
  readonly marks: readonly { readonly x: number; readonly label: string }[];
  readonly top: string;
  /** What it shows, in a sentence. */
  readonly summary: string;
  /** The ten minutes in which something happened, newest first. */
  readonly rows: readonly {
    readonly since: ShownTime;
    readonly successes: number;
    readonly failures: number;
    readonly refused: number;
    readonly blocks: number;
  }[];
}

/** One number of the overview, and where it comes from. */
export interface Figure {
  readonly label: string;
  /** Null where the store that knows it is away. */
  readonly value: string | null;
  /** What to compare it with, or what it means. */
  readonly note: string;
  /** Said after the note. */
  readonly time?: ShownTime | null;
  readonly href: string;
  /** Something is to be done. */
  readonly wrong?: boolean;
}

export interface PersonRow {
  readonly id: string;
  readonly email: string;
  readonly role: 'member' | 'operator';
  readonly disabled: boolean;
  readonly memberSince: ShownTime;
  readonly href: string;
}

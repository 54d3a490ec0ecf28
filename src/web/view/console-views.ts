// What each page of the operators' console is given, and its rows.
import type { Role } from '../../core/sessions/role.ts';
import type { ShownTime } from '../texts/times-and-devices.ts';
import type { Linked } from './registry-views.ts';
import type { ViewsBar } from './saved-view-views.ts';
import type { FormProblems, SessionRow } from './view-parts.ts';

export interface ConsoleViews {
  'operator/audit': {
    readonly rows: readonly AuditRow[];
    readonly asOf: ShownTime;
    /** How many match: "12,408 match", "more than 1,000 match", "matches not counted". */
    readonly matching: string;
    readonly total: string;
    /** In which the form's moments are. */
    readonly zone: string;
    readonly chart: Chart | null;
    readonly filters: {
      readonly type: string;
      /** "3 types"; null for one or none. */
      readonly manyTypes: string | null;
      readonly outcome: string;
      readonly person: string;
      readonly address: string;
      readonly text: string;
      /** UTC, as a field for date and time takes it. */
      readonly from: string;
      readonly to: string;
      /** Parts without a field, kept while others change. */
      readonly kept: readonly { readonly name: string; readonly value: string }[];
      readonly active: readonly FilterChip[];
    };
    /** The same without what was usual for its person; null where it is that already. */
    readonly unusualHref: string | null;
    readonly types: readonly {
      readonly group: string;
      readonly label: string;
      readonly types: readonly { readonly name: string; readonly title: string }[];
    }[];
    readonly views: ViewsBar;
    /** Quick ranges of time. */
    readonly ranges: readonly { readonly label: string; readonly href: string; readonly current: boolean }[];
    /** The form of several types, or all but these. */
    readonly several: {
      readonly ticked: ReadonlySet<string>;
      readonly not: boolean;
      readonly kept: readonly { readonly name: string; readonly value: string }[];
    };
    readonly problem: string | null;
    readonly wrong: Readonly<Record<string, boolean>>;
    readonly newerHref: string | null;
    readonly olderHref: string | null;
    readonly newestHref: string | null;
    /** Where the search stopped, if time ran out before the page was full. */
    readonly looked: {
      readonly seq: string;
      readonly at: ShownTime | null;
      readonly furtherHref: string | null;
    } | null;
    readonly exports: readonly { readonly label: string; readonly href: string }[];
    /** Where the accounts of what is filtered are secured; null where nothing is. */
    readonly secureHref: string | null;
    /** For an NDJSON export that was downloaded. */
    readonly verifyCommand: string;
    /** The stream of new events; null on older pages. */
    readonly liveHref: string | null;
  };
  'operator/event': {
    readonly row: AuditRow;
    readonly occurredAt: ShownTime;
    readonly exactly: string;
    readonly sealedAt: ShownTime;
    readonly sealedExactly: string;
    readonly meaning: string | null;
    readonly id: string;
    readonly session: {
      readonly text: string;
      readonly onlyHref: string;
      readonly timelineHref: string;
      /** Null once its record is gone. */
      readonly state: SessionState | null;
    } | null;
    readonly request: { readonly text: string; readonly onlyHref: string } | null;
    readonly userAgent: string | null;
    /** "probably Portugal, network of MEO (AS3243)" */
    readonly whereabouts: string | null;
    /** Why it was unusual, each in a sentence. */
    readonly unusual: readonly string[];
    readonly erased: boolean;
    readonly doneByHref: string | null;
    readonly details: readonly DetailRow[];
    readonly hash: string;
    readonly prevHash: string;
    readonly problem: string | null;
    /** With the event before, if that is still kept. */
    readonly proved: 'with the one before' | 'alone';
    readonly olderHref: string | null;
    readonly newerHref: string | null;
    readonly ofSession: readonly AuditRow[];
    readonly ofRequest: readonly AuditRow[];
  };
  'operator/attempts': {
    readonly rows: readonly AttemptRow[];
    readonly views: ViewsBar;
    readonly chart: Chart | null;
    readonly asOf: ShownTime;
    readonly problem: string | null;
    readonly filters: {
      readonly person: string;
      readonly address: string;
      readonly outcome: string;
      readonly time: string;
      readonly active: readonly FilterChip[];
    };
    readonly outcomes: readonly Choice[];
    readonly times: readonly Choice[];
    readonly newestHref: string | null;
    readonly newerHref: string | null;
    readonly olderHref: string | null;
  };
  'operator/blocks': {
    readonly active: readonly BlockRow[];
    readonly past: readonly BlockRow[];
    /** "2 active, the newest 198 past" */
    readonly count: string;
    readonly asOf: ShownTime;
    readonly problem: string | null;
  };
  'operator/overview': {
    readonly asOf: ShownTime;
    readonly people: readonly Figure[];
    readonly recording: readonly Figure[];
    readonly stores: readonly Figure[];
    readonly everybody: { readonly at: ShownTime; readonly ended: string; readonly done: boolean } | null;
    /** Null while Redis is away. */
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
  'operator/everybody': FormProblems & {
    /** "about 1,204,311 sessions" */
    readonly sessions: string;
    readonly reason: string;
  };
  'operator/zone': {
    readonly zones: readonly string[];
    readonly zone: string;
    readonly back: string;
    readonly problem: string | null;
  };
  'operator/queues': { readonly boardHref: string };
  'operator/queues-away': Readonly<Record<string, never>>;
  'operator/mail': {
    readonly rows: readonly MailRow[];
    readonly all: boolean;
    readonly possible: boolean;
    readonly asOf: ShownTime;
  };
  /** Outside of production: mail that no server took. */
  'operator/shown-mail': { readonly mails: readonly ShownMailRow[] };
  'operator/invite': FormProblems & {
    readonly email: string;
    /** The account becomes an auditor's. */
    readonly auditor: boolean;
    /** A link to hand over, shown once, where there is no mail. */
    readonly link: string | null;
    readonly possible: boolean;
  };
  'operator/invitations': {
    readonly rows: readonly InvitationRow[];
    readonly count: string;
    readonly asOf: ShownTime;
  };
  'operator/invitation-act': FormProblems & {
    readonly title: string;
    readonly says: string;
    readonly button: string;
    readonly danger: boolean;
    readonly invitation: InvitationRow;
    readonly action: string;
    readonly back: string;
    readonly reason: string;
  };
  'operator/users': {
    readonly rows: readonly PersonRow[];
    readonly views: ViewsBar;
    /** "12 people", "more than 10,000 people" */
    readonly matching: string;
    readonly asOf: ShownTime;
    readonly problem: string | null;
    readonly filters: {
      readonly q: string;
      readonly role: string;
      readonly state: string;
      readonly factor: string;
      /** Parts without a field, kept while others change. */
      readonly kept: readonly { readonly name: string; readonly value: string }[];
      readonly active: readonly FilterChip[];
    };
    readonly choices: Readonly<Record<'role' | 'state' | 'factor', readonly Choice[]>>;
    /** Orders, and who never logged in. */
    readonly ways: readonly { readonly label: string; readonly href: string; readonly current: boolean }[];
    /** "by e-mail address" */
    readonly order: string;
    readonly firstHref: string | null;
    readonly previousHref: string | null;
    readonly nextHref: string | null;
  };
  'operator/user': {
    readonly person: ShownPerson;
    readonly sessions: readonly (SessionRow & { readonly timelineHref: string })[];
    /** Those that ended within the month in which they are kept, newest first. */
    readonly ended: readonly {
      readonly href: string;
      readonly device: string;
      readonly address: string | null;
      readonly began: ShownTime;
      readonly state: SessionState;
    }[];
    readonly groups: readonly Linked[];
    /** Null for never. */
    readonly lastLogin: ShownTime | null;
    /** "last changed Mar 3", "imported (bcrypt) …", "none …" */
    readonly password: { readonly says: string; readonly since: ShownTime | null };
    /** Of its mails. */
    readonly language: string;
    /** In the system that it was imported from. */
    readonly externalId: string | null;
    readonly knownBrowsers: number;
    readonly factors: {
      readonly totpSince: ShownTime | null;
      readonly passkeys: number;
      readonly recoveryCodesLeft: number;
    };
    readonly attempts: readonly {
      readonly occurredAt: ShownTime;
      readonly outcome: 'success' | 'failure';
      readonly address: string | null;
      readonly device: string;
      readonly reason: string;
    }[];
    readonly attemptsHref: string;
    readonly blocks: readonly { readonly until: ShownTime }[];
    readonly events: readonly AuditRow[];
    readonly eventsHref: string;
    readonly exportHref: string;
    /** For such an export. */
    readonly verifyCommand: string;
    /** Each leads to a page that asks for a reason. */
    readonly acts: readonly { readonly label: string; readonly href: string; readonly danger: boolean }[];
  };
  'operator/act': FormProblems & {
    readonly title: string;
    readonly says: string;
    readonly button: string;
    readonly danger: boolean;
    readonly person: Pick<ShownPerson, 'email' | 'href' | 'role' | 'disabled'>;
    /** The sessions that the act ends, each as a sentence. */
    readonly sessions: readonly SessionSentence[];
    /** What else it acts on. */
    readonly facts: readonly { readonly label: string; readonly value: string }[];
    /** Whether there is anything left to do. */
    readonly possible: boolean;
    readonly action: string;
    readonly reason: string;
    /** A choice beside the reason. */
    readonly box: {
      readonly name: string;
      readonly label: string;
      readonly hint: string;
      readonly checked: boolean;
    } | null;
    readonly seen: number;
    /** What other operators did meanwhile, newest first. */
    readonly changes: readonly ChangeRow[];
  };
}

export interface DetailRow {
  /** "filter › types" where it is nested. */
  readonly name: string;
  readonly value: string;
  /** Of a code. */
  readonly words: string | null;
}

export interface SessionState {
  readonly live: boolean;
  /** When it was last used, or ended. */
  readonly at: ShownTime;
  /** "an operator ended it"; null while it lives. */
  readonly why: string | null;
  /** Where it can be ended. */
  readonly endHref: string | null;
}

export interface SessionSentence {
  readonly device: string;
  readonly address: string | null;
  readonly began: ShownTime;
  readonly state: SessionState;
  readonly isYours: boolean;
}

export interface FilterChip {
  readonly label: string;
  readonly withoutHref: string;
}

interface Choice {
  readonly value: string;
  readonly label: string;
}

export interface AuditPerson {
  readonly id: string;
  /** The id where the account is unknown. */
  readonly email: string;
  readonly onlyHref: string;
}

export interface AuditRow {
  readonly seq: string;
  /** `Enter` opens it. */
  readonly href: string;
  readonly occurredAt: ShownTime;
  readonly type: string;
  /** The type in words; the type itself where this version has none. */
  readonly title: string;
  /** Null for a type unknown to this version. */
  readonly typeOnlyHref: string | null;
  readonly outcome: 'success' | 'failure';
  readonly outcomeOnlyHref: string;
  readonly actor: AuditPerson | null;
  /** Whom it happened to, if somebody else. */
  readonly subject: AuditPerson | null;
  readonly address: { readonly text: string; readonly onlyHref: string } | null;
  /** The country's code as the row has it, and all that is guessed as its title. */
  readonly place: { readonly code: string; readonly title: string } | null;
  /** What was unusual for the person, in words; null for nothing. */
  readonly unusual: { readonly text: string; readonly onlyHref: string } | null;
  /** "Firefox on Windows" */
  readonly device: string | null;
  readonly detail: string;
}

export interface AttemptRow {
  readonly occurredAt: ShownTime;
  readonly outcome: 'success' | 'failure';
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
  readonly attemptsHref: string;
  readonly from: ShownTime;
  readonly until: ShownTime;
  readonly failures: string;
  readonly refused: string;
  /** What was typed before a confirmation. */
  readonly reason: string;
  /** "ran out", "lifted by somebody@example.org: reason"; null while active. */
  readonly ended: string | null;
}

export interface ChangeRow {
  readonly what: string;
  /** "by grace@example.org", "on the command line" */
  readonly who: string;
  readonly at: ShownTime;
  readonly reason: string | null;
}

export interface MailRow {
  readonly recipient: string;
  readonly title: string;
  readonly template: string;
  readonly state: string;
  readonly wrong: boolean;
  readonly created: ShownTime;
  readonly since: ShownTime;
  readonly attempts: number;
  readonly error: string | null;
}

export interface InvitationRow {
  readonly id: string;
  readonly email: string;
  /** Null on the command line. */
  readonly by: { readonly email: string; readonly href: string } | null;
  readonly at: ShownTime;
  /** "mail sent", "expired" */
  readonly state: string;
  readonly wrong: boolean;
  readonly until: ShownTime | null;
  readonly acts: readonly { readonly label: string; readonly href: string; readonly danger: boolean }[];
}

export interface ShownMailRow {
  readonly to: string;
  readonly subject: string;
  readonly at: ShownTime;
  /** The text in pieces: those that are addresses have a link. */
  readonly pieces: readonly { readonly text: string; readonly href: string | null }[];
}

export interface PersonRow {
  readonly email: string;
  readonly href: string;
  readonly role: Role;
  readonly roleOnlyHref: string;
  readonly state: 'active' | 'disabled';
  readonly stateOnlyHref: string;
  readonly factor: 'set up' | 'none';
  readonly factorOnlyHref: string;
  /** Null for never. */
  readonly lastLogin: ShownTime | null;
  readonly neverHref: string;
  readonly memberSince: ShownTime;
}

export interface ShownPerson {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
  readonly disabled: boolean;
  readonly memberSince: ShownTime;
  readonly href: string;
}

export interface Figure {
  readonly label: string;
  /** Null while its store is away. */
  readonly value: string | null;
  readonly note: string;
  readonly time?: ShownTime | null;
  readonly href: string;
  readonly wrong?: boolean;
}

export type ChartKind = 'successes' | 'failures' | 'refused' | 'blocks';

/** Counts over time: x in percent, heights in pixels of text that is 16 high. */
export interface Chart {
  readonly height: number;
  readonly bars: readonly {
    readonly x: string;
    readonly width: string;
    readonly parts: readonly { readonly kind: ChartKind; readonly y: number; readonly height: number }[];
    readonly href: string | null;
    readonly title: string;
  }[];
  /** Where the bars of each band stand. */
  readonly grounds: readonly number[];
  /** `inner`: a line below the band's top, whose number lies over bars. */
  readonly grid: readonly { readonly y: number; readonly label: string; readonly inner?: boolean }[];
  readonly ticks: readonly { readonly x: string; readonly label: string; readonly level: 0 | 1 | 2 }[];
  readonly keys: readonly { readonly kind: ChartKind; readonly label: string }[];
  readonly summary: string;
  readonly columns: readonly string[];
  readonly rows: readonly {
    readonly since: ShownTime;
    readonly counts: readonly string[];
    readonly href: string | null;
  }[];
}

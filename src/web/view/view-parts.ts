// What views of accounts and of the console share.
import type { ShownTime } from '../texts/times-and-devices.ts';

/** By the field's name, in the order of the form. */
export type FieldErrors = Readonly<Record<string, string>>;

/** What is wrong with a form, as a whole and by field. */
export interface FormProblems {
  readonly problem: string | null;
  readonly errors: FieldErrors;
}

export interface SessionRow {
  readonly id: string;
  /** "Firefox on Windows" */
  readonly device: string;
  readonly address: string;
  /** "probably Lisbon, Portugal"; null where nothing is known. */
  readonly whereabouts: string | null;
  /** What was unusual about its log-in, in words; null for nothing. */
  readonly unusual: string | null;
  readonly firstSeen: ShownTime;
  readonly lastSeen: ShownTime;
  readonly current: boolean;
  /** The names of applications that were entered from it. */
  readonly applications: readonly string[];
}

/** The names of the applications that were entered from a session. */
export function namesUnder(
  { id }: { readonly id: string },
  atApplications: readonly { readonly parentId: string; readonly name: string }[],
): string[] {
  return [...new Set(atApplications.filter(({ parentId }) => parentId === id).map(({ name }) => name))];
}

/** As its own member sees it. */
export interface OwnSessionRow extends SessionRow {
  /** How they logged in, in words. */
  readonly method: string;
  /** The browser keeps the cookie when it is closed. */
  readonly kept: boolean;
  readonly until: ShownTime;
  /** Null where it can't end earlier for being unused. */
  readonly unusedUntil: ShownTime | null;
}

export interface BrowserRow {
  readonly id: string;
  readonly device: string;
  readonly knownSince: ShownTime;
  readonly lastUsed: ShownTime;
  readonly current: boolean;
}

export interface ActivityRow {
  readonly seq: number;
  readonly at: ShownTime;
  readonly says: string;
  readonly failed: boolean;
  /** Null where nothing is known of it, or an operator did it. */
  readonly device: string | null;
  readonly ip: string | null;
  readonly whereabouts: string | null;
  readonly unusual: string | null;
  readonly byOperator: boolean;
  /** A log-in of this very session. */
  readonly here: boolean;
  /** Where its owner says that it was somebody else; null for anything but a log-in. */
  readonly notMeHref: string | null;
}

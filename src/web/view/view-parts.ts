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

// Whether somebody may enter an application. Judged when they enter; whatever changes the answer afterwards ends the session.
import { holdApplicationVersionWithin } from '../groups/application-version.ts';
import { readGroupsOf } from '../groups/group-lists.ts';
import type { Transaction } from '../platform/database.ts';
import { type AuthenticationMethod, isTwoFactors } from '../sessions/authentication-method.ts';
import type { Application } from './application.ts';
import { findApplication } from './application-rows.ts';

/** Who asks to enter, with the session that they are logged in by. */
export interface Entrant {
  readonly userId: string;
  readonly authenticationMethod: AuthenticationMethod;
  /** How long ago they last proved who they are. */
  readonly provedAgoMs: number;
}

export type EntryRefusal = 'no_application' | 'disabled' | 'not_allowed' | 'second_factor' | 'old_login';

export type EntryResult =
  | { readonly ok: true; readonly application: Application; readonly groups: readonly string[] }
  | { readonly ok: false; readonly reason: EntryRefusal };

/**
 * For the transaction that begins the session: until its end neither the application nor the groups change. The account's lock,
 * if it is needed, is taken before this, those of sessions after.
 */
export async function mayEnterWithin(
  transaction: Transaction,
  which: { readonly id: string } | { readonly slug: string },
  entrant: Entrant,
): Promise<EntryResult> {
  await holdApplicationVersionWithin(transaction);
  const application = await findApplication(transaction, which);
  if (!application) return { ok: false, reason: 'no_application' };
  const groups = await readGroupsOf(transaction, entrant.userId);
  const groupIds = new Set(groups.map(({ id }) => id));
  const reason = entryRefusal(application, { ...entrant, groupIds });
  return reason ? { ok: false, reason } : { ok: true, application, groups: groups.map(({ name }) => name) };
}

/** What a new log-in can't mend comes first. Null: they may. */
export function entryRefusal(
  application: Application,
  { groupIds, authenticationMethod, provedAgoMs }: Omit<Entrant, 'userId'> & { readonly groupIds: ReadonlySet<string> },
): EntryRefusal | null {
  if (application.disabledAt !== null) return 'disabled';
  if (!application.everybody && !application.groups.some(({ id }) => groupIds.has(id))) return 'not_allowed';
  if (application.secondFactor && !isTwoFactors(authenticationMethod)) return 'second_factor';
  return isOldLogin(application, provedAgoMs) ? 'old_login' : null;
}

export function isOldLogin(
  { recentLoginSeconds }: Pick<Application, 'recentLoginSeconds'>,
  provedAgoMs: number,
): boolean {
  return recentLoginSeconds !== null && provedAgoMs > recentLoginSeconds * 1_000;
}

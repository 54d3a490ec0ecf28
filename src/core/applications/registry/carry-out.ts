// Carries a plan out within a transaction that holds the version. Sessions that lose their way in end once everything is in place:
// whoever moves from one group to another in one file stays in.
import type { Actor } from '../../audit/events.ts';
import { type EndApplicationSessions, endBarredWithin, entryLost } from '../../groups/entry-lost.ts';
import {
  addMembersWithin,
  createGroupWithin,
  removeGroupWithin,
  removeMembersWithin,
} from '../../groups/group-rows.ts';
import type { Transaction } from '../../platform/database.ts';
import { deleteApplicationWithin, setDisabledWithin } from '../application-rows.ts';
import { changeWithin, registerWithin } from '../save.ts';
import type { ApplicationPlan, ApplicationStep } from './plan-applications.ts';
import type { GroupPlan, GroupStep } from './plan-groups.ts';

interface CarryOut {
  readonly groups: GroupPlan;
  readonly applications: ApplicationPlan;
  readonly end: EndApplicationSessions;
  readonly by: Actor;
  readonly now: Date;
}

/** Null, or why it can't be done; then the caller undoes the transaction. */
export async function carryOutWithin(
  transaction: Transaction,
  { groups, applications, end, by, now }: CarryOut,
): Promise<string | null> {
  const later: EndApplicationSessions = (within, which, why) =>
    which.exceptOf ? Promise.resolve(0) : end(within, which, why);
  for (const application of applications.removed) {
    await end(transaction, { applicationId: application.id }, entryLost(by));
    await deleteApplicationWithin(transaction, application, by);
  }
  for (const step of groups.steps) {
    const refused = await groupWithin(transaction, step, by);
    if (refused !== null) return refused;
  }
  for (const step of applications.steps) {
    const refused = await applicationWithin(transaction, step, { end: later, by, now });
    if (refused !== null) return refused;
  }
  for (const { id } of groups.removed) await removeGroupWithin(transaction, id, by);
  await endBarredWithin(transaction, end, by);
  return null;
}

async function groupWithin(transaction: Transaction, step: GroupStep, by: Actor): Promise<string | null> {
  const group = { name: step.name, id: step.id ?? (await createGroupWithin(transaction, step.name, by)).id };
  const ids = (people: GroupStep['added']) => people.map(({ id }) => id);
  await removeMembersWithin(transaction, group, ids(step.removed), by);
  const added = await addMembersWithin(transaction, group, ids(step.added), by);
  return added === 'too_many' ? `Somebody of “${step.name}” would be in too many groups. Nothing was applied.` : null;
}

async function applicationWithin(
  transaction: Transaction,
  { slug, settings, before, changes, disables }: ApplicationStep,
  { end, by, now }: Pick<CarryOut, 'end' | 'by' | 'now'>,
): Promise<string | null> {
  const nothing = { ok: true, application: before } as const;
  const change = () =>
    before === null
      ? registerWithin(transaction, slug, settings, by)
      : changeWithin(transaction, end, { before, settings }, by);
  const saved = before === null || changes ? await change() : nothing;
  if (!saved.ok) return `${slug}: ${Object.values(saved.problems).join(' ')} Nothing was applied.`;
  const { application } = saved;
  if (disables !== null && application) {
    await setDisabledWithin(transaction, application, disables ? now : null, by);
    if (disables) await end(transaction, { applicationId: application.id }, entryLost(by));
  }
  return null;
}

// Groups and applications as a file wants them: first the difference, then all of it in one transaction, or nothing.
import { lockAccountsWithin, readAccountsByAddress } from '../../accounts/accounts-by-address.ts';
import type { Actor } from '../../audit/events.ts';
import { raiseApplicationVersionWithin } from '../../groups/application-version.ts';
import type { EndApplicationSessions } from '../../groups/entry-lost.ts';
import { groupKey } from '../../groups/group-name.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { readApplications } from '../application-rows.ts';
import { carryOutWithin } from './carry-out.ts';
import { type ApplicationPlan, planApplications } from './plan-applications.ts';
import { type GroupPlan, keyOf, type PresentGroup, planGroups } from './plan-groups.ts';
import type { RegistryChange, RegistryProblem, WantedRegistry } from './wanted.ts';

/** What is to be done, and at which version of everything that was found. */
export interface RegistryPlan {
  readonly version: bigint;
  readonly changes: readonly RegistryChange[];
  readonly groups: GroupPlan;
  readonly applications: ApplicationPlan;
}

export type PlanResult =
  | { readonly ok: true; readonly plan: RegistryPlan }
  | { readonly ok: false; readonly problems: readonly RegistryProblem[] };

export type ApplyResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'changed_meanwhile' | 'refused'; readonly says: string };

export interface RegistryOptions {
  readonly database: Database;
  readonly endApplicationSessions: EndApplicationSessions;
  readonly publicOrigin: string;
}

export function createRegistry({ database, endApplicationSessions, publicOrigin }: RegistryOptions) {
  const { prisma, transact, clock } = database;

  return {
    /** Changes nothing. With `prune`, groups and applications that the file does not name are to go, if it has a list of them. */
    async plan(wanted: WantedRegistry, { prune }: { prune: boolean }): Promise<PlanResult> {
      const { version, present, applications } = await prisma.$transaction(readAll, {
        isolationLevel: 'RepeatableRead',
      });
      const addresses = (wanted.groups ?? []).flatMap(({ members }) => members ?? []).map(keyOf);
      const people = await readAccountsByAddress(prisma, addresses);
      const groups = planGroups(wanted.groups, present, people, prune);
      const around = { present: applications, groups: namesAfter(groups, present), prune, publicOrigin };
      const planned = planApplications(wanted.applications, around);
      const problems = [...groups.problems, ...planned.problems];
      if (problems.length > 0) return { ok: false, problems };
      const changes = [...groups.changes, ...planned.changes];
      return { ok: true, plan: { version, changes, groups, applications: planned } };
    },

    /** Refused if anything was changed since the plan was made. */
    apply(plan: RegistryPlan, by: Actor): Promise<ApplyResult> {
      const added = [...new Set(plan.groups.steps.flatMap((step) => step.added.map(({ id }) => id)))];
      return transact<ApplyResult>(async (transaction, rollback) => {
        const there = await lockAccountsWithin(transaction, added);
        const version = await raiseApplicationVersionWithin(transaction);
        if (version !== plan.version + 1n || there.size < added.length) return rollback(CHANGED);
        const refused = await carryOutWithin(transaction, {
          ...plan,
          end: endApplicationSessions,
          by,
          now: clock.now(),
        });
        return refused === null ? { ok: true } : rollback({ ok: false, reason: 'refused', says: refused });
      });
    },
  };
}

const CHANGED = {
  ok: false,
  reason: 'changed_meanwhile',
  says: 'Groups, applications or accounts were changed meanwhile. Nothing was applied: look at the difference again.',
} as const;

async function readAll(transaction: Transaction) {
  const { version } = await transaction.applicationVersion.findFirstOrThrow();
  const person = { select: { user: { select: { id: true, email: true } } } } as const;
  const groups = await transaction.accountGroup.findMany({ include: { members: person }, orderBy: { nameKey: 'asc' } });
  const present = groups.map(({ id, name, members }) => ({ id, name, members: members.map(({ user }) => user) }));
  return { version, present, applications: await readApplications(transaction) };
}

/** By what is compared: the groups that there will be. */
function namesAfter({ steps, removed }: GroupPlan, present: readonly PresentGroup[]): ReadonlyMap<string, string> {
  const gone = new Set(removed.map(({ id }) => id));
  const names = [...present.filter(({ id }) => !gone.has(id)), ...steps].map(({ name }) => name);
  return new Map(names.map((name) => [groupKey(name), name]));
}

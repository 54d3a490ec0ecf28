// Groups of accounts. A change is one transaction: with its event, noticed by every process, and ending the sessions of
// applications that it takes somebody's way into.
import { lockUserWithin } from '../accounts/users.ts';
import type { Actor } from '../audit/events.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { raiseApplicationVersionWithin } from './application-version.ts';
import { type EndApplicationSessions, endBarredWithin } from './entry-lost.ts';
import { createGroupLists } from './group-lists.ts';
import { groupKey, readGroupName } from './group-name.ts';
import {
  addMembersWithin,
  createGroupWithin,
  type Group,
  type ListedGroup,
  removeGroupWithin,
  removeMembersWithin,
} from './group-rows.ts';

export type { Group, ListedGroup } from './group-rows.ts';

export type CreateGroupResult =
  | { readonly ok: true; readonly group: Group }
  | { readonly ok: false; readonly reason: 'bad_name' | 'name_taken' };

export type GroupChangeResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'no_group' | 'no_account' | 'unchanged' | 'too_many' };

export interface GroupsOptions {
  readonly database: Database;
  /** Of `application-sessions.ts`. */
  readonly endApplicationSessions: EndApplicationSessions;
}

export function createGroups({ database, endApplicationSessions }: GroupsOptions) {
  const { transact } = database;

  /** A change of one person's membership. */
  function ofMember(
    groupId: string,
    userId: string,
    change: (transaction: Transaction, group: Group) => Promise<'added' | 'removed' | 'unchanged' | 'too_many'>,
  ): Promise<GroupChangeResult> {
    return transact<GroupChangeResult>(async (transaction, rollback) => {
      if (!(await lockUserWithin(transaction, userId))) return { ok: false, reason: 'no_account' };
      await raiseApplicationVersionWithin(transaction);
      const group = await transaction.accountGroup.findUnique({ where: { id: groupId } });
      if (!group) return rollback({ ok: false, reason: 'no_group' });
      const done = await change(transaction, group);
      if (done === 'unchanged' || done === 'too_many') return rollback({ ok: false, reason: done });
      return { ok: true };
    });
  }

  return {
    ...createGroupLists(database),

    /** One that differs in capitals alone is taken. */
    create(text: string, by: Actor): Promise<CreateGroupResult> {
      const name = readGroupName(text);
      if (name === null) return Promise.resolve({ ok: false, reason: 'bad_name' });
      return transact<CreateGroupResult>(async (transaction, rollback) => {
        await raiseApplicationVersionWithin(transaction);
        const taken = await transaction.accountGroup.findUnique({ where: { nameKey: groupKey(name) } });
        if (taken) return rollback({ ok: false, reason: 'name_taken' });
        return { ok: true, group: await createGroupWithin(transaction, name, by) };
      });
    },

    /** Whoever could enter an application by it alone is out of it at once. Null where there is no such group. */
    remove(id: string, by: Actor): Promise<ListedGroup | null> {
      return transact<ListedGroup | null>(async (transaction, rollback) => {
        await raiseApplicationVersionWithin(transaction);
        const removed = await removeGroupWithin(transaction, id, by);
        if (!removed) return rollback(null);
        await endBarredWithin(transaction, endApplicationSessions, by);
        return removed;
      });
    },

    add(groupId: string, userId: string, by: Actor): Promise<GroupChangeResult> {
      return ofMember(groupId, userId, (transaction, group) => addMembersWithin(transaction, group, [userId], by));
    },

    /** Ends their sessions in applications that they may no longer enter. */
    leave(groupId: string, userId: string, by: Actor): Promise<GroupChangeResult> {
      return ofMember(groupId, userId, async (transaction, group) => {
        const done = await removeMembersWithin(transaction, group, [userId], by);
        if (done === 'removed') await endBarredWithin(transaction, endApplicationSessions, by, [userId]);
        return done;
      });
    },
  };
}

/** For an account that is deleted; its lock is held, and its sessions end by themselves. */
export async function leaveAllGroupsWithin(transaction: Transaction, userId: string, by: Actor): Promise<void> {
  const member = await transaction.groupMember.findFirst({ where: { userId } });
  if (!member) return;
  await raiseApplicationVersionWithin(transaction);
  const groups = await transaction.groupMember.findMany({ where: { userId }, include: { group: true } });
  for (const { group } of groups) await removeMembersWithin(transaction, group, [userId], by);
}

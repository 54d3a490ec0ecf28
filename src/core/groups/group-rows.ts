// The tables of groups within a transaction, each change with its event. The caller has raised the version, and ends the sessions
// of those who may no longer enter where they are.
import { v7 as uuidv7 } from 'uuid';
import type { Actor, Detail, NewAuditEvent } from '../audit/events.ts';
import { type EventNote, recordEvent, recordEvents } from '../audit/outbox.ts';
import type { Transaction } from '../platform/database.ts';
import { groupKey } from './group-name.ts';

export interface Group {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
}

/** A group and how it is used. */
export interface ListedGroup extends Group {
  readonly members: number;
  /** The slugs of the applications that it opens. */
  readonly applications: readonly string[];
}

/** What a person's groups may be: their names go along with every request. */
export const MOST_GROUPS_OF_A_PERSON = 50;

export async function createGroupWithin(transaction: Transaction, name: string, by: Actor): Promise<Group> {
  const group = await transaction.accountGroup.create({ data: { id: uuidv7(), name, nameKey: groupKey(name) } });
  await recordEvent(transaction, groupEvent('group_created', null, { group: name }, by));
  return group;
}

/** Its members leave it first, each with an event. Null where there is no such group. */
export async function removeGroupWithin(transaction: Transaction, id: string, by: Actor): Promise<ListedGroup | null> {
  const group = await transaction.accountGroup.findUnique({
    where: { id },
    include: { members: true, applications: { include: { application: { select: { slug: true } } } } },
  });
  if (!group) return null;
  const applications = group.applications.map(({ application }) => application.slug).sort();
  const left = { group: group.name, because: 'group_removed' };
  const members = group.members.map(({ userId }) => userId);
  await recordEvents(transaction, membershipEvents('group_member_removed', members, left, by));
  await transaction.accountGroup.delete({ where: { id } });
  const detail = { group: group.name, members: group.members.length, applications: applications.join(', ') };
  await recordEvent(transaction, groupEvent('group_removed', null, detail, by));
  return { id, name: group.name, createdAt: group.createdAt, members: group.members.length, applications };
}

/** The accounts are locked by the caller. Those that are members already are left out; nobody is added if somebody has too many groups. */
export async function addMembersWithin(
  transaction: Transaction,
  { id: groupId, name }: Pick<Group, 'id' | 'name'>,
  userIds: readonly string[],
  by: Actor,
): Promise<'added' | 'unchanged' | 'too_many'> {
  const where = { userId: { in: [...userIds] } };
  const there = await transaction.groupMember.findMany({ where: { ...where, groupId }, select: { userId: true } });
  const members = new Set(there.map(({ userId }) => userId));
  const added = userIds.filter((userId) => !members.has(userId));
  if (added.length === 0) return 'unchanged';
  const full = await transaction.groupMember.groupBy({
    by: ['userId'],
    where: { userId: { in: added } },
    having: { userId: { _count: { gte: MOST_GROUPS_OF_A_PERSON } } },
  });
  if (full.length > 0) return 'too_many';
  await transaction.groupMember.createMany({ data: added.map((userId) => ({ groupId, userId })) });
  await recordEvents(transaction, membershipEvents('group_member_added', added, { group: name }, by));
  return 'added';
}

export async function removeMembersWithin(
  transaction: Transaction,
  { id: groupId, name }: Pick<Group, 'id' | 'name'>,
  userIds: readonly string[],
  by: Actor,
): Promise<'removed' | 'unchanged'> {
  const where = { groupId, userId: { in: [...userIds] } };
  const members = (await transaction.groupMember.findMany({ where })).map(({ userId }) => userId);
  if (members.length === 0) return 'unchanged';
  await transaction.groupMember.deleteMany({ where });
  await recordEvents(transaction, membershipEvents('group_member_removed', members, { group: name }, by));
  return 'removed';
}

export function membershipEvents(
  type: NewAuditEvent['type'],
  userIds: readonly string[],
  detail: Detail,
  by: Actor,
): EventNote[] {
  return userIds.map((userId) => ({ event: groupEvent(type, userId, detail, by) }));
}

export function groupEvent(
  type: NewAuditEvent['type'],
  subject: string | null,
  detail: Detail,
  { actor, origin, session = null, reason }: Actor,
): NewAuditEvent {
  const why = reason ? { reason } : {};
  return { type, outcome: 'success', actor, subject, session, origin, detail: { ...detail, ...why } };
}

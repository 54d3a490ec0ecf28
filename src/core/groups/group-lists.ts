// Groups, their members, and the groups of a person, as they are read.
import type { Database, Transaction } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';
import { groupKey } from './group-name.ts';
import type { Group, ListedGroup } from './group-rows.ts';

export interface GroupMember {
  readonly userId: string;
  readonly email: string;
  readonly disabled: boolean;
  readonly addedAt: Date;
}

interface MembersAsked {
  readonly part?: string;
  readonly after?: string;
  readonly take: number;
}

/** A group that somebody is a member of. */
export interface Membership {
  readonly id: string;
  readonly name: string;
  readonly since: Date;
}

const LISTED = {
  _count: { select: { members: true } },
  applications: { select: { application: { select: { slug: true } } }, orderBy: { application: { slug: 'asc' } } },
} as const;

interface CountedGroup extends Group {
  readonly _count: { readonly members: number };
  readonly applications: readonly { readonly application: { readonly slug: string } }[];
}

export function createGroupLists({ prisma, pool }: Database) {
  return {
    /** By name. */
    async list(): Promise<ListedGroup[]> {
      return (await prisma.accountGroup.findMany({ include: LISTED, orderBy: { nameKey: 'asc' } })).map(listed);
    },

    async find(id: string): Promise<ListedGroup | null> {
      const group = await prisma.accountGroup.findUnique({ where: { id }, include: LISTED });
      return group && listed(group);
    },

    async findByName(name: string): Promise<ListedGroup | null> {
      const group = await prisma.accountGroup.findUnique({ where: { nameKey: groupKey(name) }, include: LISTED });
      return group && listed(group);
    },

    /** Those whose e-mail address has a part in it, by e-mail address, after one; at most `take`. */
    async members(groupId: string, { part = '', after = '', take }: MembersAsked): Promise<GroupMember[]> {
      const { rows } = await pool.query<GroupMember>(
        `SELECT u.id AS "userId", u.email, u.disabled_at IS NOT NULL AS disabled, m.added_at AS "addedAt"
           FROM group_member AS m JOIN user_account AS u ON u.id = m.user_id
          WHERE m.group_id = $1 AND u.email_key > $2 AND position($4 IN u.email_key) > 0
          ORDER BY u.email_key LIMIT $3`,
        [groupId, after, take, emailKey(part)],
      );
      return rows;
    },

    /** The groups of a person, by name. */
    of: (userId: string): Promise<Membership[]> => readGroupsOf(prisma, userId),

    /** Their names, as applications are told them. */
    async namesOf(userId: string): Promise<string[]> {
      return (await readGroupsOf(prisma, userId)).map(({ name }) => name);
    },
  };
}

export async function readGroupsOf(database: Transaction, userId: string): Promise<Membership[]> {
  const rows = await database.groupMember.findMany({
    where: { userId },
    select: { addedAt: true, group: { select: { id: true, name: true } } },
    orderBy: { group: { nameKey: 'asc' } },
  });
  return rows.map(({ addedAt, group }) => ({ id: group.id, name: group.name, since: addedAt }));
}

function listed({ id, name, createdAt, _count, applications }: CountedGroup): ListedGroup {
  return {
    id,
    name,
    createdAt,
    members: _count.members,
    applications: applications.map((one) => one.application.slug),
  };
}

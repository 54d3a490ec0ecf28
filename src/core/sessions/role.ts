// What an account may do here. A member: what is theirs. An auditor: read the console. An operator: act in it.

export const ROLES = ['member', 'auditor', 'operator'] as const;
export type Role = (typeof ROLES)[number];

/** The role in SQL: an auditor is a member with a mark, so that a version which does not know it sees a member. */
export function roleIn(table: string): string {
  return `CASE WHEN ${table}.role = 'operator' THEN 'operator' WHEN ${table}.auditor THEN 'auditor' ELSE 'member' END`;
}

interface StoredRole {
  readonly role: 'member' | 'operator';
  readonly auditor: boolean;
}

/** The same of a row. */
export function roleOf({ role, auditor }: StoredRole): Role {
  return role === 'operator' ? 'operator' : auditor ? 'auditor' : 'member';
}

export function storedRole(role: Role): StoredRole {
  return { role: role === 'operator' ? 'operator' : 'member', auditor: role === 'auditor' };
}

export function readRole(value: unknown): Role {
  return ROLES.find((role) => role === value) ?? 'member';
}

/** Whether it reads what is everybody's: its sessions are short, and it needs a second factor where operators do. */
export function seesConsole(role: Role): boolean {
  return role !== 'member';
}

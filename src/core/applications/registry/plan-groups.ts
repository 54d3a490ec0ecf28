// From groups as they are to groups as a file wants them.
import { GROUP_NAME_RULE, groupKey, readGroupName } from '../../groups/group-name.ts';
import type { Group } from '../../groups/group-rows.ts';
import { emailKey, readEmail } from '../../platform/email-address.ts';
import type { RegistryChange, RegistryProblem, WantedGroup } from './wanted.ts';

interface Person {
  readonly id: string;
  readonly email: string;
}

export interface PresentGroup extends Pick<Group, 'id' | 'name'> {
  readonly members: readonly Person[];
}

/** By what is compared of their addresses. */
export type People = ReadonlyMap<string, Person>;

export interface GroupStep {
  readonly name: string;
  /** Null for one that is to be created. */
  readonly id: string | null;
  readonly added: readonly Person[];
  readonly removed: readonly Person[];
}

export interface GroupPlan {
  readonly problems: readonly RegistryProblem[];
  readonly steps: readonly GroupStep[];
  readonly removed: readonly Pick<Group, 'id' | 'name'>[];
  readonly changes: readonly RegistryChange[];
}

export function planGroups(
  wanted: readonly WantedGroup[] | null,
  present: readonly PresentGroup[],
  people: People,
  prune: boolean,
): GroupPlan {
  if (wanted === null) return { problems: [], steps: [], removed: [], changes: [] };
  const there = new Map(present.map((group) => [groupKey(group.name), group]));
  const steps = wanted.map((group) => stepTo(group, there.get(groupKey(group.name)), people));
  const named = new Set(wanted.map(({ name }) => groupKey(name)));
  const removed = prune ? present.filter(({ name }) => !named.has(groupKey(name))) : [];
  const changes = [
    ...steps.flatMap(changesOf),
    ...removed.map(({ name }) => ({ action: 'remove_group', group: name }) as const),
  ];
  return { problems: problemsOf(wanted, people), steps, removed, changes };
}

function stepTo({ name, members }: WantedGroup, present: PresentGroup | undefined, people: People): GroupStep {
  const now = new Map(present?.members.map((person) => [person.id, person]));
  const wanted = new Map(members?.flatMap((email) => people.get(keyOf(email)) ?? []).map((one) => [one.id, one]));
  return {
    name: present?.name ?? name,
    id: present?.id ?? null,
    added: [...wanted.values()].filter(({ id }) => !now.has(id)),
    removed: members === null ? [] : [...now.values()].filter(({ id }) => !wanted.has(id)),
  };
}

function changesOf({ name: group, id, added, removed }: GroupStep): RegistryChange[] {
  return [
    ...(id === null ? [{ action: 'create_group', group } as const] : []),
    ...added.map(({ email }) => ({ action: 'add_member', group, member: email }) as const),
    ...removed.map(({ email }) => ({ action: 'remove_member', group, member: email }) as const),
  ];
}

function problemsOf(wanted: readonly WantedGroup[], people: People): RegistryProblem[] {
  const seen = new Set<string>();
  return wanted.flatMap(({ name, members }) => {
    const place = ['groups', name];
    const twice = seen.has(groupKey(name));
    seen.add(groupKey(name));
    return [
      ...(readGroupName(name) === null ? [{ place, says: `“${name}” is no name of a group. ${GROUP_NAME_RULE}` }] : []),
      ...(twice ? [{ place, says: `The group “${name}” stands here twice; capitals do not part names.` }] : []),
      ...(members ?? []).flatMap((email, index) => {
        if (readEmail(email) === null) return [{ place: [...place, index], says: `“${email}” is no e-mail address.` }];
        return people.has(keyOf(email)) ? [] : [{ place: [...place, index], says: `There is no account of ${email}.` }];
      }),
    ];
  });
}

/** What an address that was typed is compared by. */
export function keyOf(email: string): string {
  return emailKey(readEmail(email) ?? email);
}

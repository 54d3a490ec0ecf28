// Groups for accounts that a transaction has just made, many at a time: nobody else can hold their locks, and none of them can be in
// an application already.
import { v7 as uuidv7 } from 'uuid';
import type { Actor } from '../audit/events.ts';
import { recordEvents } from '../audit/outbox.ts';
import type { RawClient } from '../platform/postgres/raw-client.ts';
import { raiseApplicationVersionWithin } from './application-version.ts';
import { groupKey } from './group-name.ts';
import { groupEvent, membershipEvents } from './group-rows.ts';

export interface Joining {
  readonly userId: string;
  /** As `readGroupName` gives them. */
  readonly groups: readonly string[];
}

/** Groups that are missing are created, or left out. */
export async function joinGroupsWithin(
  client: RawClient,
  people: readonly Joining[],
  by: Actor,
  { newGroups }: { readonly newGroups: boolean },
): Promise<void> {
  const members = new Map<string, Set<string>>();
  const names = new Map<string, string>();
  for (const { userId, groups } of people) {
    for (const name of groups) {
      const key = groupKey(name);
      if (!names.has(key)) names.set(key, name);
      members.set(key, (members.get(key) ?? new Set()).add(userId));
    }
  }
  if (members.size === 0) return;
  await raiseApplicationVersionWithin(client);
  if (newGroups) await createMissingWithin(client, names, by);
  const groups = await client.$queryRaw<{ id: string; name: string; key: string }[]>`
    SELECT id, name, name_key AS key FROM account_group WHERE name_key = ANY (${[...names.keys()]}::text[])`;
  const rows = groups.flatMap(({ id, key }) => [...(members.get(key) ?? [])].map((userId) => ({ id, user: userId })));
  await client.$executeRaw`
    INSERT INTO group_member (group_id, user_id)
    SELECT id, "user" FROM json_to_recordset(${JSON.stringify(rows)}::json) AS row(id uuid, "user" uuid)`;
  const events = groups.flatMap(({ name, key }) =>
    membershipEvents('group_member_added', [...(members.get(key) ?? [])], { group: name }, by),
  );
  await recordEvents(client, events);
}

async function createMissingWithin(client: RawClient, names: ReadonlyMap<string, string>, by: Actor): Promise<void> {
  const rows = [...names].map(([key, name]) => ({ id: uuidv7(), name, key }));
  const made = await client.$queryRaw<{ name: string }[]>`
    INSERT INTO account_group (id, name, name_key)
    SELECT id, name, key FROM json_to_recordset(${JSON.stringify(rows)}::json) AS row(id uuid, name text, key text)
    ON CONFLICT (name_key) DO NOTHING RETURNING name`;
  await recordEvents(
    client,
    made.map(({ name }) => ({ event: groupEvent('group_created', null, { group: name }, by) })),
  );
}

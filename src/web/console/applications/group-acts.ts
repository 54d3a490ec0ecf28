// What an operator does to groups: create, fill, empty, remove.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { User } from '../../../core/accounts/users.ts';
import { GROUP_NAME_RULE } from '../../../core/groups/group-name.ts';
import { MOST_GROUPS_OF_A_PERSON } from '../../../core/groups/group-rows.ts';
import type { ListedGroup } from '../../../core/groups/groups.ts';
import { readEmail } from '../../../core/platform/email-address.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
import type { Web } from '../../view/page.ts';
import type { Fact } from '../../view/registry-views.ts';
import { USERS } from '../people/find-user.ts';
import { findGroup, GROUPS, groupHref } from './find.ts';
import { registryAct } from './registry-act.ts';

const GONE = 'This group was removed meanwhile. Nothing was done.';

const PROBLEMS = {
  no_group: GONE,
  no_account: 'This account was deleted meanwhile. Nothing was done.',
  unchanged: 'They are a member already. Nothing was changed.',
  too_many: `They are in ${MOST_GROUPS_OF_A_PERSON} groups already, which is the most that somebody can be in.`,
} as const;

export function groupActs(router: Router, web: Web): void {
  registryAct(router, web, {
    path: `${GROUPS}/create`,
    current: 'groups',
    find: async () => null,
    shown: () => ({
      title: 'Create a group',
      says: 'A group by itself opens nothing: an application names the groups that may enter it. Applications are told the names of a person’s groups.',
      fields: [{ name: 'name', label: 'Name', type: 'text', hint: GROUP_NAME_RULE }],
      button: 'Create the group',
      danger: false,
      back: GROUPS,
    }),
    async run({ context: { groups } }, _, { fields, by }) {
      const result = await groups.create(fields['name'] ?? '', by);
      if (result.ok) return { to: `${groupHref(result.group.id)}?done=group-created` };
      const taken = 'There is a group of this name already; capitals do not part names.';
      return { errors: { name: result.reason === 'bad_name' ? GROUP_NAME_RULE : taken } };
    },
  });
  addMember(router, web);
  removeMember(router, web);
  removeGroup(router, web);
}

function addMember(router: Router, web: Web): void {
  registryAct<ListedGroup>(router, web, {
    path: `${GROUPS}/:id/add`,
    current: 'groups',
    find: findGroup,
    shown: (group) => ({
      title: `Add somebody to ${group.name}`,
      says: 'They may enter at once whatever the group opens. They are not logged in anywhere by it.',
      facts: factsOf(group),
      fields: [{ name: 'email', label: 'E-mail address', type: 'email', hint: 'Of somebody who has an account.' }],
      button: 'Add them',
      danger: false,
      back: groupHref(group.id),
    }),
    async run({ context: { groups, users } }, { id }, { fields, by }) {
      const email = readEmail(fields['email'] ?? '');
      if (email === null) return { errors: { email: 'This is not a whole e-mail address.' } };
      const user = await users.findByEmail(email);
      if (!user) return { errors: { email: 'There is no account with this e-mail address.' } };
      const result = await groups.add(id, user.id, by);
      return result.ok ? { to: `${groupHref(id)}?done=member-added` } : { problem: PROBLEMS[result.reason] };
    },
  });
}

function removeMember(router: Router, web: Web): void {
  registryAct<{ group: ListedGroup; user: User }>(router, web, {
    path: `${GROUPS}/:id/members/:userId/remove`,
    current: 'groups',
    find: async (ctx) => ({ group: await findGroup(ctx, web), user: await findMember(ctx, web) }),
    shown: ({ group, user }) => ({
      title: `Take somebody out of ${group.name}`,
      says: 'Where this group alone let them in, their sessions end at once. They can’t send what they are writing there. Their account and their other sessions go on.',
      facts: [{ label: 'Person', value: user.email, href: `${USERS}/${user.id}` }, ...factsOf(group)],
      button: 'Take them out',
      danger: true,
      back: groupHref(group.id),
    }),
    async run({ context: { groups } }, { group, user }, { by }) {
      const result = await groups.leave(group.id, user.id, by);
      if (result.ok) return { to: `${groupHref(group.id)}?done=member-removed` };
      const unchanged = 'They are no member by now. Nothing was changed.';
      return { problem: result.reason === 'unchanged' ? unchanged : PROBLEMS[result.reason] };
    },
  });
}

function removeGroup(router: Router, web: Web): void {
  registryAct<ListedGroup>(router, web, {
    path: `${GROUPS}/:id/remove`,
    current: 'groups',
    find: findGroup,
    shown: (group) => ({
      title: `Remove the group ${group.name}`,
      says: 'Its members leave it. Where it alone let them in, their sessions end at once; an application that no group opens any more is closed to everybody. No account is deleted.',
      facts: factsOf(group),
      button: 'Remove the group',
      danger: true,
      back: groupHref(group.id),
    }),
    async run({ context: { groups } }, { id }, { by }) {
      return (await groups.remove(id, by)) ? { to: `${GROUPS}?done=group-removed` } : { problem: GONE };
    },
  });
}

/** @throws HttpError 404 */
async function findMember(ctx: Koa.Context, { context }: Web): Promise<User> {
  const id: unknown = ctx['params'].userId;
  const user = isUuid(id) ? await context.users.find(id) : null;
  if (!user) throw new HttpError(404, 'no_account');
  return user;
}

function factsOf({ name, members, applications }: ListedGroup): Fact[] {
  return [
    { label: 'Group', value: name },
    { label: 'Members', value: members.toLocaleString('en') },
    { label: 'Opens', value: applications.length === 0 ? 'no application' : applications.join(', ') },
  ];
}

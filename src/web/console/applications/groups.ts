// Groups of accounts: all of them, and one with its members.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { GroupMember } from '../../../core/groups/group-lists.ts';
import type { ListedGroup } from '../../../core/groups/groups.ts';
import { isUuid, queryText, withQuery } from '../../http/query.ts';
import { requireConsole } from '../../session/access.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import type { GroupRow, Linked, MemberRow } from '../../view/registry-views.ts';
import { USERS } from '../people/find-user.ts';
import { applicationHref, counted, countedOf, findGroup, GROUPS, groupHref, narrowed, timeOf } from './find.ts';

const PAGE_SIZE = 100;

export function groupsPages(router: Router, web: Web): void {
  const reader = requireConsole(web.context);
  router.get(GROUPS, reader, (ctx) => showGroups(ctx, web));
  router.get(`${GROUPS}/:id`, reader, (ctx) => showGroup(ctx, web));
}

async function showGroups(ctx: Koa.Context, web: Web): Promise<void> {
  const groups = await web.context.groups.list();
  const { shown, matching, narrowing } = narrowed(ctx, GROUPS, groups, ({ name }) => name);
  const time = timeOf(ctx);
  const rows = shown.map((group): GroupRow => {
    const { id, name, members, createdAt } = group;
    const since = time(createdAt);
    return { name, href: groupHref(id), members: members.toLocaleString('en'), applications: opened(group), since };
  });
  const count = countedOf(matching, groups.length, 'group');
  const page = { ...narrowing, rows, count, asOf: time(ctx.state.now) };
  const frame = { title: 'Groups', current: 'groups', wide: true, notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'operator/groups', page, frame);
}

async function showGroup(ctx: Koa.Context, web: Web): Promise<void> {
  const group = await findGroup(ctx, web);
  const { id, name, members, createdAt } = group;
  const href = groupHref(id);
  const q = queryText(ctx, 'q');
  const after = await readAfter(ctx, web);
  const found = await web.context.groups.members(id, { part: q, after, take: PAGE_SIZE + 1 });
  const shown = found.slice(0, PAGE_SIZE);
  const page = {
    name,
    href,
    q,
    since: timeOf(ctx)(createdAt),
    count: counted(members, 'member'),
    members: shown.map((member) => memberRow(ctx, href, member)),
    applications: opened(group),
    nextHref: found.length > PAGE_SIZE ? withQuery(href, { q, after: shown.at(-1)?.userId ?? '' }) : null,
    firstHref: after === '' ? null : withQuery(href, { q }),
  };
  const frame = { title: name, current: 'groups', wide: true, notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'operator/group', page, frame);
}

/** Pages follow the order of addresses, but a person stands in the page's own by their id: proxies log that. */
async function readAfter(ctx: Koa.Context, { context: { users } }: Web): Promise<string> {
  const asked = queryText(ctx, 'after');
  return isUuid(asked) ? ((await users.find(asked))?.emailKey ?? '') : '';
}

function memberRow(ctx: Koa.Context, href: string, { userId, email, disabled, addedAt }: GroupMember): MemberRow {
  const removeHref = `${href}/members/${userId}/remove`;
  return { email, href: `${USERS}/${userId}`, disabled, since: timeOf(ctx)(addedAt), removeHref };
}

function opened({ applications }: ListedGroup): Linked[] {
  return applications.map((slug) => ({ label: slug, href: applicationHref(slug) }));
}

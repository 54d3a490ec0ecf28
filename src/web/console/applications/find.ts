// The group or the application that a page's address names, and how these pages write times and numbers.
import type Koa from 'koa';
import type { Application } from '../../../core/applications/application.ts';
import { slugProblem } from '../../../core/applications/typed-settings.ts';
import type { ListedGroup } from '../../../core/groups/groups.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid, queryText, withQuery } from '../../http/query.ts';
import { type ShownTime, showTime } from '../../texts/times-and-devices.ts';
import type { Web } from '../../view/page.ts';

export const APPLICATIONS = '/operator/applications';
export const GROUPS = '/operator/groups';

/** @throws HttpError 404 */
export async function findApplication(ctx: Koa.Context, { context }: Web): Promise<Application> {
  const slug: unknown = ctx['params'].slug;
  const found = typeof slug === 'string' && !slugProblem(slug) ? await context.applications.findBySlug(slug) : null;
  if (!found) throw new HttpError(404, 'no_application');
  return found;
}

/** @throws HttpError 404 */
export async function findGroup(ctx: Koa.Context, { context }: Web): Promise<ListedGroup> {
  const id: unknown = ctx['params'].id;
  const found = isUuid(id) ? await context.groups.find(id) : null;
  if (!found) throw new HttpError(404, 'no_group');
  return found;
}

export const applicationHref = (slug: string): string => `${APPLICATIONS}/${slug}`;
export const groupHref = (id: string): string => `${GROUPS}/${id}`;

export function timeOf(ctx: Koa.Context): (at: Date) => ShownTime {
  return (at) => showTime(at, ctx.state.now);
}

const PAGE_SIZE = 100;

/** Of a list that is read whole: those that `q` is in, a page at a time. */
export function narrowed<T>(ctx: Koa.Context, path: string, all: readonly T[], textOf: (one: T) => string) {
  const q = queryText(ctx, 'q');
  const matching = all.filter((one) => textOf(one).toLowerCase().includes(q.toLowerCase()));
  const last = Math.max(1, Math.ceil(matching.length / PAGE_SIZE));
  const page = Math.min(Math.max(Number.parseInt(queryText(ctx, 'page'), 10) || 1, 1), last);
  const hrefOf = (to: number) =>
    to < 1 || to > last ? null : withQuery(path, { q, page: to === 1 ? '' : to.toString() });
  return {
    shown: matching.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE),
    matching: matching.length,
    narrowing: { q, previousHref: hrefOf(page - 1), nextHref: hrefOf(page + 1) },
  };
}

/** "400 groups", "12 of 400 groups" */
export function countedOf(matching: number, all: number, one: string): string {
  return matching === all ? counted(all, one) : `${matching.toLocaleString('en')} of ${counted(all, one)}`;
}

export function counted(count: number, one: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : `${one}s`}`;
}

// The group or the application that a page's address names, and how these pages write times and numbers.
import type Koa from 'koa';
import type { Application } from '../../../core/applications/application.ts';
import { slugProblem } from '../../../core/applications/typed-settings.ts';
import type { ListedGroup } from '../../../core/groups/groups.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
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

export function counted(count: number, one: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : `${one}s`}`;
}

// The saved views that stand above a list, and the way to save what it shows. Auditors keep none; they open those of others.
import type Koa from 'koa';
import type { AskedParts } from '../../../core/accounts/saved-views.ts';
import { isUuid, queryText, withQuery } from '../../http/query.ts';
import { memberOf } from '../../session/member.ts';
import type { Web } from '../../view/page.ts';
import type { ViewsBar } from '../../view/saved-view-views.ts';

export const VIEWS = '/operator/views';
export const SAVE_VIEW = `${VIEWS}/save`;

export type ListName = 'audit' | 'attempts' | 'people';

/** `asked`: what the page shows; empty parts ask for nothing. Just opened or saved (`view=`), a view is there in every process. */
export async function viewsBar(ctx: Koa.Context, web: Web, list: ListName, asked: AskedParts): Promise<ViewsBar> {
  const { savedViews } = web.context;
  const { userId, role } = memberOf(ctx);
  const keeps = role === 'operator';
  const id = queryText(ctx, 'view');
  const [all, shared] = await Promise.all([
    keeps ? savedViews[id === '' ? 'recent' : 'list'](userId) : [],
    isUuid(id) ? savedViews.find(id) : null,
  ]);
  const own = all.filter((view) => view.list === list);
  const now = asText(asked);
  const isShared = shared !== null && shared.userId !== userId && shared.list === list && asText(shared.asked) === now;
  const links = own.map((view) => {
    return { label: view.name, href: `${VIEWS}/${view.id}`, current: asText(view.asked) === now };
  });
  const saves = keeps && now !== '' && !links.some(({ current }) => current);
  return {
    own: links,
    saveHref: saves ? withQuery(SAVE_VIEW, { list, ...asked, ...(isShared ? { view: id } : {}) }) : null,
    shared: isShared ? { name: shared.name, by: shared.email } : null,
  };
}

/** Those parts that ask for something. */
export function partsOf(asked: AskedParts): AskedParts {
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== ''));
}

const asText = (asked: AskedParts): string => new URLSearchParams(Object.entries(partsOf(asked)).sort()).toString();

// The search of the console: leads straight to the one thing that a text means; several meanings are
// offered as links. What was typed goes by POST, so that no address holds it.
import type Router from '@koa/router';
import type Koa from 'koa';
import { readBody } from '../../http/form.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireConsole, requireConsoleForm } from '../../session/access.ts';
import { chargeAct } from '../../session/acts.ts';
import { actorOf, memberOf } from '../../session/member.ts';
import type { Web } from '../../view/page.ts';
import type { Views } from '../../view/views.ts';
import { dropSearch, keepSearch, keptSearch } from './kept-search.ts';
import { MOST_PEOPLE, meaningsOf } from './meanings.ts';

export const FIND = '/operator/find';

/** No id and no address is longer. */
const LONGEST = 300;

export function findPages(router: Router, web: Web): void {
  router.get(FIND, requireConsole(web.context), (ctx) => showFound(ctx, web));
  router.post(FIND, requireConsoleForm(web.context), (ctx) => find(ctx, web));
}

/** Where it leads tells who is there. What was typed stays unrecorded: it may be anything. */
async function noteSearch(ctx: Koa.Context, { context }: Web): Promise<void> {
  if (memberOf(ctx).role !== 'auditor') return;
  await chargeAct(ctx, context);
  const about = { ...actorOf(ctx), subject: null, detail: { what: 'search' } };
  await context.record({ type: 'sensitive_read', outcome: 'success', ...about });
}

async function find(ctx: Koa.Context, web: Web): Promise<void> {
  const typed = ((await readBody(ctx))['q'] ?? '').trim().slice(0, LONGEST).toWellFormed();
  if (typed === '') {
    dropSearch(ctx, web.context);
    return seeOther(ctx, FIND);
  }
  await noteSearch(ctx, web);
  const { meanings, people } = await meaningsOf(typed, web.context);
  const [first, second] = meanings;
  if (first && !second && people === 'all') return seeOther(ctx, first.href);
  keepSearch(ctx, web.context, typed);
  return seeOther(ctx, FIND);
}

async function showFound(ctx: Koa.Context, web: Web): Promise<void> {
  const typed = keptSearch(ctx, web.context);
  const found = typed === '' ? null : await meaningsOf(typed, web.context);
  const page: Views['operator/find'] = {
    typed,
    meanings: found?.meanings ?? [],
    people: found?.people ?? 'all',
    mostPeople: MOST_PEOPLE,
  };
  await web.show(ctx, 'operator/find', page, { title: 'Find', current: null, wide: true });
}

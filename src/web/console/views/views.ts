// Saved views: a link that opens one with the filter as it is meant now, the page of one's own, and saving, renaming and removing.
import type Router from '@koa/router';
import type Koa from 'koa';
import { readBody } from '../../http/form.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid, queryText, withQuery } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireConsole, requireOperator } from '../../session/access.ts';
import { typedBefore } from '../../session/kept-form.ts';
import { memberOf } from '../../session/member.ts';
import { doneNotice, timesOf, type Web } from '../../view/page.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import { listNamed } from './lists.ts';
import { partsOf, SAVE_VIEW, VIEWS } from './views-bar.ts';

const LONGEST = 60;
const BAD_NAME = `Give it a name of at most ${LONGEST} characters.`;
const NAME_TAKEN = 'Another of your views of this list has this name.';
const TOO_MANY = 'You have fifty views of this list. Remove one first.';

export function savedViewPages(router: Router, web: Web): void {
  const operator = requireOperator(web.context);
  router.get(VIEWS, operator, (ctx) => showViews(ctx, web));
  router.get(SAVE_VIEW, operator, (ctx) => openSaving(ctx, web));
  router.post(SAVE_VIEW, operator, (ctx) => save(ctx, web));
  router.get(`${VIEWS}/:id`, requireConsole(web.context), (ctx) => openView(ctx, web));
  router.post(`${VIEWS}/:id/rename`, operator, (ctx) => rename(ctx, web));
  router.post(`${VIEWS}/:id/remove`, operator, (ctx) => remove(ctx, web));
}

/** @throws HttpError 404 */
async function openView(ctx: Koa.Context, { context }: Web): Promise<void> {
  const view = await context.savedViews.find(idOf(ctx));
  const list = listNamed(view?.list ?? '');
  if (!view || !list) throw new HttpError(404, 'no_view');
  seeOther(ctx, withQuery(list.path, { ...view.asked, view: view.id }));
}

/** @throws HttpError 404 */
function idOf(ctx: Koa.Context): string {
  const id: unknown = ctx['params'].id;
  if (!isUuid(id)) throw new HttpError(404, 'no_view');
  return id;
}

async function openSaving(ctx: Koa.Context, web: Web): Promise<void> {
  const shared = queryText(ctx, 'view');
  const view = isUuid(shared) ? await web.context.savedViews.find(shared) : null;
  await showSaving(ctx, web, typedBefore(ctx, web.context)['name'] ?? view?.name ?? '');
}

async function save(ctx: Koa.Context, web: Web): Promise<void> {
  const { list, described } = await readList(ctx, web);
  const { name, problem } = readName((await readBody(ctx))['name']);
  const asked = partsOf(described.asked);
  if (problem !== null || described.problem !== null || Object.keys(asked).length === 0) {
    ctx.status = 422;
    return showSaving(ctx, web, name, problem === null ? {} : { name: problem });
  }
  const { userId } = memberOf(ctx);
  const saved = await web.context.savedViews.save({ userId, list: queryText(ctx, 'list'), name, asked });
  if (saved.ok) return seeOther(ctx, withQuery(list.path, { ...asked, view: saved.id }));
  ctx.status = 409;
  return showSaving(ctx, web, name, { name: saved.reason === 'name_taken' ? NAME_TAKEN : TOO_MANY });
}

/** @throws HttpError 404 */
async function readList(ctx: Koa.Context, web: Web) {
  const list = listNamed(queryText(ctx, 'list'));
  if (!list) throw new HttpError(404, 'no_list');
  return { list, described: await list.describe(ctx, web) };
}

async function showSaving(ctx: Koa.Context, web: Web, name: string, errors: FieldErrors = {}): Promise<void> {
  const { list, described } = await readList(ctx, web);
  const nothing = Object.keys(partsOf(described.asked)).length === 0 ? 'Choose a filter first.' : null;
  const page = {
    list: list.title,
    filters: described.labels,
    relative: (described.asked['time'] ?? '') !== '',
    action: ctx.url,
    name,
    back: withQuery(list.path, described.asked),
    problem: described.problem ?? nothing,
    errors,
  };
  await web.show(ctx, 'operator/save-view', page, { title: 'Save this view', current: list.place, wide: true });
}

async function rename(ctx: Koa.Context, web: Web): Promise<void> {
  const id = idOf(ctx);
  const { name, problem } = readName((await readBody(ctx))['name']);
  if (problem !== null) {
    ctx.status = 422;
    return showViews(ctx, web, { id, name, problem });
  }
  const result = await web.context.savedViews.rename(id, memberOf(ctx).userId, name);
  if (result === 'gone') throw new HttpError(404, 'no_view');
  if (result === 'renamed') return seeOther(ctx, `${VIEWS}?done=view-renamed`);
  ctx.status = 409;
  return showViews(ctx, web, { id, name, problem: NAME_TAKEN });
}

/** @throws HttpError 404 */
async function remove(ctx: Koa.Context, { context }: Web): Promise<void> {
  if (!(await context.savedViews.remove(idOf(ctx), memberOf(ctx).userId))) throw new HttpError(404, 'no_view');
  seeOther(ctx, `${VIEWS}?done=view-removed`);
}

function readName(typed = ''): { readonly name: string; readonly problem: string | null } {
  const name = typed.replaceAll('\u0000', '').toWellFormed().trim();
  return { name, problem: name === '' || name.length > LONGEST ? BAD_NAME : null };
}

interface Refused {
  readonly id: string;
  readonly name: string;
  readonly problem: string;
}

async function showViews(ctx: Koa.Context, web: Web, refused: Refused | null = null): Promise<void> {
  const { savedViews, config } = web.context;
  const times = timesOf(ctx);
  const rows = (await savedViews.list(memberOf(ctx).userId)).flatMap(({ id, list, name, createdAt }) => {
    const title = listNamed(list)?.title;
    const href = `${VIEWS}/${id}`;
    const link = `${config.publicOrigin}${href}`;
    const kept = typedBefore(ctx, web.context, `${href}/rename`)['name'];
    const typed = refused?.id === id ? refused.name : (kept ?? name);
    return title === undefined ? [] : [{ id, name, list: title, href, link, since: times.prose(createdAt), typed }];
  });
  const page = { rows, problem: refused?.problem ?? null };
  const frame = { title: 'Saved views', current: null, wide: true, notice: refused ? null : doneNotice(ctx) } as const;
  await web.show(ctx, 'operator/views', page, frame);
}

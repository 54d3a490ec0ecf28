// A member's data to download, and the deletion of the account.
import { Readable } from 'node:stream';
import type Router from '@koa/router';
import type Koa from 'koa';
import { readBody } from '../../http/form.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireMember, requireRecentLogin } from '../../session/access.ts';
import { typedBefore } from '../../session/kept-form.ts';
import { memberOf } from '../../session/member.ts';
import { leaveSession } from '../../session/session-cookie.ts';
import type { Web } from '../../view/page.ts';
import { toldOf } from '../../view/told.ts';
import type { FieldErrors } from '../../view/view-parts.ts';

export function dataAndDeletionPages(router: Router, web: Web): void {
  const recentForData = requireRecentLogin(web.context, '/account/data');
  const recentForDeletion = requireRecentLogin(web.context, '/account/delete');
  router.get('/account/data', requireMember, (ctx) => showData(ctx, web));
  router.post('/account/data', requireMember, recentForData, (ctx) => download(ctx, web));
  router.get('/account/delete', requireMember, (ctx) => showDeletion(ctx, web, {}));
  router.post('/account/delete', requireMember, recentForDeletion, (ctx) => deleteAccount(ctx, web));
}

function showData(ctx: Koa.Context, web: Web): Promise<void> {
  return web.show(ctx, 'account/data', {}, { title: ctx.state.text.data.title, current: 'profile' });
}

async function download(ctx: Koa.Context, web: Web): Promise<void> {
  const pieces = await web.context.dataExport.write(ownerOf(ctx));
  const day = ctx.state.now.toISOString().slice(0, 10);
  ctx.type = 'application/json; charset=utf-8';
  ctx.set('Content-Disposition', `attachment; filename="account-${day}.json"`);
  ctx.body = Readable.from(pieces);
}

async function deleteAccount(ctx: Koa.Context, web: Web): Promise<void> {
  const { accountDeletion } = web.context;
  const { understood } = await readBody(ctx);
  const words = ctx.state.text.deletion;
  if (understood === undefined) {
    ctx.status = 422;
    return showDeletion(ctx, web, { understood: words.notUnderstood });
  }
  const result = await accountDeletion.delete({ ...ownerOf(ctx), told: toldOf(ctx) });
  if (!result.ok && result.reason === 'last_operator') {
    ctx.status = 422;
    return showDeletion(ctx, web, {}, words.lastOperator);
  }
  leaveSession(ctx);
  seeOther(ctx, '/?done=account-deleted');
}

function showDeletion(ctx: Koa.Context, web: Web, errors: FieldErrors, problem: string | null = null): Promise<void> {
  const { email } = memberOf(ctx);
  const understood = typedBefore(ctx, web.context)['understood'] !== undefined;
  const frame = { title: ctx.state.text.deletion.title, current: 'profile' } as const;
  return web.show(ctx, 'account/delete', { email, understood, problem, errors }, frame);
}

function ownerOf(ctx: Koa.Context) {
  const { userId, id } = memberOf(ctx);
  return { userId, sessionId: id, origin: ctx.state.origin };
}

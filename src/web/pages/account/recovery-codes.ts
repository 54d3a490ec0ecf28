// New recovery codes: made, shown until their owner says that they are kept, and downloaded. A reload, "Back" or a form that
// was sent twice shows them again.
import type Router from '@koa/router';
import type Koa from 'koa';
import { readBody, readNext } from '../../http/form.ts';
import { queryNext } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireLoggedIn, requireRecentLogin } from '../../session/access.ts';
import { memberOf } from '../../session/member.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import { answerAdded, changerOf, RECOVERY_CODES, SECURITY, showSecurity } from './security.ts';

const FILE = 'recovery-codes.txt';
/** Instead of codes that are kept, or were shown for an hour. */
const SHOWN_NO_LONGER = `${SECURITY}?done=codes-gone`;

export function recoveryCodesPage(router: Router, web: Web): void {
  const recent = requireRecentLogin(web.context, SECURITY);
  router.get(RECOVERY_CODES, requireLoggedIn, recent, (ctx) => show(ctx, web));
  router.post(RECOVERY_CODES, web.sentTwice.firstCounts, requireLoggedIn, recent, (ctx) => renew(ctx, web));
  router.get(`${RECOVERY_CODES}/download`, requireLoggedIn, recent, (ctx) => download(ctx, web));
  router.post(`${RECOVERY_CODES}/kept`, requireLoggedIn, (ctx) => keep(ctx, web));
}

async function show(ctx: Koa.Context, web: Web): Promise<void> {
  const codes = await web.context.shownCodes.read(memberOf(ctx).userId);
  const next = queryNext(ctx);
  if (codes.length === 0) return seeOther(ctx, next ?? SHOWN_NO_LONGER);
  const { title } = ctx.state.text.recoveryCodes;
  const frame = { title, current: 'security', notice: doneNotice(ctx), choosesLanguage: false } as const;
  return web.show(ctx, 'account/recovery-codes', { codes, next }, frame);
}

async function renew(ctx: Koa.Context, web: Web): Promise<void> {
  const result = await web.context.enrolment.renewCodes(changerOf(ctx));
  await answerAdded(ctx, { result, next: null, done: 'codes-made', again: () => showSecurity(ctx, web) });
}

async function download(ctx: Koa.Context, web: Web): Promise<void> {
  const { userId, email } = memberOf(ctx);
  const codes = await web.context.shownCodes.read(userId);
  if (codes.length === 0) return seeOther(ctx, SHOWN_NO_LONGER);
  ctx.type = 'text/plain; charset=utf-8';
  ctx.set('Content-Disposition', `attachment; filename="${FILE}"`);
  ctx.body = [`${web.context.config.serviceName}: ${email}`, '', ...codes, ''].join('\r\n');
}

async function keep(ctx: Koa.Context, web: Web): Promise<void> {
  const { id: sessionId, userId } = memberOf(ctx);
  await web.context.shownCodes.keep({ userId, sessionId, origin: ctx.state.origin });
  const next = readNext((await readBody(ctx))['next']);
  seeOther(ctx, next ?? `${SECURITY}?done=codes-kept`);
}

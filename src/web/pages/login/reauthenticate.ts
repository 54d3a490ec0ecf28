// Proving again who one is, before something that matters (`requireRecentLogin`,
// session/access.ts).
import type Router from '@koa/router';
import type Koa from 'koa';
import type { Purpose } from '../../../core/credentials/secret-box.ts';
import type { ReauthenticationResult } from '../../../core/login/reauthentication.ts';
import { readBody, readNext } from '../../http/form.ts';
import { queryNext, withNext } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireLoggedIn } from '../../session/access.ts';
import { memberOf } from '../../session/member.ts';
import { enterSession } from '../../session/session-cookie.ts';
import type { Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';
import type { Views } from '../../view/views.ts';

const PATH = '/confirm';

export function reauthenticatePage(router: Router, web: Web): void {
  router.get(PATH, requireLoggedIn, (ctx) => show(ctx, web, { next: queryNext(ctx) }));
  router.post(PATH, web.sentTwice.firstCounts, requireLoggedIn, (ctx) => givePassword(ctx, web));
  router.get(`${PATH}/passkey`, requireLoggedIn, (ctx) => giveOptions(ctx, web));
  router.post(`${PATH}/passkey`, web.sentTwice.firstCounts, requireLoggedIn, (ctx) => givePasskey(ctx, web));
}

async function givePassword(ctx: Koa.Context, web: Web): Promise<void> {
  const { id: sessionId, userId } = memberOf(ctx);
  const fields = await readBody(ctx);
  const next = readNext(fields['next']);
  const { password = '' } = fields;
  if (password === '') {
    ctx.status = 422;
    return show(ctx, web, { next, errors: { password: ctx.state.text.confirm.passwordMissing } });
  }
  const { origin } = ctx.state;
  await answer(ctx, web, next, await web.context.reauthentication.byPassword({ userId, sessionId, password, origin }));
}

async function giveOptions(ctx: Koa.Context, web: Web): Promise<void> {
  const { id, userId } = memberOf(ctx);
  ctx.body = await web.context.passkeys.requestOptions(userId, purposeOf(id));
}

async function givePasskey(ctx: Koa.Context, web: Web): Promise<void> {
  const { id: sessionId, userId } = memberOf(ctx);
  const fields = await readBody(ctx);
  const result = await web.context.reauthentication.byPasskey({
    userId,
    sessionId,
    answer: fields['credential'] ?? '',
    owner: purposeOf(sessionId),
    origin: ctx.state.origin,
  });
  await answer(ctx, web, readNext(fields['next']), result);
}

async function answer(ctx: Koa.Context, web: Web, next: string | null, result: ReauthenticationResult): Promise<void> {
  const words = ctx.state.text.confirm;
  if (result.ok) {
    await enterSession(ctx, result.session);
    return seeOther(ctx, next ?? '/profile');
  }
  if (result.reason === 'throttled') return show(ctx, web, { next, problem: throttled(ctx, result.retryAfterMs) });
  if (result.reason === 'session_ended') return seeOther(ctx, withNext('/login', next ?? '/profile'));
  ctx.status = 422;
  const wrong =
    result.reason === 'wrong_password' ? { errors: { password: words.wrong } } : { problem: words.passkeyWrong };
  await show(ctx, web, { next, ...wrong });
}

async function show(
  ctx: Koa.Context,
  web: Web,
  { next, problem = null, errors = {} }: Partial<Views['confirm']> & Pick<Views['confirm'], 'next'>,
): Promise<void> {
  const { email, userId } = memberOf(ctx);
  const { passkeys } = await web.context.secondFactors.overview(userId);
  const page = { passkeys: passkeys.length > 0, email, next, problem, errors };
  await web.show(ctx, 'confirm', page, { title: ctx.state.text.confirm.title, passkeys: page.passkeys });
}

function purposeOf(sessionId: string): Purpose {
  return { purpose: 'confirm', owner: sessionId };
}

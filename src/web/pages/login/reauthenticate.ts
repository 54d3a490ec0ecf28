// Proving again who one is, on the way to something that matters (src/web/session/access.ts, `requireRecentLogin`).
import type Router from '@koa/router';
import type Koa from 'koa';
import type { Purpose } from '../../../core/credentials/secret-box.ts';
import type { ReauthenticationResult } from '../../../core/login/reauthentication.ts';
import { readBody, readNext } from '../../http/form.ts';
import { queryNext } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireLoggedIn } from '../../session/access.ts';
import { memberOf } from '../../session/member.ts';
import { enterSession } from '../../session/session-cookie.ts';
import type { Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';
import type { Views } from '../../view/views.ts';

export function reauthenticatePage(router: Router, web: Web): void {
  const { reauthentication, passkeys } = web.context;

  router.get('/confirm', requireLoggedIn, (ctx) => show(ctx, web, { next: queryNext(ctx) }));

  router.post('/confirm', requireLoggedIn, async (ctx) => {
    const { id: sessionId, userId } = memberOf(ctx);
    const fields = await readBody(ctx);
    const next = readNext(fields['next']);
    const password = fields['password'] ?? '';
    if (password === '') {
      ctx.status = 422;
      return show(ctx, web, { next, errors: { password: ctx.state.text.confirm.passwordMissing } });
    }
    await answer(ctx, next, await reauthentication.confirm({ userId, sessionId, password, origin: ctx.state.origin }));
  });

  router.get('/confirm/passkey', requireLoggedIn, async (ctx) => {
    const { id, userId } = memberOf(ctx);
    ctx.body = await passkeys.requestOptions(userId, purpose(id));
  });

  router.post('/confirm/passkey', requireLoggedIn, async (ctx) => {
    const { id: sessionId, userId } = memberOf(ctx);
    const fields = await readBody(ctx);
    const given = { answer: fields['credential'] ?? '', owner: purpose(sessionId) };
    const result = await reauthentication.byPasskey({ userId, sessionId, origin: ctx.state.origin, ...given });
    await answer(ctx, readNext(fields['next']), result);
  });

  async function answer(ctx: Koa.Context, next: string | null, result: ReauthenticationResult): Promise<void> {
    const words = ctx.state.text.confirm;
    if (result.ok) {
      await enterSession(ctx, result.session);
      return seeOther(ctx, next ?? '/profile');
    }
    if (result.reason === 'throttled') return show(ctx, web, { next, problem: throttled(ctx, result.retryAfterMs) });
    if (result.reason === 'session_ended')
      return seeOther(ctx, `/login?next=${encodeURIComponent(next ?? '/profile')}`);
    ctx.status = 422;
    const wrong =
      result.reason === 'wrong_password' ? { errors: { password: words.wrong } } : { problem: words.passkeyWrong };
    await show(ctx, web, { next, ...wrong });
  }
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

function purpose(sessionId: string): Purpose {
  return { purpose: 'confirm', owner: sessionId };
}

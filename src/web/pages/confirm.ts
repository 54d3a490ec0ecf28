// Proving again who one is, on the way to something that matters (src/web/access.ts, `requireRecentLogin`).
import type Router from '@koa/router';
import type Koa from 'koa';
import { requireMember } from '../access.ts';
import { readBody, readNext } from '../form.ts';
import { seeOther, type Web } from '../page.ts';
import { queryNext } from '../query.ts';
import { enterSession } from '../session.ts';
import { liveSession } from '../state.ts';
import { throttled } from '../throttled.ts';
import type { Views } from '../views.ts';

export function confirmPage(router: Router, web: Web): void {
  const { confirmations } = web.context;

  router.get('/confirm', requireMember, (ctx) => show(ctx, web, { next: queryNext(ctx) }));

  router.post('/confirm', requireMember, async (ctx) => {
    const { id: sessionId, userId } = memberOf(ctx);
    const fields = await readBody(ctx);
    const next = readNext(fields['next']);
    const password = fields['password'] ?? '';
    const words = ctx.state.text.confirm;
    if (password === '') {
      ctx.status = 422;
      return show(ctx, web, { next, errors: { password: words.passwordMissing } });
    }
    const result = await confirmations.confirm({ userId, sessionId, password, origin: ctx.state.origin });
    if (!result.ok && result.reason === 'throttled')
      return show(ctx, web, { next, problem: throttled(ctx, result.retryAfterMs) });
    if (!result.ok && result.reason === 'session_ended')
      return seeOther(ctx, `/login?next=${encodeURIComponent(next ?? '/profile')}`);
    if (!result.ok) {
      ctx.status = 422;
      return show(ctx, web, { next, errors: { password: words.wrong } });
    }
    await enterSession(ctx, result.session);
    seeOther(ctx, next ?? '/profile');
  });
}

function show(
  ctx: Koa.Context,
  web: Web,
  { next, problem = null, errors = {} }: Partial<Views['confirm']> & Pick<Views['confirm'], 'next'>,
): Promise<void> {
  const page = { email: memberOf(ctx).email, next, problem, errors };
  return web.show(ctx, 'confirm', page, { title: ctx.state.text.confirm.title });
}

function memberOf(ctx: Koa.Context) {
  const owner = liveSession(ctx)?.owner;
  if (!owner) throw new Error('a member page was reached without a session');
  return owner;
}

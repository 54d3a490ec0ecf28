// Who may see a page. Each route names one of these; a page without one is for everybody (test/integration/access.test.ts
// holds the list of those).
import type Koa from 'koa';
import type { Context } from '../core/context.ts';
import { HttpError } from './http-error.ts';
import { liveSession } from './state.ts';

/** Members only; others go to the log-in and come back to the page that they asked for. */
export const requireMember: Koa.Middleware = async (ctx, next) => {
  if (liveSession(ctx)) return next();
  const back = ctx.method === 'GET' ? `?next=${encodeURIComponent(ctx.url)}` : '';
  ctx.status = 303;
  ctx.redirect(`/login${back}`);
};

/** Operators only; a member is refused, and the refusal recorded. */
export function requireOperator({ record }: Context): Koa.Middleware {
  return (ctx, next) =>
    requireMember(ctx, async () => {
      const owner = liveSession(ctx)?.owner;
      if (owner?.role === 'operator') return next();
      const about = {
        actor: owner?.userId ?? null,
        subject: null,
        session: owner?.id ?? null,
        origin: ctx.state.origin,
      };
      await record({
        type: 'authz_fail',
        outcome: 'failure',
        ...about,
        detail: { path: ctx.path, method: ctx.method },
      });
      throw new HttpError(403, 'not_an_operator');
    });
}

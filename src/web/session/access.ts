// Who may see a page. Each route names one of these; a page without one is for everybody (test/integration/access.test.ts
// holds the list of those).
import type Koa from 'koa';
import type { Context } from '../../core/context.ts';
import { HttpError } from '../http/http-error.ts';
import { withNext } from '../http/query.ts';
import { seeOther } from '../http/redirect.ts';
import { actorOf } from './member.ts';
import { liveSession } from './request-state.ts';

/**
 * Members only; others go to the log-in and come back to the page that they asked for. Who must have a second factor and has
 * proved none is led to setting it up, and from there to the page that they asked for. It costs nothing beside the session that was read anyway.
 */
export const requireMember: Koa.Middleware = (ctx, next) => {
  if (!liveSession(ctx)) return toLogIn(ctx);
  if (!ctx.state.mustSetUp) return next();
  return seeOther(ctx, withNext('/account/security', ctx.method === 'GET' ? ctx.url : null));
};

/** Members, and those too who must set up a second factor before they reach anything else: the pages that do it. */
export const requireLoggedIn: Koa.Middleware = (ctx, next) => (liveSession(ctx) ? next() : toLogIn(ctx));

function toLogIn(ctx: Koa.Context): void {
  seeOther(ctx, withNext('/login', ctx.method === 'GET' ? ctx.url : null));
}

/**
 * For acts that matter, after one of the others: members whose session began no longer ago than RECENT_LOGIN, by PostgreSQL's
 * clock. Others prove again who they are and come back to the page that they asked for, or, for a form that came too late,
 * to the page that holds it (`from`, a path in which `:id` and the like stand for those of the request): nothing was done.
 */
export function requireRecentLogin({ sessions, config }: Context, from?: string): Koa.Middleware {
  return async (ctx, next) => {
    const owner = liveSession(ctx)?.owner;
    if (owner && (await sessions.isRecent(owner.id, config.recentLoginMs))) return next();
    const page = from?.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(ctx['params'][name])));
    seeOther(ctx, `/confirm?next=${encodeURIComponent(ctx.method === 'GET' ? ctx.url : (page ?? '/profile'))}`);
  };
}

/** Operators only; a member is refused, and the refusal recorded. */
export function requireOperator({ record }: Context): Koa.Middleware {
  return (ctx, next) =>
    requireMember(ctx, async () => {
      if (liveSession(ctx)?.owner.role === 'operator') return next();
      await record({
        type: 'authz_fail',
        outcome: 'failure',
        ...actorOf(ctx),
        subject: null,
        detail: { path: ctx.path, method: ctx.method },
      });
      throw new HttpError(403, 'not_an_operator');
    });
}

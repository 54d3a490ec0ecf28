// Who may see a page. A route without one of these is for everybody (listed in
// test/integration/access.test.ts).
import type Koa from 'koa';
import type { Context } from '../../core/context.ts';
import { readBody } from '../http/form.ts';
import { HttpError } from '../http/http-error.ts';
import { withNext } from '../http/query.ts';
import { seeOther } from '../http/redirect.ts';
import { keepForm } from './kept-form.ts';
import { actorOf } from './member.ts';
import { liveSession } from './request-state.ts';

/**
 * Members only. Others go to the login, members who lack a required second factor to its set-up;
 * both come back to the page that they asked for. Reads no store.
 */
export const requireMember: Koa.Middleware = (ctx, next) => {
  if (!liveSession(ctx)) return toLogIn(ctx);
  if (!ctx.state.mustSetUp) return next();
  return seeOther(ctx, withNext('/account/security', ctx.method === 'GET' ? ctx.url : null));
};

/** Members, including those who must first set up a second factor: the pages for that. */
export const requireLoggedIn: Koa.Middleware = (ctx, next) => (liveSession(ctx) ? next() : toLogIn(ctx));

function toLogIn(ctx: Koa.Context): void {
  seeOther(ctx, withNext('/login', ctx.method === 'GET' ? ctx.url : null));
}

/**
 * After one of the others: members whose session is younger than RECENT_LOGIN, by PostgreSQL's
 * clock. Others prove again who they are and come back to the page, or, for a form, to the page
 * that holds it: `from`, a path in which `:id` stands for the request's. What they typed is kept.
 */
export function requireRecentLogin(context: Context, from = '/profile'): Koa.Middleware {
  const { sessions, config } = context;
  return async (ctx, next) => {
    const owner = liveSession(ctx)?.owner;
    if (owner && (await sessions.isRecent(owner.id, config.recentLoginMs))) return next();
    if (ctx.method === 'GET') return seeOther(ctx, `/confirm?next=${encodeURIComponent(ctx.url)}`);
    const page = from.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(ctx['params'][name])));
    keepForm(ctx, context, page, await readBody(ctx));
    seeOther(ctx, `/confirm?next=${encodeURIComponent(page)}`);
  };
}

/** Operators only; refusing a member is recorded, again and again as one event with a count. */
export function requireOperator({ recordFolded }: Context): Koa.Middleware {
  return (ctx, next) =>
    requireMember(ctx, async () => {
      if (liveSession(ctx)?.owner.role === 'operator') return next();
      await recordFolded({
        type: 'authz_fail',
        outcome: 'failure',
        ...actorOf(ctx),
        subject: null,
        detail: { path: ctx.path, method: ctx.method },
      });
      throw new HttpError(403, 'not_an_operator');
    });
}

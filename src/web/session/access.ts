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
import { createLooks } from './sensitive-reads.ts';

const FOR_MEMBERS = /^\/(?:account|applications|confirm|operator)(?:\/|$)/;

/** Whether the forms sent to a path are those of people who are logged in (test/integration/access.test.ts holds it to that). */
export function isForMembers(path: string): boolean {
  return FOR_MEMBERS.test(path);
}

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

/** Whoever sent a form of a session that has ended comes back to its page, and finds what they typed. */
async function toLogIn(ctx: Koa.Context): Promise<void> {
  const page = ctx.method === 'GET' ? ctx.url : await ctx.state.keepForLogIn?.();
  seeOther(ctx, withNext('/login', page ?? null));
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
    if (ctx.method === 'GET' || ctx.method === 'HEAD')
      return seeOther(ctx, `/confirm?next=${encodeURIComponent(ctx.url)}`);
    const page = from.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(ctx['params'][name])));
    keepForm(ctx, context, page, await readBody(ctx));
    // A form that is sent to its own page goes back to all of its address.
    seeOther(ctx, `/confirm?next=${encodeURIComponent(page === ctx.path ? ctx.url : page)}`);
  };
}

/** Operators, and auditors who look; each look of an auditor is recorded before it is answered. */
export function requireConsole(context: Context): Koa.Middleware {
  const operator = requireOperator(context);
  const noteLook = createLooks(context);
  return (ctx, next) => {
    const isLook = ctx.method === 'GET' || ctx.method === 'HEAD';
    if (!isLook || ctx.state.mustSetUp || liveSession(ctx)?.owner.role !== 'auditor') return operator(ctx, next);
    return noteLook(ctx).then(next);
  };
}

/** For forms of everybody who sees the console: they change nothing that anybody keeps. */
export function requireConsoleForm(context: Context): Koa.Middleware {
  const operator = requireOperator(context);
  return (ctx, next) =>
    ctx.state.mustSetUp || liveSession(ctx)?.owner.role !== 'auditor' ? operator(ctx, next) : next();
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

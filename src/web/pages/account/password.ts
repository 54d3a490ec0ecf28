// Changing one's own password.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { PasswordChangeResult } from '../../../core/self-service/password-change.ts';
import { isTwoFactors } from '../../../core/sessions/authentication-method.ts';
import { readBody } from '../../http/form.ts';
import { withNext } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireMember, requireRecentLogin } from '../../session/access.ts';
import { memberOf } from '../../session/member.ts';
import { enterSession } from '../../session/session-cookie.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';
import { toldOf } from '../../view/told.ts';
import type { FieldErrors } from '../../view/view-parts.ts';

const PATH = '/account/password';

export function passwordPage(router: Router, web: Web): void {
  // Where password managers send people (W3C, "A Well-Known URL for Changing Passwords").
  router.get('/.well-known/change-password', (ctx) => seeOther(ctx, PATH));
  const recent = requireRecentLogin(web.context, PATH);
  // The form asks for the password; the second factor, where there is one, a recent log-in has shown.
  const shownFactor: Koa.Middleware = (ctx, next) =>
    isTwoFactors(memberOf(ctx).authenticationMethod) ? recent(ctx, next) : next();
  router.get(PATH, requireMember, shownFactor, (ctx) => show(ctx, web, {}));
  router.post(PATH, web.sentTwice.firstCounts, requireMember, shownFactor, (ctx) => changePassword(ctx, web));
}

async function changePassword(ctx: Koa.Context, web: Web): Promise<void> {
  const { userId, id: sessionId, email } = memberOf(ctx);
  const { current = '', password = '' } = await readBody(ctx);
  const errors = await problemsOf(ctx, web, { email, current, password });
  if (Object.keys(errors).length > 0) {
    ctx.status = 422;
    return show(ctx, web, errors);
  }
  const { origin } = ctx.state;
  const change = { userId, sessionId, origin, told: toldOf(ctx), current, password };
  const result = await web.context.passwordChanges.change(change);
  if (!result.ok) return refuse(ctx, web, result);
  await enterSession(ctx, result.session);
  seeOther(ctx, '/account/sessions?done=password-changed');
}

async function problemsOf(
  ctx: Koa.Context,
  web: Web,
  { email, current, password }: { email: string; current: string; password: string },
): Promise<FieldErrors> {
  const { password: words, passwordProblems } = ctx.state.text;
  const problem = await web.context.passwordPolicy.problem(password, email);
  const errors: Record<string, string> = {};
  if (current === '') errors['current'] = words.currentMissing;
  if (problem) errors['password'] = password === '' ? words.newMissing : passwordProblems[problem];
  else if (password === current) errors['password'] = words.same;
  return errors;
}

function refuse(
  ctx: Koa.Context,
  web: Web,
  refusal: Exclude<PasswordChangeResult, { ok: true }>,
): void | Promise<void> {
  if (refusal.reason === 'throttled') return show(ctx, web, {}, throttled(ctx, refusal.retryAfterMs));
  if (refusal.reason === 'session_ended') return seeOther(ctx, withNext('/login', '/account/sessions'));
  const { password: words, passwordProblems } = ctx.state.text;
  ctx.status = 422;
  const bad = refusal.reason === 'bad_password' ? { password: passwordProblems[refusal.problem] } : null;
  return show(ctx, web, bad ?? { current: words.wrong });
}

function show(ctx: Koa.Context, web: Web, errors: FieldErrors, problem: string | null = null): Promise<void> {
  const page = { email: memberOf(ctx).email, problem, errors };
  const frame = { title: ctx.state.text.password.title, current: 'password', notice: doneNotice(ctx) } as const;
  return web.show(ctx, 'account/password', page, frame);
}

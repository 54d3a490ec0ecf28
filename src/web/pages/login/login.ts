// Logging in and out.
import type Router from '@koa/router';
import type Koa from 'koa';
import { hashToken } from '../../../core/credentials/random-token.ts';
import { readBody, readNext } from '../../http/form.ts';
import { queryNext } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireLoggedIn } from '../../session/access.ts';
import { pendingLoginCookie } from '../../session/pending-login-cookie.ts';
import { liveSession } from '../../session/request-state.ts';
import { leaveSession } from '../../session/session-cookie.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import type { Frame } from '../../view/views.ts';
import { startVisit, visitOf } from '../../view/visit.ts';

export function loginPage(router: Router, web: Web): void {
  const { login, sessions, config } = web.context;

  router.get('/login', async (ctx) => {
    const next = queryNext(ctx);
    if (liveSession(ctx)) return seeOther(ctx, next ?? '/profile');
    const why = ctx.state.reading?.state === 'ended' ? ctx.state.text.login.ended[ctx.state.reading.reason] : '';
    if (ctx.state.reading?.state === 'ended') leaveSession(ctx);
    const late = ctx.query['late'] === undefined ? why : ctx.state.text.login.late;
    const notice = doneNotice(ctx) ?? (late ? ({ kind: 'info', text: late } as const) : null);
    await showLogin(ctx, web, { email: '', remember: false, next, notice });
  });

  web.staleForms.set('/login', (ctx, fields) => {
    const next = readNext(fields['next']);
    if (liveSession(ctx)) return seeOther(ctx, next ?? '/profile');
    const email = fields['email']?.trim() ?? '';
    const remember = fields['remember'] !== undefined;
    return showLogin(ctx, web, { email, remember, next, problem: ctx.state.text.staleForm });
  });

  router.post('/login', async (ctx) => {
    const fields = await readBody(ctx);
    const email = fields['email']?.trim() ?? '';
    const password = fields['password'] ?? '';
    const remember = fields['remember'] !== undefined;
    const next = readNext(fields['next']);
    const words = ctx.state.text.login;
    const errors: Record<string, string> = {};
    if (email === '') errors['email'] = words.emailMissing;
    if (password === '') errors['password'] = words.passwordMissing;
    if (Object.keys(errors).length > 0) {
      ctx.status = 422;
      return showLogin(ctx, web, { email, remember, next, errors });
    }
    const result = await login.logIn({ ...visitOf(ctx, config, remember), email, password, next });
    if (!result.ok) {
      if (result.reason === 'second_factor') {
        pendingLoginCookie.keep(ctx, config, result.pendingToken);
        return seeOther(ctx, '/login/second-factor');
      }
      if (result.reason === 'throttled')
        return showLogin(ctx, web, { email, remember, next, problem: throttled(ctx, result.retryAfterMs) });
      ctx.status = 401;
      return showLogin(ctx, web, { email, remember, next, problem: words.wrong });
    }
    await startVisit(ctx, config, result);
    seeOther(ctx, next ?? '/profile');
  });

  router.post('/logout', requireLoggedIn, async (ctx) => {
    const owner = liveSession(ctx)?.owner;
    if (owner) {
      const which = { sessionId: owner.id, ownerId: owner.userId };
      const tokenHash = hashToken(ctx.state.token ?? '');
      await sessions.end(which, { reason: 'logged_out', actor: owner.userId, origin: ctx.state.origin, tokenHash });
    }
    leaveSession(ctx);
    if (config.secureCookies) ctx.set('Clear-Site-Data', '"cache", "storage"');
    seeOther(ctx, '/');
  });
}

interface Shown {
  readonly email: string;
  readonly remember: boolean;
  readonly next: string | null;
  readonly problem?: string;
  readonly errors?: FieldErrors;
  readonly notice?: Frame['notice'];
}

/** The page, with what was typed. */
export function showLogin(
  ctx: Koa.Context,
  web: Web,
  { email, remember, next, problem, errors, notice }: Shown,
): Promise<void> {
  const { config, mail } = web.context;
  const register = next ? `/register?next=${encodeURIComponent(next)}` : '/register';
  const registerHref = config.registration === 'closed' ? null : register;
  const forgotHref = mail.possible ? '/forgot-password' : null;
  const page = { email, remember, next, problem: problem ?? null, errors: errors ?? {}, registerHref, forgotHref };
  return web.show(ctx, 'login', page, { title: ctx.state.text.login.title, notice: notice ?? null, passkeys: true });
}

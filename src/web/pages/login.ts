// Logging in and out.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { EndReason } from '../../core/session-records.ts';
import { requireMember } from '../access.ts';
import { keepDevice, readDevice } from '../device.ts';
import { readBody, readNext } from '../form.ts';
import { seeOther, type Web } from '../page.ts';
import { queryNext } from '../query.ts';
import { enterSession, leaveSession } from '../session.ts';
import { liveSession } from '../state.ts';
import { throttled } from '../throttled.ts';
import type { FieldErrors } from '../views.ts';

const TITLE = 'Log in';
const WRONG = 'Wrong e-mail address or password.';

/** Why the session of this browser is no more, said once, on the page where it leads. */
const ENDED: Readonly<Record<EndReason, string | null>> = {
  logged_out: null,
  replaced: null,
  revoked: 'You ended this session from another browser. Log in to go on.',
  revoked_by_operator: 'An operator ended this session. Log in to go on.',
  password_changed: 'The password of this account was changed, which ended this session. Log in with the new one.',
  role_changed: 'What this account may do was changed, which ended this session. Log in to go on.',
  account_disabled: 'This account was disabled. Ask an operator if that is a mistake.',
  expired: 'This session ended because it was not used for a while, or had reached its longest time. Log in to go on.',
};

export function loginPage(router: Router, web: Web): void {
  const { login, sessions, config } = web.context;

  router.get('/login', async (ctx) => {
    const next = queryNext(ctx);
    if (liveSession(ctx)) return seeOther(ctx, next ?? '/profile');
    const why = ctx.state.reading?.state === 'ended' ? ENDED[ctx.state.reading.reason] : null;
    if (ctx.state.reading?.state === 'ended') leaveSession(ctx);
    const notice = why ? ({ kind: 'info', text: why } as const) : null;
    await show(ctx, web, { email: '', remember: false, next, notice });
  });

  router.post('/login', async (ctx) => {
    const fields = await readBody(ctx);
    const email = fields['email']?.trim() ?? '';
    const password = fields['password'] ?? '';
    const remember = fields['remember'] !== undefined;
    const next = readNext(fields['next']);
    const errors: Record<string, string> = {};
    if (email === '') errors['email'] = 'Enter your e-mail address.';
    if (password === '') errors['password'] = 'Enter your password.';
    if (Object.keys(errors).length > 0) {
      ctx.status = 422;
      return show(ctx, web, { email, remember, next, errors });
    }
    const previousSessionId = liveSession(ctx)?.owner.id ?? null;
    const result = await login.logIn({
      email,
      password,
      remember,
      previousSessionId,
      origin: ctx.state.origin,
      deviceCookie: readDevice(ctx, config),
    });
    if (!result.ok) {
      if (result.reason === 'throttled')
        return show(ctx, web, { email, remember, next, problem: throttled(ctx, result.retryAfterMs) });
      ctx.status = 401;
      return show(ctx, web, { email, remember, next, problem: WRONG });
    }
    keepDevice(ctx, config, result.deviceCookie);
    await enterSession(ctx, result.session);
    seeOther(ctx, next ?? '/profile');
  });

  router.post('/logout', requireMember, async (ctx) => {
    const owner = liveSession(ctx)?.owner;
    if (owner) {
      const which = { sessionId: owner.id, ownerId: owner.userId };
      await sessions.end(which, { reason: 'logged_out', actor: owner.userId, origin: ctx.state.origin });
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
  readonly notice?: { readonly kind: 'info'; readonly text: string } | null;
}

function show(ctx: Koa.Context, web: Web, { email, remember, next, problem, errors, notice }: Shown): Promise<void> {
  const registerHref = next ? `/register?next=${encodeURIComponent(next)}` : '/register';
  const page = { email, remember, next, problem: problem ?? null, errors: errors ?? {}, registerHref };
  return web.show(ctx, 'login', page, { title: TITLE, notice: notice ?? null });
}

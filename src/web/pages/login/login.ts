// Logging in with a password, and logging out.
import type Router from '@koa/router';
import type Koa from 'koa';
import { hashToken } from '../../../core/credentials/random-token.ts';
import { type Fields, readBody, readNext } from '../../http/form.ts';
import { queryNext, withNext } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireLoggedIn } from '../../session/access.ts';
import { waitsForLogIn } from '../../session/kept-form.ts';
import { pendingLoginCookie } from '../../session/pending-login-cookie.ts';
import { heldSessions, liveSession } from '../../session/request-state.ts';
import { leaveSession } from '../../session/session-cookie.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import type { Frame } from '../../view/views.ts';
import { startVisit, visitOf } from '../../view/visit.ts';
import { applicationAhead } from '../applications/ahead.ts';

export function loginPage(router: Router, web: Web): void {
  router.get('/login', (ctx) => openLogin(ctx, web));
  web.staleForms.set('/login', (ctx, fields) => showStale(ctx, web, fields));
  web.staleForms.set('/logout', (ctx, fields) => afterLogOut(ctx, fields)); // nobody is logged in, which is what it is for
  router.post('/login', web.sentTwice.lastAdmittedCounts, (ctx) => logIn(ctx, web));
  router.post('/logout', requireLoggedIn, (ctx) => logOut(ctx, web));
}

async function openLogin(ctx: Koa.Context, web: Web): Promise<void> {
  const next = queryNext(ctx);
  if (liveSession(ctx)) return seeOther(ctx, next ?? '/profile');
  const { reading, text } = ctx.state;
  const why = reading?.state === 'ended' ? text.login.ended[reading.reason] : '';
  if (reading?.state === 'ended') leaveSession(ctx);
  const waits = waitsForLogIn(ctx, web.context) ? text.login.formWaits : '';
  const said = ctx.query['late'] === undefined ? `${why} ${waits}`.trim() : text.login.late;
  const notice = doneNotice(ctx) ?? (said ? ({ kind: 'info', text: said } as const) : null);
  await showLogin(ctx, web, { email: '', remember: false, next, notice });
}

function showStale(ctx: Koa.Context, web: Web, fields: Fields): Promise<void> {
  return showLogin(ctx, web, { ...readTyped(fields), problem: ctx.state.text.staleForm });
}

async function logIn(ctx: Koa.Context, web: Web): Promise<void> {
  const { passwordLogin, config } = web.context;
  const fields = await readBody(ctx);
  const { password = '' } = fields;
  const typed = readTyped(fields);
  const { email, remember, next } = typed;
  const words = ctx.state.text.login;
  const errors: Record<string, string> = {};
  if (email === '') errors['email'] = words.emailMissing;
  if (password === '') errors['password'] = words.passwordMissing;
  if (Object.keys(errors).length > 0) {
    ctx.status = 422;
    return showLogin(ctx, web, { ...typed, errors });
  }
  // Whoever would find no place to have their password checked is told so before any store is asked.
  const { onAdmitted = () => undefined } = ctx.state;
  const result = await passwordLogin.logIn({ ...visitOf(ctx, config, remember), email, password, next, onAdmitted });
  if (result.ok) {
    await startVisit(ctx, config, result);
    return seeOther(ctx, next ?? '/profile');
  }
  if (result.reason === 'second_factor') {
    pendingLoginCookie.keep(ctx, config, result.pendingToken);
    return seeOther(ctx, '/login/second-factor');
  }
  if (result.reason === 'throttled')
    return showLogin(ctx, web, { ...typed, problem: throttled(ctx, result.retryAfterMs) });
  ctx.status = 401;
  return showLogin(ctx, web, { ...typed, problem: words.wrong });
}

async function logOut(ctx: Koa.Context, web: Web): Promise<void> {
  const { sessions } = web.context;
  for (const { token, owner } of heldSessions(ctx)) {
    await sessions.end(
      { sessionId: owner.id, ownerId: owner.userId },
      { reason: 'logged_out', actor: owner.userId, origin: ctx.state.origin, tokenHash: hashToken(token) },
    );
  }
  leaveSession(ctx);
  afterLogOut(ctx, await readBody(ctx));
}

function afterLogOut(ctx: Koa.Context, fields: Fields): void {
  seeOther(ctx, readNext(fields['next']) ?? '/?done=logged-out');
}

interface Typed {
  readonly email: string;
  readonly remember: boolean;
  readonly next: string | null;
}

function readTyped(fields: Fields): Typed {
  return {
    email: fields['email']?.trim() ?? '',
    remember: fields['remember'] !== undefined,
    next: readNext(fields['next']),
  };
}

interface Shown extends Typed {
  readonly problem?: string;
  readonly errors?: FieldErrors;
  readonly notice?: Frame['notice'];
}

export async function showLogin(
  ctx: Koa.Context,
  web: Web,
  { email, remember, next, problem, errors, notice }: Shown,
): Promise<void> {
  const { config, mail } = web.context;
  const page = {
    email,
    remember,
    next,
    ahead: await applicationAhead(web.context, next),
    problem: problem ?? null,
    errors: errors ?? {},
    registerHref: config.registration === 'closed' ? null : withNext('/register', next),
    forgotHref: mail.possible ? '/forgot-password' : null,
  };
  return web.show(ctx, 'login', page, { title: ctx.state.text.login.title, notice: notice ?? null, passkeys: true });
}

// Making an account, which logs in as well.
import type Router from '@koa/router';
import type Koa from 'koa';
import { passwordProblem } from '../../../core/credentials/passwords.ts';
import { readEmail } from '../../../core/platform/email-address.ts';
import type { RegisterResult } from '../../../core/self-service/registration.ts';
import { readBody, readNext } from '../../http/form.ts';
import { queryNext } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { liveSession } from '../../session/request-state.ts';
import type { Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';
import { toldOf } from '../../view/told.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import { firstVisitOf, startVisit } from '../../view/visit.ts';
import { browserOf } from './verify-email.ts';

export function registerPage(router: Router, web: Web): void {
  const { registration, pendingRegistrations, config } = web.context;
  if (config.registration === 'closed') {
    router.get('/register', (ctx) => closed(ctx, web));
    router.post('/register', (ctx) => closed(ctx, web));
    return;
  }

  router.get('/register/sent', (ctx) => {
    const { sent, title } = ctx.state.text.register;
    return web.show(ctx, 'message', { ...sent, action: null }, { title });
  });

  router.get('/register', async (ctx) => {
    const next = queryNext(ctx);
    if (liveSession(ctx)) return seeOther(ctx, next ?? '/profile');
    await show(ctx, web, { email: '', next, errors: {} });
  });

  web.staleForms.set('/register', (ctx, fields) => {
    const next = readNext(fields['next']);
    if (liveSession(ctx)) return seeOther(ctx, next ?? '/profile');
    return show(ctx, web, {
      email: fields['email']?.trim() ?? '',
      next,
      problem: ctx.state.text.staleForm,
      errors: {},
    });
  });

  router.post('/register', async (ctx) => {
    const fields = await readBody(ctx);
    const typed = fields['email']?.trim() ?? '';
    const password = fields['password'] ?? '';
    const next = readNext(fields['next']);
    const { register: words, passwordProblems } = ctx.state.text;
    const email = readEmail(typed);
    const problem = await passwordProblem(password, typed);
    const errors: Record<string, string> = {};
    if (email === null) errors['email'] = typed === '' ? words.emailMissing : words.emailWrong;
    if (problem) errors['password'] = password === '' ? words.passwordMissing : passwordProblems[problem];
    if (email === null || problem) {
      ctx.status = 422;
      return show(ctx, web, { email: typed, next, errors });
    }
    const refused = (why: Exclude<RegisterResult, { ok: true }>): Promise<void> => {
      if (why.reason === 'throttled')
        return show(ctx, web, { email, next, problem: throttled(ctx, why.retryAfterMs), errors: {} });
      ctx.status = 422;
      const taken = { email: words.emailTaken };
      const bad = why.reason === 'bad_password' ? { password: passwordProblems[why.problem] } : taken;
      return show(ctx, web, { email, next, errors: bad });
    };
    if (config.registration === 'verify') {
      const asked = { email, password, browser: browserOf(ctx), origin: ctx.state.origin, told: toldOf(ctx) };
      const result = await pendingRegistrations.ask(asked);
      if (!result.ok) return refused(result);
      return seeOther(ctx, '/register/sent');
    }
    const { language } = ctx.state.text;
    const result = await registration.register({ ...firstVisitOf(ctx, config), email, password, language });
    if (!result.ok) return refused(result);
    await startVisit(ctx, config, result);
    seeOther(ctx, next ?? '/profile');
  });
}

/** Where accounts are for the invited only. */
function closed(ctx: Koa.Context, web: Web): Promise<void> {
  const { heading, paragraphs } = ctx.state.text.register.closed;
  ctx.status = 403;
  const action = { href: '/login', label: ctx.state.text.login.title };
  return web.show(ctx, 'message', { heading, paragraphs, action }, { title: heading });
}

interface Shown {
  readonly email: string;
  readonly next: string | null;
  readonly problem?: string;
  readonly errors: FieldErrors;
}

function show(ctx: Koa.Context, web: Web, { email, next, problem, errors }: Shown): Promise<void> {
  const loginHref = next ? `/login?next=${encodeURIComponent(next)}` : '/login';
  return web.show(
    ctx,
    'register',
    { email, next, problem: problem ?? null, errors, loginHref },
    { title: ctx.state.text.register.title },
  );
}

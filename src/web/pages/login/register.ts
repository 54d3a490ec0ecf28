// Making an account. It logs in as well, unless the address has to be confirmed first.
import type Router from '@koa/router';
import type Koa from 'koa';
import { readEmail } from '../../../core/platform/email-address.ts';
import type { RegisterResult } from '../../../core/self-service/registration.ts';
import { type Fields, readBody, readNext } from '../../http/form.ts';
import { queryNext, withNext } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { liveSession } from '../../session/request-state.ts';
import type { Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';
import { toldOf } from '../../view/told.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import { firstVisitOf, startVisit } from '../../view/visit.ts';
import { applicationAhead } from '../applications/ahead.ts';
import { showMailSent } from '../mail-sent.ts';
import { browserOf } from './verify-email.ts';

const PATH = '/register';

export function registerPage(router: Router, web: Web): void {
  if (web.context.config.registration === 'closed') {
    router.get(PATH, (ctx) => showClosed(ctx, web));
    router.post(PATH, (ctx) => showClosed(ctx, web));
    return;
  }
  router.get(`${PATH}/sent`, (ctx) => showSent(ctx, web));
  router.get(PATH, (ctx) => openRegistration(ctx, web));
  web.staleForms.set(PATH, (ctx, fields) => showStale(ctx, web, fields));
  router.post(PATH, web.sentTwice.lastCounts, (ctx) => register(ctx, web));
}

function openRegistration(ctx: Koa.Context, web: Web): void | Promise<void> {
  const next = queryNext(ctx);
  if (liveSession(ctx)) return seeOther(ctx, next ?? '/profile');
  return show(ctx, web, { email: '', next });
}

function showStale(ctx: Koa.Context, web: Web, fields: Fields): Promise<void> {
  const email = fields['email']?.trim() ?? '';
  return show(ctx, web, { email, next: readNext(fields['next']), problem: ctx.state.text.staleForm });
}

async function register(ctx: Koa.Context, web: Web): Promise<void> {
  const { registration, verifiedRegistration, passwordPolicy, config } = web.context;
  const fields = await readBody(ctx);
  const next = readNext(fields['next']);
  if (liveSession(ctx)) return seeOther(ctx, next ?? '/profile');
  const typed = fields['email']?.trim() ?? '';
  const { password = '' } = fields;
  const email = readEmail(typed);
  const problem = await passwordPolicy.problem(password, typed);
  const { register: words, passwordProblems, language } = ctx.state.text;
  if (email === null || problem) {
    const errors: Record<string, string> = {};
    if (email === null) errors['email'] = typed === '' ? words.emailMissing : words.emailWrong;
    if (problem) errors['password'] = password === '' ? words.passwordMissing : passwordProblems[problem];
    ctx.status = 422;
    return show(ctx, web, { email: typed, next, errors });
  }
  if (config.registration === 'verify') {
    const asked = { email, password, browser: browserOf(ctx), origin: ctx.state.origin, told: toldOf(ctx) };
    const result = await verifiedRegistration.ask(asked);
    return result.ok ? seeOther(ctx, `${PATH}/sent`) : refuse(ctx, web, { email, next, refusal: result });
  }
  const member = { ...firstVisitOf(ctx, config), email, password, language, browser: browserOf(ctx) };
  const result = await registration.register(member);
  if (!result.ok) return refuse(ctx, web, { email, next, refusal: result });
  await startVisit(ctx, config, result);
  seeOther(ctx, next ?? '/profile');
}

interface Refused {
  readonly email: string;
  readonly next: string | null;
  readonly refusal: Exclude<RegisterResult, { ok: true }>;
}

function refuse(ctx: Koa.Context, web: Web, { email, next, refusal }: Refused): Promise<void> {
  if (refusal.reason === 'throttled')
    return show(ctx, web, { email, next, problem: throttled(ctx, refusal.retryAfterMs) });
  const { register: words, passwordProblems } = ctx.state.text;
  ctx.status = 422;
  const errors =
    refusal.reason === 'bad_password' ? { password: passwordProblems[refusal.problem] } : { email: words.emailTaken };
  return show(ctx, web, { email, next, errors });
}

function showSent(ctx: Koa.Context, web: Web): Promise<void> {
  const { sent, title } = ctx.state.text.register;
  return showMailSent(ctx, web, { ...sent, title, action: null });
}

function showClosed(ctx: Koa.Context, web: Web): Promise<void> {
  const { heading, paragraphs } = ctx.state.text.register.closed;
  ctx.status = 403;
  const action = { href: '/login', label: ctx.state.text.login.title };
  return web.show(ctx, 'message', { heading, paragraphs, action }, { title: heading });
}

interface Shown {
  readonly email: string;
  readonly next: string | null;
  readonly problem?: string;
  readonly errors?: FieldErrors;
}

async function show(ctx: Koa.Context, web: Web, { email, next, problem, errors }: Shown): Promise<void> {
  const page = {
    email,
    next,
    ahead: await applicationAhead(web.context, next),
    problem: problem ?? null,
    errors: errors ?? {},
    loginHref: withNext('/login', next),
  };
  return web.show(ctx, 'register', page, { title: ctx.state.text.register.title });
}

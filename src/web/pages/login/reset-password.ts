// A new password without the old one: the request for a link, and the link.
import type Router from '@koa/router';
import type Koa from 'koa';
import { readEmail } from '../../../core/platform/email-address.ts';
import { readBody } from '../../http/form.ts';
import { seeOther } from '../../http/redirect.ts';
import { linkCookie } from '../../session/link-cookie.ts';
import type { Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';
import { toldOf } from '../../view/told.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import { showMailSent } from '../mail-sent.ts';
import { deadLink } from './dead-link.ts';
import { ofShownLink } from './shown-link.ts';

const PATH = '/reset-password';
const FORGOT = '/forgot-password';

export function resetPasswordPages(router: Router, web: Web): void {
  router.get(PATH, (ctx) => openLink(ctx, web));
  router.post(PATH, ofShownLink(web, 'reset'), (ctx) => resetPassword(ctx, web));
  if (!web.context.mail.possible) return;
  router.get(FORGOT, (ctx) => showForgot(ctx, web, '', {}));
  router.get(`${FORGOT}/sent`, (ctx) => showSent(ctx, web));
  web.staleForms.set(FORGOT, (ctx, { email = '' }) => showForgot(ctx, web, email.trim(), {}, ctx.state.text.staleForm));
  router.post(FORGOT, (ctx) => requestLink(ctx, web));
}

async function openLink(ctx: Koa.Context, web: Web): Promise<void> {
  const { passwordResets, config } = web.context;
  if (linkCookie.takeFromAddress(ctx, config, 'reset')) return;
  const looked = await passwordResets.look(linkCookie.read(ctx, config, 'reset'), ctx.state.origin);
  if (looked.ok) return showForm(ctx, web, looked.email, {});
  return deadLink(ctx, web, looked, 'reset');
}

async function resetPassword(ctx: Koa.Context, web: Web): Promise<void> {
  const { passwordResets, config } = web.context;
  const { password = '' } = await readBody(ctx);
  const secret = linkCookie.read(ctx, config, 'reset');
  const result = await passwordResets.reset({ secret, password, origin: ctx.state.origin, told: toldOf(ctx) });
  if (result.ok) {
    linkCookie.drop(ctx, config, 'reset');
    return seeOther(ctx, '/login?done=password-reset');
  }
  if (result.reason !== 'bad_password') return deadLink(ctx, web, result, 'reset');
  const { password: words, passwordProblems } = ctx.state.text;
  const error = password === '' ? words.newMissing : passwordProblems[result.problem];
  ctx.status = 422;
  return showForm(ctx, web, result.email, { password: error });
}

async function requestLink(ctx: Koa.Context, web: Web): Promise<void> {
  const typed = (await readBody(ctx))['email']?.trim() ?? '';
  const email = readEmail(typed);
  const { register: words } = ctx.state.text;
  if (email === null) {
    ctx.status = 422;
    return showForgot(ctx, web, typed, { email: typed === '' ? words.emailMissing : words.emailWrong });
  }
  const result = await web.context.passwordResets.request({ email, origin: ctx.state.origin, told: toldOf(ctx) });
  if (!result.ok) return showForgot(ctx, web, typed, {}, throttled(ctx, result.retryAfterMs));
  seeOther(ctx, `${FORGOT}/sent`);
}

function showSent(ctx: Koa.Context, web: Web): Promise<void> {
  const { sent } = ctx.state.text.forgot;
  const action = { href: '/login', label: ctx.state.text.login.title };
  return showMailSent(ctx, web, { ...sent, action });
}

function showForgot(ctx: Koa.Context, web: Web, email: string, errors: FieldErrors, problem?: string): Promise<void> {
  const page = { email, errors, problem: problem ?? null };
  return web.show(ctx, 'forgot-password', page, { title: ctx.state.text.forgot.title });
}

function showForm(ctx: Koa.Context, web: Web, email: string, errors: FieldErrors): Promise<void> {
  const { title, lede, submit } = ctx.state.text.reset;
  const link = linkCookie.markOf(ctx, web.context.config, 'reset');
  const page = { heading: title, lede, action: PATH, submit, email, link, errors, problem: null };
  return web.show(ctx, 'choose-password', page, { title });
}

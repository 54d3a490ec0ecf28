// What the link of a registration opens: a button that makes the account, and in another browser
// than the one that registered a question for the password.
import type Router from '@koa/router';
import type Koa from 'koa';
import { readBody } from '../../http/form.ts';
import { seeOther } from '../../http/redirect.ts';
import { linkCookie } from '../../session/link-cookie.ts';
import type { Web } from '../../view/page.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import { firstVisitOf, startVisit } from '../../view/visit.ts';
import { deadLink } from './dead-link.ts';
import { ofShownLink } from './shown-link.ts';

const PATH = '/verify-email';

export function verifyEmailPage(router: Router, web: Web): void {
  router.get(PATH, (ctx) => openLink(ctx, web));
  router.post(PATH, web.sentTwice.firstCounts, ofShownLink(web, 'verify'), (ctx) => confirm(ctx, web));
}

async function openLink(ctx: Koa.Context, web: Web): Promise<void> {
  const { verifiedRegistration, config } = web.context;
  if (linkCookie.takeFromAddress(ctx, config, 'verify')) return;
  const secret = linkCookie.read(ctx, config, 'verify');
  const looked = await verifiedRegistration.look(secret, browserOf(ctx), ctx.state.origin);
  if (!looked.ok) return deadLink(ctx, web, looked, 'verify');
  return show(ctx, web, { email: looked.email, asksPassword: !looked.sameBrowser });
}

async function confirm(ctx: Koa.Context, web: Web): Promise<void> {
  const { verifiedRegistration, config } = web.context;
  const { password = '' } = await readBody(ctx);
  const { login, verify, language } = ctx.state.text;
  const result = await verifiedRegistration.confirm({
    secret: linkCookie.read(ctx, config, 'verify'),
    browser: browserOf(ctx),
    password,
    visit: firstVisitOf(ctx, config),
    language,
  });
  if (result.ok) {
    linkCookie.drop(ctx, config, 'verify');
    await startVisit(ctx, config, result);
    return seeOther(ctx, '/profile?done=registered');
  }
  if (result.reason === 'wrong_password') {
    ctx.status = 422;
    const errors = { password: password === '' ? login.passwordMissing : verify.wrong };
    return show(ctx, web, { email: result.email, asksPassword: true, errors });
  }
  return result.reason === 'email_taken' ? showAccountExists(ctx, web) : deadLink(ctx, web, result, 'verify');
}

/** Another link made the account meanwhile. Who has this link has the mailbox, and may know. */
export function showAccountExists(ctx: Koa.Context, web: Web): Promise<void> {
  const { heading, paragraphs } = ctx.state.text.accountExists;
  ctx.status = 409;
  const page = { heading, paragraphs, action: { href: '/login', label: ctx.state.text.login.title } };
  return web.show(ctx, 'message', page, { title: heading });
}

/** Recognises the browser that registered, by the secret of its forms. */
export function browserOf(ctx: Koa.Context): string {
  return ctx.state.visitor ?? '';
}

interface Shown {
  readonly email: string;
  readonly asksPassword: boolean;
  readonly errors?: FieldErrors;
}

function show(ctx: Koa.Context, web: Web, { email, asksPassword, errors = {} }: Shown): Promise<void> {
  const { title, lede, ledePassword, submit } = ctx.state.text.verify;
  const texts = { heading: title, lede: asksPassword ? ledePassword : lede, action: PATH, submit };
  const link = linkCookie.markOf(ctx, web.context.config, 'verify');
  return web.show(ctx, 'confirm-link', { ...texts, email, link, asksPassword, errors, problem: null }, { title });
}

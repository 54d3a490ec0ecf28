// What an invitation opens: the invited choose a password, which makes their account.
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
import { showAccountExists } from './verify-email.ts';

const PATH = '/invitation';

export function invitationPage(router: Router, web: Web): void {
  router.get(PATH, (ctx) => openLink(ctx, web));
  router.post(PATH, web.sentTwice.firstCounts, ofShownLink(web, 'invitation'), (ctx) => accept(ctx, web));
}

async function openLink(ctx: Koa.Context, web: Web): Promise<void> {
  const { invitations, config } = web.context;
  if (linkCookie.takeFromAddress(ctx, config, 'invitation')) return;
  const secret = linkCookie.read(ctx, config, 'invitation');
  const looked = await invitations.look(secret, ctx.state.origin);
  if (looked.ok) return show(ctx, web, looked.email, {});
  return deadLink(ctx, web, looked, 'invitation');
}

async function accept(ctx: Koa.Context, web: Web): Promise<void> {
  const { invitations, config } = web.context;
  const { password = '' } = await readBody(ctx);
  const secret = linkCookie.read(ctx, config, 'invitation');
  const { register: words, passwordProblems, language } = ctx.state.text;
  const visit = firstVisitOf(ctx, config);
  const result = await invitations.accept({ secret, password, visit, language });
  if (result.ok) {
    linkCookie.drop(ctx, config, 'invitation');
    await startVisit(ctx, config, result);
    return seeOther(ctx, '/profile?done=registered');
  }
  if (result.reason === 'email_taken') return showAccountExists(ctx, web);
  if (result.reason !== 'bad_password') return deadLink(ctx, web, result, 'invitation');
  ctx.status = 422;
  const error = password === '' ? words.passwordMissing : passwordProblems[result.problem];
  return show(ctx, web, result.email, { password: error });
}

function show(ctx: Koa.Context, web: Web, email: string, errors: FieldErrors): Promise<void> {
  const { title, lede, submit } = ctx.state.text.invitation;
  const link = linkCookie.markOf(ctx, web.context.config, 'invitation');
  const page = { heading: title, lede, action: PATH, submit, email, link, errors, problem: null };
  return web.show(ctx, 'choose-password', page, { title });
}

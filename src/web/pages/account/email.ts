// Another address: asking for it, confirming it from the new mailbox, and taking the old one back.
import type Router from '@koa/router';
import type Koa from 'koa';
import { readEmail } from '../../../core/platform/email-address.ts';
import { readBody } from '../../http/form.ts';
import { withNext } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireMember, requireRecentLogin } from '../../session/access.ts';
import { linkCookie } from '../../session/link-cookie.ts';
import { liveSession } from '../../session/request-state.ts';
import type { Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';
import { toldOf } from '../../view/told.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import { deadLink } from '../login/dead-link.ts';

const PATH = '/account/email';
const CONFIRM = '/confirm-email';
const UNDO = '/undo-email-change';

export function emailPages(router: Router, web: Web): void {
  const { emailChanges, config, mail } = web.context;
  if (!mail.possible) return;
  const recent = requireRecentLogin(web.context, PATH);

  router.get(PATH, requireMember, recent, (ctx) => show(ctx, web, '', {}));

  web.staleForms.set(PATH, (ctx, { email = '' }) => {
    if (liveSession(ctx)) return show(ctx, web, email.trim(), {}, ctx.state.text.staleForm);
    return seeOther(ctx, withNext('/login', PATH));
  });

  router.post(PATH, requireMember, recent, async (ctx) => {
    const typed = (await readBody(ctx))['email']?.trim() ?? '';
    const email = readEmail(typed);
    const { register: words, email: own } = ctx.state.text;
    if (email === null) {
      ctx.status = 422;
      return show(ctx, web, typed, { email: typed === '' ? own.missing : words.emailWrong });
    }
    const { userId = '', id: sessionId = '' } = liveSession(ctx)?.owner ?? {};
    const asked = { userId, sessionId, email, origin: ctx.state.origin, told: toldOf(ctx) };
    const result = await emailChanges.request(asked);
    if (!result.ok && result.reason === 'throttled')
      return show(ctx, web, typed, {}, throttled(ctx, result.retryAfterMs));
    if (!result.ok) {
      ctx.status = 422;
      return show(ctx, web, typed, { email: own.same });
    }
    seeOther(ctx, `${PATH}/sent`);
  });

  router.get(`${PATH}/sent`, requireMember, (ctx) => {
    const { sent } = ctx.state.text.email;
    const action = { href: '/profile', label: ctx.state.text.deadLink.actions['/profile'] };
    return web.show(ctx, 'message', { ...sent, action }, { title: sent.heading });
  });

  router.get(CONFIRM, async (ctx) => {
    if (linkCookie.takeFromAddress(ctx, config, 'email')) return;
    const looked = await emailChanges.look('change_email', linkCookie.read(ctx, config, 'email'), ctx.state.origin);
    if (!looked.ok) return deadLink(ctx, web, looked, 'email');
    return showLink(ctx, web, 'confirm', { email: looked.email, asksPassword: userOf(ctx) !== looked.userId });
  });

  router.post(CONFIRM, async (ctx) => {
    const { password = '' } = await readBody(ctx);
    const change = { secret: linkCookie.read(ctx, config, 'email'), origin: ctx.state.origin, told: toldOf(ctx) };
    const result = await emailChanges.confirm({ ...change, by: { userId: userOf(ctx), password } });
    if (!result.ok && result.reason === 'wrong_password') {
      ctx.status = 422;
      const { login, email } = ctx.state.text;
      const error = password === '' ? login.passwordMissing : email.confirm.wrong;
      return showLink(ctx, web, 'confirm', { email: result.email, asksPassword: true, error });
    }
    if (!result.ok) return deadLink(ctx, web, result, 'email');
    linkCookie.drop(ctx, config, 'email');
    seeOther(ctx, '/login?done=email-changed');
  });

  router.get(UNDO, async (ctx) => {
    if (linkCookie.takeFromAddress(ctx, config, 'undo')) return;
    const looked = await emailChanges.look('undo_email_change', linkCookie.read(ctx, config, 'undo'), ctx.state.origin);
    if (!looked.ok) return deadLink(ctx, web, looked, 'undo');
    return showLink(ctx, web, 'undo', { email: looked.email, asksPassword: false });
  });

  router.post(UNDO, async (ctx) => {
    const change = { secret: linkCookie.read(ctx, config, 'undo'), origin: ctx.state.origin, told: toldOf(ctx) };
    const result = await emailChanges.undo(change);
    if (!result.ok) return deadLink(ctx, web, result, 'undo');
    linkCookie.drop(ctx, config, 'undo');
    seeOther(ctx, '/login?done=email-taken-back');
  });
}

function userOf(ctx: Koa.Context): string | null {
  return liveSession(ctx)?.owner.userId ?? null;
}

interface ShownLink {
  readonly email: string;
  readonly asksPassword: boolean;
  readonly error?: string;
}

/** The page of a mailed link, with one button, and a question for the password where the browser does not show who it is. */
function showLink(ctx: Koa.Context, web: Web, which: 'confirm' | 'undo', { email, asksPassword, error }: ShownLink) {
  const { title, submit } = ctx.state.text.email[which];
  const { confirm, undo } = ctx.state.text.email;
  const lede = which === 'undo' ? undo.lede : asksPassword ? confirm.ledePassword : confirm.lede;
  const page = { heading: title, lede, action: which === 'undo' ? UNDO : CONFIRM, submit, email, asksPassword };
  return web.show(ctx, 'confirm-link', { ...page, errors: error ? { password: error } : {}, problem: null }, { title });
}

function show(ctx: Koa.Context, web: Web, email: string, errors: FieldErrors, problem?: string): Promise<void> {
  const page = { email, current: liveSession(ctx)?.owner.email ?? '', errors, problem: problem ?? null };
  return web.show(ctx, 'account/email', page, { title: ctx.state.text.email.title });
}

// Another address: asking for it, confirming it from the new mailbox, and taking the old one back.
import type Router from '@koa/router';
import type Koa from 'koa';
import { readEmail } from '../../core/users.ts';
import { requireMember, requireRecentLogin } from '../access.ts';
import { readBody } from '../form.ts';
import { forgetLink, type LinkKind, readLink, takeLinkFromAddress } from '../link.ts';
import { seeOther, type Web } from '../page.ts';
import { withNext } from '../query.ts';
import { liveSession } from '../state.ts';
import { throttled } from '../throttled.ts';
import { toldOf } from '../told.ts';
import type { FieldErrors } from '../views.ts';
import { deadLink } from './dead-link.ts';

const PATH = '/account/email';

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
    const userId = liveSession(ctx)?.owner.userId ?? '';
    const result = await emailChanges.request({ userId, email, origin: ctx.state.origin, told: toldOf(ctx) });
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

  link(router, web, { path: '/confirm-email', kind: 'email', purpose: 'change_email' }, async (ctx, change) => {
    const result = await emailChanges.confirm(change);
    if (result.ok) seeOther(ctx, '/login?done=email-changed');
    return result;
  });

  link(router, web, { path: '/undo-email-change', kind: 'undo', purpose: 'undo_email_change' }, async (ctx, change) => {
    const result = await emailChanges.undo(change);
    if (result.ok) seeOther(ctx, '/login?done=email-taken-back');
    return result;
  });

  interface Opened {
    readonly path: string;
    readonly kind: Extract<LinkKind, 'email' | 'undo'>;
    readonly purpose: 'change_email' | 'undo_email_change';
  }
  type Act = (
    ctx: Koa.Context,
    change: Parameters<typeof emailChanges.confirm>[0],
  ) => ReturnType<typeof emailChanges.confirm>;

  /** The page of a mailed link, with one button. */
  function link(on: Router, shown: Web, { path, kind, purpose }: Opened, act: Act): void {
    on.get(path, async (ctx) => {
      if (takeLinkFromAddress(ctx, config, kind)) return;
      const looked = await emailChanges.look(purpose, readLink(ctx, config, kind), ctx.state.origin);
      if (!looked.ok) return deadLink(ctx, shown, looked, kind);
      const { title, lede, submit } = ctx.state.text.email[kind === 'email' ? 'confirm' : 'undo'];
      const page = { heading: title, lede, action: path, submit, email: looked.email };
      await shown.show(ctx, 'confirm-link', { ...page, asksPassword: false, errors: {}, problem: null }, { title });
    });

    on.post(path, async (ctx) => {
      const secret = readLink(ctx, config, kind);
      const result = await act(ctx, { secret, origin: ctx.state.origin, told: toldOf(ctx) });
      if (!result.ok) return deadLink(ctx, shown, result, kind);
      forgetLink(ctx, config, kind);
    });
  }
}

function show(ctx: Koa.Context, web: Web, email: string, errors: FieldErrors, problem?: string): Promise<void> {
  const page = { email, current: liveSession(ctx)?.owner.email ?? '', errors, problem: problem ?? null };
  return web.show(ctx, 'account/email', page, { title: ctx.state.text.email.title });
}

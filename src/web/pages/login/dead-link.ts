// One page for every one-time link that doesn't work, with what to do next.
import type Koa from 'koa';
import { type LinkKind, linkCookie } from '../../session/link-cookie.ts';
import { liveSession } from '../../session/request-state.ts';
import type { Web } from '../../view/page.ts';
import { throttled } from '../../view/throttled.ts';

interface Refusal {
  readonly reason: string;
  readonly retryAfterMs?: number;
}

/** 410, and drops the link's cookie; 429 if too many were tried. */
export function deadLink(ctx: Koa.Context, web: Web, refusal: Refusal, kind: LinkKind): Promise<void> {
  const { heading, paragraphs, actions } = ctx.state.text.deadLink;
  const action = nextStep(ctx, web, kind);
  const href = action === 'contact' ? (web.context.config.contact ?? '/login') : action;
  if (refusal.retryAfterMs !== undefined) {
    const page = { heading: ctx.state.text.errors[429].heading, paragraphs: [throttled(ctx, refusal.retryAfterMs)] };
    return web.show(ctx, 'message', { ...page, action: null }, { title: page.heading });
  }
  linkCookie.drop(ctx, web.context.config, kind);
  ctx.status = 410;
  const page = { heading, paragraphs: [paragraphs[kind]], action: { href, label: actions[action] } };
  return web.show(ctx, 'message', page, { title: heading });
}

function nextStep(ctx: Koa.Context, { context: { mail, config } }: Web, kind: LinkKind) {
  const live = liveSession(ctx);
  if (kind === 'invitation' && live?.owner.role === 'operator') return '/operator/users/invitations';
  if (live) return kind === 'email' ? '/account/email' : '/profile';
  if (kind === 'invitation' && config.contact !== null) return 'contact';
  if (kind === 'verify' && config.registration !== 'closed') return '/register';
  return (kind === 'reset' || kind === 'undo' || kind === 'not-me') && mail.possible ? '/forgot-password' : '/login';
}

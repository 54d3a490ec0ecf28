// What is said once a link was mailed. An installation that only shows its mail says so, and where.
import type Koa from 'koa';
import type { Web } from '../view/page.ts';

interface Sent {
  readonly heading: string;
  readonly paragraphs: readonly string[];
  readonly title?: string;
  readonly action: { readonly href: string; readonly label: string } | null;
}

export function showMailSent(ctx: Koa.Context, web: Web, { title, action, ...sent }: Sent): Promise<void> {
  const { shownMail } = ctx.state.text;
  const page = web.context.config.mail.shown
    ? { heading: sent.heading, paragraphs: shownMail.paragraphs, action: { href: '/dev/mail', label: shownMail.read } }
    : { ...sent, action };
  return web.show(ctx, 'message', page, { title: title ?? sent.heading });
}

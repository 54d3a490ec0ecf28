// Where PUBLIC_URL is of this machine, without SMTP_URL: the mail that would have been sent. Its links open accounts, so
// it answers only connections from this machine, under its own name and through no proxy.
import type Router from '@koa/router';
import ipaddr from 'ipaddr.js';
import type Koa from 'koa';
import { type ShownMail, shownMail } from '../../core/mail/transport.ts';
import { HttpError } from '../http/http-error.ts';
import { showTime } from '../texts/times-and-devices.ts';
import type { ShownMailRow } from '../view/console-views.ts';
import type { Web } from '../view/page.ts';

/** What proxies add to a request; one that adds nothing can't be told from a browser. */
const OF_PROXIES = /^(via|forwarded|x-forwarded-.+|x-real-ip|x-request-id|cf-.+|true-client-ip)$/;
const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

export function devMailPage(router: Router, web: Web): void {
  const { config, redis } = web.context;
  if (!config.mail.shown) return;

  router.get('/dev/mail', async (ctx) => {
    if (!isFromThisMachine(ctx)) throw new HttpError(404, 'not_local');
    const { now } = ctx.state;
    const mails = (await shownMail(redis)).map((mail) => mailRow(mail, now));
    await web.show(ctx, 'operator/shown-mail', { mails }, { title: 'Mail', wide: true });
  });
}

function isFromThisMachine(ctx: Koa.Context): boolean {
  const passedOn = Object.keys(ctx.req.headers).some((name) => OF_PROXIES.test(name));
  const address = ctx.req.socket.remoteAddress ?? '';
  const local = ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
  return local && !passedOn && LOCAL_HOST.test(ctx.get('Host'));
}

function mailRow({ to, subject, text, at }: ShownMail, now: Date): ShownMailRow {
  const pieces = text
    .split(/(https?:\/\/\S+)/)
    .map((piece, index) => ({ text: piece, href: index % 2 ? piece : null }));
  return { to, subject, at: showTime(new Date(at), now), pieces };
}

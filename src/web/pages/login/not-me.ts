// "This wasn't me", from the mail about a login on a new device.
import type Router from '@koa/router';
import type Koa from 'koa';
import { seeOther } from '../../http/redirect.ts';
import { linkCookie } from '../../session/link-cookie.ts';
import { describeDevice, showTime } from '../../texts/times-and-devices.ts';
import type { Web } from '../../view/page.ts';
import { toldOf } from '../../view/told.ts';
import { deadLink } from './dead-link.ts';

const PATH = '/not-me';

export function notMePage(router: Router, web: Web): void {
  router.get(PATH, (ctx) => openLink(ctx, web));
  router.post(PATH, (ctx) => disown(ctx, web));
}

async function openLink(ctx: Koa.Context, web: Web): Promise<void> {
  const { notMe, config } = web.context;
  if (linkCookie.takeFromAddress(ctx, config, 'not-me')) return;
  const { text, origin } = ctx.state;
  const looked = await notMe.look(linkCookie.read(ctx, config, 'not-me'), origin);
  if (!looked.ok) return deadLink(ctx, web, looked, 'not-me');
  const { at, ip, userAgent } = looked.login;
  const device = describeDevice(userAgent, text);
  const { title, lede, submit } = text.notMe;
  const page = {
    heading: title,
    lede: lede(device, ip ?? text.devices.unknownAddress, showTime(at, ctx.state.now, text).text),
    action: PATH,
    submit,
    email: '',
    asksPassword: false,
    errors: {},
    problem: null,
  };
  return web.show(ctx, 'confirm-link', page, { title });
}

async function disown(ctx: Koa.Context, web: Web): Promise<void> {
  const { notMe, config } = web.context;
  const secret = linkCookie.read(ctx, config, 'not-me');
  const result = await notMe.disown(secret, ctx.state.origin, toldOf(ctx));
  if (!result.ok) return deadLink(ctx, web, result, 'not-me');
  linkCookie.drop(ctx, config, 'not-me');
  linkCookie.keep(ctx, config, 'reset', result.resetSecret);
  seeOther(ctx, '/reset-password');
}

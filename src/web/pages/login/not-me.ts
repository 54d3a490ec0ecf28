// "This wasn't me", from the mail about a log-in on a new device: GET shows what happened and a button, which ends it.
import type Router from '@koa/router';
import { seeOther } from '../../http/redirect.ts';
import { linkCookie } from '../../session/link-cookie.ts';
import { describeDevice, showTime } from '../../texts/times-and-devices.ts';
import type { Web } from '../../view/page.ts';
import { toldOf } from '../../view/told.ts';
import { deadLink } from './dead-link.ts';

const PATH = '/not-me';

export function notMePage(router: Router, web: Web): void {
  const { notMe, config } = web.context;

  router.get(PATH, async (ctx) => {
    if (linkCookie.takeFromAddress(ctx, config, 'not-me')) return;
    const { text, origin } = ctx.state;
    const looked = await notMe.look(linkCookie.read(ctx, config, 'not-me'), origin);
    if (!looked.ok) return deadLink(ctx, web, looked, 'not-me');
    const { at, ip, userAgent } = looked.login;
    const device = describeDevice(userAgent, text);
    const lede = text.notMe.lede(device, ip ?? text.devices.unknownAddress, showTime(at, new Date(), text).text);
    const page = { heading: text.notMe.title, lede, action: PATH, submit: text.notMe.submit, email: '' };
    const nothing = { asksPassword: false, errors: {}, problem: null };
    return web.show(ctx, 'confirm-link', { ...page, ...nothing }, { title: page.heading });
  });

  router.post(PATH, async (ctx) => {
    const secret = linkCookie.read(ctx, config, 'not-me');
    const result = await notMe.disown(secret, ctx.state.origin, toldOf(ctx));
    if (!result.ok) return deadLink(ctx, web, result, 'not-me');
    linkCookie.drop(ctx, config, 'not-me');
    linkCookie.keep(ctx, config, 'reset', result.resetSecret);
    seeOther(ctx, '/reset-password');
  });
}

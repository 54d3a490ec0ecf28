// "This wasn't me", from the mails about a log-in and about what was changed.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { UnknownLogin } from '../../../core/self-service/not-me.ts';
import { readBody } from '../../http/form.ts';
import { seeOther } from '../../http/redirect.ts';
import { linkCookie } from '../../session/link-cookie.ts';
import { describeDevice, showTime } from '../../texts/times-and-devices.ts';
import type { Web } from '../../view/page.ts';
import { toldOf } from '../../view/told.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import { holderOf } from '../../view/visit.ts';
import { deadLink } from './dead-link.ts';
import { ofShownLink } from './shown-link.ts';

const PATH = '/not-me';

export function notMePage(router: Router, web: Web): void {
  router.get(PATH, (ctx) => openLink(ctx, web));
  router.post(PATH, ofShownLink(web, 'not-me'), (ctx) => disown(ctx, web));
}

async function openLink(ctx: Koa.Context, web: Web): Promise<void> {
  const { config } = web.context;
  if (linkCookie.takeFromAddress(ctx, config, 'not-me')) return;
  return show(ctx, web, {});
}

async function disown(ctx: Koa.Context, web: Web): Promise<void> {
  const { notMe, config } = web.context;
  const { former = '' } = await readBody(ctx);
  const result = await notMe.disown(holderOf(ctx, config, 'not-me'), former, toldOf(ctx));
  if (!result.ok && result.reason === 'wrong_password') {
    ctx.status = 422;
    return show(ctx, web, { former: ctx.state.text.takeBack.wrong });
  }
  if (!result.ok) return deadLink(ctx, web, result, 'not-me');
  linkCookie.drop(ctx, config, 'not-me');
  linkCookie.keep(ctx, config, 'reset', result.resetSecret);
  seeOther(ctx, '/reset-password');
}

async function show(ctx: Koa.Context, web: Web, errors: FieldErrors): Promise<void> {
  const looked = await web.context.notMe.look(holderOf(ctx, web.context.config, 'not-me'));
  if (!looked.ok) return deadLink(ctx, web, looked, 'not-me');
  const { login, factors } = looked;
  const { notMe: words, takeBack } = ctx.state.text;
  const page = {
    heading: words.title,
    lede: login ? ledeOf(ctx, login) : words.ledeWithoutLogin,
    action: PATH,
    submit: words.submit,
    email: '',
    link: linkCookie.markOf(ctx, web.context.config, 'not-me'),
    asksPassword: false,
    factors: takeBack.factors[factors],
    asksFormer: factors === 'asks',
    errors,
    problem: null,
  };
  return web.show(ctx, 'confirm-link', page, { title: words.title });
}

function ledeOf(ctx: Koa.Context, { at, ip, userAgent }: UnknownLogin): string {
  const { text, now } = ctx.state;
  const device = describeDevice(userAgent, text);
  return text.notMe.lede(device, ip ?? text.devices.unknownAddress, showTime(at, now, text).text);
}

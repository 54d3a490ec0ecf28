// A member's profile.
import type Router from '@koa/router';
import type Koa from 'koa';
import { seeOther } from '../../http/redirect.ts';
import { requireMember } from '../../session/access.ts';
import { memberOf } from '../../session/member.ts';
import { describeDevice, showTime } from '../../texts/times-and-devices.ts';
import { doneNotice, type Web } from '../../view/page.ts';

export function profilePage(router: Router, web: Web): void {
  router.get('/account', requireMember, (ctx) => seeOther(ctx, '/profile')); // what people type
  router.get('/profile', requireMember, (ctx) => showProfile(ctx, web));
}

function showProfile(ctx: Koa.Context, web: Web): Promise<void> {
  const owner = memberOf(ctx);
  const { text, origin } = ctx.state;
  const { now } = ctx.state;
  const page = {
    email: owner.email,
    changesEmail: web.context.mail.possible,
    role: owner.role,
    memberSince: showTime(new Date(owner.memberSince), now, text),
    loggedInAt: showTime(new Date(owner.createdAt), now, text),
    device: describeDevice(origin.userAgent, text),
    address: origin.ip ?? text.devices.unknownAddress,
  };
  return web.show(ctx, 'profile', page, { title: text.profile.title, current: 'profile', notice: doneNotice(ctx) });
}

// A member's profile and sessions.
import type Router from '@koa/router';
import type Koa from 'koa';
import { findOrigin } from '../../../core/sessions/session-rows.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireMember, requireRecentLogin } from '../../session/access.ts';
import { memberOf } from '../../session/member.ts';
import { noteRefusal } from '../../session/refusals.ts';
import { describeDevice, showTime } from '../../texts/times-and-devices.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import { namesUnder } from '../../view/view-parts.ts';

const SESSIONS = '/account/sessions';

export function accountPages(router: Router, web: Web): void {
  const recent = requireRecentLogin(web.context, SESSIONS);
  router.get('/profile', requireMember, (ctx) => showProfile(ctx, web));
  router.get(SESSIONS, requireMember, (ctx) => showSessions(ctx, web));
  router.post(`${SESSIONS}/:id/revoke`, requireMember, recent, (ctx) => endSession(ctx, web));
  router.post(`${SESSIONS}/revoke-others`, requireMember, recent, (ctx) => endOtherSessions(ctx, web));
  router.post('/account/devices/forget', requireMember, recent, (ctx) => forgetBrowsers(ctx, web));
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

async function showSessions(ctx: Koa.Context, web: Web): Promise<void> {
  const { sessions, devices } = web.context;
  const owner = memberOf(ctx);
  const { text } = ctx.state;
  const { now } = ctx.state;
  const [own, atApplications] = await Promise.all([
    sessions.list(owner.userId),
    sessions.listAtApplications(owner.userId),
  ]);
  const rows = own.map((session) => ({
    id: session.id,
    device: describeDevice(session.userAgent, text),
    address: session.ip ?? text.devices.unknownAddress,
    firstSeen: showTime(session.createdAt, now, text),
    lastSeen: showTime(session.id === owner.id ? now : session.lastSeenAt, now, text),
    current: session.id === owner.id,
    applications: namesUnder(session, atApplications),
  }));
  const others = rows.filter((row) => !row.current);
  const page = {
    sessions: [...rows.filter((row) => row.current), ...others],
    othersCount: others.length,
    knownBrowsers: await devices.count(owner.userId),
  };
  const frame = { title: text.sessions.title, current: 'sessions', notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'account/sessions', page, frame);
}

async function endSession(ctx: Koa.Context, web: Web): Promise<void> {
  const { userId } = memberOf(ctx);
  const sessionId: unknown = ctx['params'].id;
  if (!isUuid(sessionId)) throw new HttpError(404, 'no_session');
  const whose = await findOrigin(web.context.database.prisma, sessionId);
  if (whose && whose.userId !== userId)
    await noteRefusal(ctx, web.context, 'malicious_direct_reference', { reason: 'foreign_session' });
  await web.context.sessions.end({ sessionId, ownerId: userId }, revoked(ctx));
  seeOther(ctx, `${SESSIONS}?done=session-ended`);
}

async function endOtherSessions(ctx: Koa.Context, web: Web): Promise<void> {
  const { userId, id } = memberOf(ctx);
  await web.context.sessions.end({ userId, exceptSessionId: id }, revoked(ctx));
  seeOther(ctx, `${SESSIONS}?done=others-ended`);
}

function revoked(ctx: Koa.Context) {
  return { reason: 'revoked', actor: memberOf(ctx).userId, origin: ctx.state.origin } as const;
}

async function forgetBrowsers(ctx: Koa.Context, web: Web): Promise<void> {
  const { userId } = memberOf(ctx);
  await web.context.devices.forgetAll(userId, { actor: userId, origin: ctx.state.origin });
  seeOther(ctx, `${SESSIONS}?done=browsers-forgotten`);
}

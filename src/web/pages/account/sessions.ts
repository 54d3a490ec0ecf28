// A member's sessions and known browsers, each to be ended or forgotten.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { ListedSession } from '../../../core/sessions/session-table.ts';
import type { KnownBrowser } from '../../../core/throttle/known-devices.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireMember, requireRecentLogin } from '../../session/access.ts';
import { readDevices } from '../../session/device-cookie.ts';
import { actorOf, memberOf } from '../../session/member.ts';
import { namedSession } from '../../session/named-session.ts';
import { marksInWords, whereabouts } from '../../texts/places.ts';
import { describeDevice, showTime } from '../../texts/times-and-devices.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import { type BrowserRow, namesUnder, type OwnSessionRow } from '../../view/view-parts.ts';

const SESSIONS = '/account/sessions';

export function sessionsPage(router: Router, web: Web): void {
  const recent = requireRecentLogin(web.context, SESSIONS);
  router.get(SESSIONS, requireMember, (ctx) => showSessions(ctx, web));
  router.post(`${SESSIONS}/:id/revoke`, requireMember, recent, (ctx) => endSession(ctx, web));
  router.post(`${SESSIONS}/revoke-others`, requireMember, recent, (ctx) => endOtherSessions(ctx, web));
  router.post('/account/devices/forget', requireMember, recent, (ctx) => forgetBrowsers(ctx, web));
  router.post('/account/devices/:id/forget', requireMember, recent, (ctx) => forgetBrowser(ctx, web));
}

async function showSessions(ctx: Koa.Context, web: Web): Promise<void> {
  const { sessions, devices, identifierHash, config } = web.context;
  const owner = memberOf(ctx);
  const [live, atApplications, browsers, ownBrowser] = await Promise.all([
    sessions.list(owner.userId),
    sessions.listAtApplications(owner.userId),
    devices.list(owner.userId),
    devices.find(identifierHash(owner.email), readDevices(ctx, config)),
  ]);
  const logins = await web.context.readLoginPlaces(live.map(({ id }) => id));
  const rows = live.map((session) => {
    const login = logins.get(session.id);
    return {
      ...sessionRow(ctx, session, session.id === owner.id),
      whereabouts: whereabouts(login?.place ?? null, ctx.state.text),
      unusual: marksInWords(login?.unusual, ctx.state.text),
      applications: namesUnder(session, atApplications),
    };
  });
  const others = rows.filter((row) => !row.current);
  const page = {
    sessions: [...rows.filter((row) => row.current), ...others],
    othersCount: others.length,
    hasApplications: (await web.context.forwardAuth.register.newest()).any,
    browsers: browsers.map((browser) => browserRow(ctx, browser, browser.id === ownBrowser)),
  };
  const frame = { title: ctx.state.text.sessions.title, current: 'sessions', notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'account/sessions', page, frame);
}

function sessionRow(
  ctx: Koa.Context,
  session: ListedSession,
  current: boolean,
): Omit<OwnSessionRow, 'applications' | 'whereabouts' | 'unusual'> {
  const { text, now } = ctx.state;
  const { idleDeadline, absoluteDeadline } = session;
  return {
    id: session.id,
    device: describeDevice(session.userAgent, text),
    address: session.ip ?? text.devices.unknownAddress,
    firstSeen: showTime(session.createdAt, now, text),
    lastSeen: showTime(current ? now : session.lastSeenAt, now, text),
    current,
    method: text.methods[session.authenticationMethod],
    kept: session.remember,
    until: showTime(absoluteDeadline, now, text),
    unusedUntil: idleDeadline < absoluteDeadline ? showTime(idleDeadline, now, text) : null,
  };
}

function browserRow(ctx: Koa.Context, browser: KnownBrowser, current: boolean): BrowserRow {
  const { text, now } = ctx.state;
  return {
    id: browser.id,
    device: describeDevice(browser.userAgent, text),
    knownSince: showTime(browser.createdAt, now, text),
    lastUsed: showTime(browser.lastUsedAt, now, text),
    current,
  };
}

async function endSession(ctx: Koa.Context, web: Web): Promise<void> {
  const { userId } = memberOf(ctx);
  const sessionId = await namedSession(ctx, web.context);
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

async function forgetBrowser(ctx: Koa.Context, web: Web): Promise<void> {
  const id: unknown = ctx['params'].id;
  const known = isUuid(id) && (await web.context.devices.forget(memberOf(ctx).userId, id, actorOf(ctx)));
  if (!known) throw new HttpError(404, 'no_browser');
  seeOther(ctx, `${SESSIONS}?done=browser-forgotten`);
}

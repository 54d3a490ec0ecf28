// The applications of a person: which they may enter, and where they are logged in, to end one of these.
import type Router from '@koa/router';
import type Koa from 'koa';
import { entryRefusal } from '../../../core/applications/entry.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireMember } from '../../session/access.ts';
import { memberOf } from '../../session/member.ts';
import { namedSession } from '../../session/named-session.ts';
import { describeDevice, showTime } from '../../texts/times-and-devices.ts';
import { doneNotice, type Web } from '../../view/page.ts';

const PATH = '/applications';

export function applicationsPage(router: Router, web: Web): void {
  router.get(PATH, requireMember, (ctx) => show(ctx, web));
  router.post(`${PATH}/sessions/:id/end`, requireMember, (ctx) => end(ctx, web));
}

async function show(ctx: Koa.Context, web: Web): Promise<void> {
  const { sessions } = web.context;
  const { id, userId } = memberOf(ctx);
  const { text, now } = ctx.state;
  const [may, logins] = await Promise.all([mayOpen(web, userId), sessions.listAtApplications(userId)]);
  const page = {
    applications: may.map(({ name, url }) => ({ name, host: new URL(url).host, href: `${url}/` })),
    logins: logins.map((login) => ({
      id: login.id,
      name: login.name,
      device: describeDevice(login.userAgent, text),
      here: login.parentId === id,
      since: showTime(login.createdAt, now, text),
      lastSeen: showTime(login.lastSeenAt, now, text),
    })),
  };
  const frame = { title: text.applications.title, current: 'applications', notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'applications', page, frame);
}

/** What a log-in can mend is no reason to hide one. */
async function mayOpen({ context: { applications, groups } }: Web, userId: string) {
  const [all, memberships] = await Promise.all([applications.list(), groups.of(userId)]);
  const groupIds = new Set(memberships.map((group) => group.id));
  const entrant = { groupIds, authenticationMethod: 'passkey', provedAgoMs: 0 } as const;
  return all.filter((application) => entryRefusal(application, entrant) === null);
}

/** Needs no recent log-in: who has the session can log out there too. */
async function end(ctx: Koa.Context, web: Web): Promise<void> {
  const { userId } = memberOf(ctx);
  const sessionId = await namedSession(ctx, web.context);
  const atApplications = await web.context.sessions.listAtApplications(userId);
  if (!atApplications.some(({ id }) => id === sessionId)) return seeOther(ctx, PATH);
  const about = { reason: 'revoked', actor: userId, origin: ctx.state.origin } as const;
  await web.context.sessions.end({ sessionId, ownerId: userId }, about);
  seeOther(ctx, `${PATH}?done=application-ended`);
}

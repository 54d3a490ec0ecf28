// One session from log-in to end: when, where from, how proved, what was done in it and to it, and why
// it ended. It tells the whole log-in, whichever of its sessions was asked for.
import type Router from '@koa/router';
import type Koa from 'koa';
import {
  readSessionTimeline,
  type SessionOfLogin,
  type SessionTimeline,
} from '../../../core/sessions/session-timeline.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
import { requireConsole } from '../../session/access.ts';
import { liveSession } from '../../session/request-state.ts';
import { en } from '../../texts/en.ts';
import { describeDevice } from '../../texts/times-and-devices.ts';
import type { Times } from '../../texts/zoned-times.ts';
import { timesOf, type Web } from '../../view/page.ts';
import type { Views } from '../../view/views.ts';
import { auditHref } from '../log/filter.ts';
import { accountsOf } from '../log/row.ts';
import { USERS } from '../people/find-user.ts';
import { sessionState } from '../people/session-sentence.ts';
import { sessionHref } from './href.ts';
import { timelineRows } from './timeline-rows.ts';

type Page = Views['operator/session'];

export function sessionPage(router: Router, web: Web): void {
  router.get('/operator/sessions/:id', requireConsole(web.context), (ctx) => showSession(ctx, web));
}

async function showSession(ctx: Koa.Context, web: Web): Promise<void> {
  const { users, database } = web.context;
  const id: unknown = ctx['params'].id;
  const timeline = isUuid(id) ? await readSessionTimeline(database.pool, id) : null;
  if (!isUuid(id) || !timeline?.userId) throw new HttpError(404, 'no_session');
  const { userId } = timeline;
  await web.noteRead(ctx, [userId], 'session');
  const times = timesOf(ctx);
  const emails = await users.emails([userId, ...accountsOf(allEvents(timeline))]);
  const asked = timeline.sessions.find((session) => session.id === id) ?? null;
  const page: Page = {
    id,
    person: { email: emails.get(userId) ?? userId, href: `${USERS}/${userId}`, known: emails.has(userId) },
    facts: asked && factsOf(asked, times),
    yours: id === liveSession(ctx)?.owner.id,
    others: timeline.sessions.filter((session) => session.id !== id).map((session) => otherRow(session, times)),
    rows: timelineRows(timeline, { userId, asked: id, emails, times }),
    cut: timeline.cut,
    end: asked && endOf(asked, times),
    eventsHref: auditHref({ session: id }),
    secureHref: emails.has(userId) ? `${USERS}/${userId}/secure` : null,
  };
  const title = `Session of ${page.person.email}`;
  await web.show(ctx, 'operator/session', page, { title, current: 'people', wide: true });
}

function allEvents({ before, inside, meanwhile }: SessionTimeline) {
  return [...before, ...inside, ...meanwhile];
}

function factsOf(session: SessionOfLogin, times: Times): NonNullable<Page['facts']> {
  const { createdAt, loggedInAt, ip, userAgent, remember, authenticationMethod, application } = session;
  return {
    state: sessionState(session, times),
    began: { at: times.prose(createdAt), exactly: times.exact(createdAt) },
    loggedIn: createdAt > loggedInAt ? { at: times.prose(loggedInAt), exactly: times.exact(loggedInAt) } : null,
    address: ip === null ? null : { text: ip, onlyHref: auditHref({ address: ip }) },
    device: describeDevice(userAgent),
    userAgent,
    proved: en.methods[authenticationMethod],
    kept: remember,
    application,
  };
}

function otherRow(session: SessionOfLogin, times: Times): Page['others'][number] {
  return {
    href: sessionHref(session.id),
    device: describeDevice(session.userAgent),
    address: session.ip,
    application: session.application,
    began: times.prose(session.createdAt),
    state: sessionState(session, times),
  };
}

function endOf({ endedAt, idleDeadline, absoluteDeadline }: SessionOfLogin, times: Times): Page['end'] {
  if (endedAt !== null) return null;
  const unused = idleDeadline < absoluteDeadline ? times.prose(idleDeadline) : null;
  return { unused, latest: times.prose(absoluteDeadline) };
}

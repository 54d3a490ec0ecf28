// What happened to a member's account, from the sealed log, with "this wasn't me" beside each log-in.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { Activity } from '../../../core/audit/reading/activity.ts';
import { seesConsole } from '../../../core/sessions/role.ts';
import { findLoginOf } from '../../../core/sessions/session-rows.ts';
import { HttpError } from '../../http/http-error.ts';
import { queryText, withQuery } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireMember, requireRecentLogin } from '../../session/access.ts';
import { memberOf } from '../../session/member.ts';
import { marksInWords, whereabouts } from '../../texts/places.ts';
import { describeDevice, showTime } from '../../texts/times-and-devices.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import type { ActivityRow } from '../../view/view-parts.ts';
import { inWords } from './activity-words.ts';

const PATH = '/account/activity';
const DISOWN = `${PATH}/:seq/not-me`;
const SIZE = 50;

export function activityPages(router: Router, web: Web): void {
  router.get(PATH, requireMember, (ctx) => showActivity(ctx, web));
  router.get(DISOWN, requireMember, (ctx) => showDisowning(ctx, web));
  router.post(DISOWN, requireMember, requireRecentLogin(web.context, DISOWN), (ctx) => disown(ctx, web));
}

async function showActivity(ctx: Koa.Context, web: Web): Promise<void> {
  const { activityLog } = web.context;
  const before = readSeq(queryText(ctx, 'before'));
  const [{ activities, hasOlder }, own] = await Promise.all([
    activityLog.page(memberOf(ctx).userId, before, SIZE),
    ownLogin(ctx, web),
  ]);
  const last = activities.at(-1);
  const page = {
    activities: activities.map((activity) => activityRow(ctx, activity, own)),
    olderHref: hasOlder && last ? withQuery(PATH, { before: String(last.seq) }) : null,
    newestHref: before === null ? null : PATH,
  };
  const frame = { title: ctx.state.text.activity.title, current: 'activity', notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'account/activity', page, frame);
}

async function showDisowning(ctx: Koa.Context, web: Web): Promise<void> {
  const activity = activityRow(ctx, await findLogin(ctx, web), null);
  const frame = { title: ctx.state.text.activity.disown.title, current: 'activity' } as const;
  const tokens = seesConsole(memberOf(ctx).role);
  await web.show(ctx, 'account/disown', { activity, tokens, action: ctx.path }, frame);
}

async function disown(ctx: Koa.Context, web: Web): Promise<void> {
  const { session: login } = await findLogin(ctx, web);
  const { userId, id: sessionId } = memberOf(ctx);
  await web.context.disownLogin({ userId, sessionId, login, origin: ctx.state.origin });
  seeOther(ctx, '/account/password?done=login-disowned');
}

/** A log-in of theirs; any other event is no page of theirs. */
async function findLogin(ctx: Koa.Context, web: Web): Promise<Activity> {
  const seq = readSeq(String(ctx['params'].seq));
  const found = seq === null ? null : await web.context.activityLog.find(memberOf(ctx).userId, seq);
  if (found?.type !== 'authn_login_success') throw new HttpError(404, 'no_login');
  return found;
}

/** The session that the log-in of this one began: it may have been replaced since. */
async function ownLogin(ctx: Koa.Context, { context: { database } }: Web): Promise<string | null> {
  return findLoginOf(database.prisma, memberOf(ctx).id);
}

function activityRow(ctx: Koa.Context, activity: Activity, own: string | null): ActivityRow {
  const { text, now } = ctx.state;
  const { seq, type, outcome, session, detail, ip, place, userAgent, by } = activity;
  const isLogin = type === 'authn_login_success';
  const here = isLogin && session !== null && session === own;
  return {
    seq,
    at: showTime(activity.occurredAt, now, text),
    says: inWords(activity, text),
    failed: outcome === 'failure',
    device: userAgent === null ? null : describeDevice(userAgent, text),
    ip,
    whereabouts: whereabouts(place, text),
    unusual: marksInWords(detail['unusual'], text),
    byOperator: by === 'operator',
    here,
    notMeHref: isLogin && !here ? `${PATH}/${seq}/not-me` : null,
  };
}

function readSeq(text: string): number | null {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null;
}

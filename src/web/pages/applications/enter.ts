// The way into an application, at our own host: who is logged in and may enter gets a ticket and goes on to the application's host;
// anybody else logs in first, again, or with a second factor, and comes back here.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { TicketResult } from '../../../core/forward-auth/entering.ts';
import { decodeTarget } from '../../forward-auth/host-entering.ts';
import { HttpError } from '../../http/http-error.ts';
import { queryOnce, withNext } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireMember } from '../../session/access.ts';
import { actorOf, memberOf } from '../../session/member.ts';
import type { Web } from '../../view/page.ts';

const SLUG = /^[a-z0-9-]{1,63}$/;
const STATE = /^[\w-]{43}$/;

type Refused = Extract<TicketResult, { ok: false }>['reason'];

export function enterPage(router: Router, web: Web): void {
  router.get('/applications/enter', requireMember, (ctx) => enter(ctx, web));
}

async function enter(ctx: Koa.Context, web: Web): Promise<void> {
  const slug = queryOnce(ctx, 'application');
  const state = queryOnce(ctx, 'state');
  if (!SLUG.test(slug) || !STATE.test(state)) throw new HttpError(400, 'broken_entering');
  const target = decodeTarget(queryOnce(ctx, 'to'));
  const about = { owner: memberOf(ctx), slug, stateHash: Buffer.from(state, 'base64url'), target };
  const result = await web.context.forwardAuth.entering.giveTicket(about);
  if (!result.ok) return refuse(ctx, web, slug, result.reason);
  const { application, token } = result;
  const location = `${application.url}/.holdfast/enter?ticket=${token}`;
  if (isOnTheWayFromAForm(ctx)) return goOn(ctx, web, application.name, location);
  ctx.status = 303;
  ctx.set('Location', location);
}

/**
 * A form of ours may lead to no other host, not even by redirects (`form-action`), and who comes from the log-in's form is on such a
 * way: a page that goes on by itself ends it. A browser that says nothing of where it comes from gets the page too.
 */
function isOnTheWayFromAForm(ctx: Koa.Context): boolean {
  const site = ctx.get('Sec-Fetch-Site');
  return site === '' || site === 'same-origin';
}

function goOn(ctx: Koa.Context, web: Web, name: string, location: string): Promise<void> {
  const { onward } = ctx.state.text.applications;
  ctx.set('Refresh', `0; url=${location}`);
  const action = { href: location, label: onward.link(name), goesOn: true };
  const page = { heading: onward.heading(name), paragraphs: [], action };
  return web.show(ctx, 'message', page, { title: page.heading });
}

async function refuse(ctx: Koa.Context, web: Web, slug: string, reason: Refused): Promise<void> {
  switch (reason) {
    case 'session_ended':
      return seeOther(ctx, withNext('/login', ctx.url));
    case 'old_login':
      return seeOther(ctx, withNext('/confirm', ctx.url));
    case 'second_factor':
      return askForFactor(ctx, web);
    case 'loop':
      return showLoop(ctx, web, slug);
    default:
      return showRefusal(ctx, web, slug, reason);
  }
}

/** Who has one proves it anew; who has none sets one up. */
async function askForFactor(ctx: Koa.Context, web: Web): Promise<void> {
  const { totpSince, passkeys } = await web.context.secondFactors.overview(memberOf(ctx).userId);
  const has = totpSince !== null || passkeys.length > 0;
  seeOther(ctx, withNext(has ? '/confirm' : '/account/security', ctx.url));
}

async function showLoop(ctx: Koa.Context, web: Web, slug: string): Promise<void> {
  const { loop } = ctx.state.text.applications;
  const name = (await web.context.forwardAuth.register.newest()).bySlug(slug)?.name ?? slug;
  ctx.status = 429;
  const page = { heading: loop.heading(name), paragraphs: [loop.why, loop.causes, loop.next], action: null };
  await web.show(ctx, 'message', page, { title: page.heading });
}

async function showRefusal(
  ctx: Koa.Context,
  web: Web,
  slug: string,
  reason: 'no_application' | 'disabled' | 'not_allowed',
): Promise<void> {
  const detail = { application: slug, reason };
  const event = { type: 'authz_fail', outcome: 'failure', ...actorOf(ctx), subject: null, detail } as const;
  if (reason !== 'no_application') await web.context.recordFolded(event);
  const { refused } = ctx.state.text.applications;
  const why = { no_application: refused.unknown, disabled: refused.disabled, not_allowed: refused.message }[reason];
  ctx.status = reason === 'no_application' ? 404 : 403;
  const action = { href: '/applications', label: refused.next };
  const heading = refused.heading((await web.context.forwardAuth.register.newest()).bySlug(slug)?.name ?? null);
  await web.show(ctx, 'message', { heading, paragraphs: [why], action }, { title: heading });
}

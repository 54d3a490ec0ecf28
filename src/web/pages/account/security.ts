// What proves who a member is: the password, an authenticator app, passkeys, recovery codes; and the API tokens that read the log
// for them. Every change needs a recent login; one of what proves who they are gives the browser a new session. Members who must set up a second
// factor before anything else reach it too.

import type Router from '@koa/router';
import type Koa from 'koa';
import type { AddResult, RemoveResult } from '../../../core/factors/enrolment.ts';
import type { Changer } from '../../../core/factors/factor-change.ts';
import { seesConsole } from '../../../core/sessions/role.ts';
import type { Fields } from '../../http/form.ts';
import { HttpError } from '../../http/http-error.ts';
import { queryNext, withNext, withQuery } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireLoggedIn } from '../../session/access.ts';
import { typedBefore } from '../../session/kept-form.ts';
import { memberOf } from '../../session/member.ts';
import { enterSession } from '../../session/session-cookie.ts';
import { showTime } from '../../texts/times-and-devices.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import { toldOf } from '../../view/told.ts';
import { applicationAhead } from '../applications/ahead.ts';

export const SECURITY = '/account/security';
export const AUTHENTICATOR = `${SECURITY}/authenticator`;
export const NEW_PASSKEY = `${SECURITY}/passkeys/new`;
export const RECOVERY_CODES = `${SECURITY}/recovery-codes`;

export function securityPages(router: Router, web: Web): void {
  router.get(SECURITY, requireLoggedIn, (ctx) => showSecurity(ctx, web));
}

/** `typed`: new names of passkeys that were not taken, by where they were sent. */
export async function showSecurity(
  ctx: Koa.Context,
  web: Web,
  problem: string | null = null,
  typed: Fields = {},
): Promise<void> {
  const { secondFactors, sessions, shownCodes, apiTokens } = web.context;
  const { userId, id, role } = memberOf(ctx);
  const { text } = ctx.state;
  const { now } = ctx.state;
  const next = queryNext(ctx);
  const [has, live, shown, tokens] = await Promise.all([
    secondFactors.overview(userId),
    sessions.list(userId),
    shownCodes.read(userId),
    seesConsole(role) ? apiTokens.list(userId) : [],
  ]);
  const hasFactor = has.totpSince !== null || has.passkeys.length > 0;
  const page = {
    required: ctx.state.mustSetUp ? role : null,
    requiredBy: hasFactor ? null : await applicationAhead(web.context, next),
    appHref: withNext(AUTHENTICATOR, next),
    newPasskeyHref: withNext(NEW_PASSKEY, next),
    totpSince: has.totpSince && showTime(has.totpSince, now, text),
    passkeys: has.passkeys.map((key) => ({
      id: key.id,
      name: key.name,
      typed: typed[renameOf(key.id)] ?? typedBefore(ctx, web.context, renameOf(key.id))['name'],
      since: showTime(key.createdAt, now, text),
      lastUsed: key.lastUsedAt && showTime(key.lastUsedAt, now, text),
    })),
    hasFactor,
    recoveryCodesLeft: has.recoveryCodesLeft,
    shownCodesHref: shown.length > 0 ? withNext(RECOVERY_CODES, next) : null,
    tokens: tokens.map((token) => ({
      id: token.id,
      name: token.name,
      since: showTime(token.createdAt, now, text),
      lastUsed: token.lastUsedAt && showTime(token.lastUsedAt, now, text),
      until: showTime(token.expiresAt, now, text),
    })),
    othersCount: live.filter((session) => session.id !== id).length,
    problem,
    errors: {},
  };
  const frame = { title: text.security.title, current: 'security', notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'account/security', page, frame);
}

function renameOf(passkeyId: string): string {
  return `${SECURITY}/passkeys/${passkeyId}/rename`;
}

type AddProblem = Exclude<Extract<AddResult, { ok: false }>['reason'], 'expired' | 'session_ended'>;

interface Added {
  readonly result: AddResult;
  readonly next: string | null;
  /** What the next page says was done. */
  readonly done?: 'factor-added' | 'codes-made';
  readonly again: (reason: AddProblem) => Promise<void>;
}

/**
 * New recovery codes are shown first, on a page of their own; then, or else at once, it goes on to `next`. An operator who
 * had to have a factor goes on to the console.
 */
export async function answerAdded(
  ctx: Koa.Context,
  { result, next, done = 'factor-added', again }: Added,
): Promise<void> {
  if (!result.ok) {
    if (result.reason === 'expired') return seeOther(ctx, withNext(AUTHENTICATOR, next));
    if (result.reason === 'session_ended') return seeOther(ctx, withNext('/login', SECURITY));
    ctx.status = 422;
    return again(result.reason);
  }
  const hadTo = ctx.state.mustSetUp === true && seesConsole(memberOf(ctx).role);
  await enterSession(ctx, result.session);
  ctx.state.mustSetUp = false;
  // `/profile` is where a log-in leads that nobody asked to lead elsewhere.
  const onward = hadTo && (next === null || next === '/profile') ? '/operator' : next;
  if (result.newCodes) return seeOther(ctx, withQuery(RECOVERY_CODES, { done, next: onward ?? '' }));
  seeOther(ctx, onward ?? `${SECURITY}?done=${done}`);
}

export async function answerRemoved(ctx: Koa.Context, web: Web, result: RemoveResult): Promise<void> {
  if (result.ok) {
    await enterSession(ctx, result.session);
    const { totpSince, passkeys } = await web.context.secondFactors.overview(memberOf(ctx).userId);
    const isLast = totpSince === null && passkeys.length === 0;
    return seeOther(ctx, `${SECURITY}?done=${isLast ? 'last-factor-removed' : 'factor-removed'}`);
  }
  if (result.reason === 'session_ended') return seeOther(ctx, withNext('/login', SECURITY));
  if (result.reason === 'no_factor') throw new HttpError(404, 'no_factor');
  ctx.status = 422;
  await showSecurity(ctx, web, ctx.state.text.security.lastRequired);
}

export function changerOf(ctx: Koa.Context): Changer {
  const { id, userId } = memberOf(ctx);
  return { userId, sessionId: id, origin: ctx.state.origin, told: toldOf(ctx) };
}

// What an act on an account would meet: which session or sessions it ends, how many browsers it
// forgets, which second factors it takes away. Shown before the act is confirmed.
import type Koa from 'koa';
import type { User } from '../../../core/accounts/users.ts';
import type { Context } from '../../../core/context.ts';
import type { SessionSight } from '../../../core/sessions/session-table.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
import { liveSession } from '../../session/request-state.ts';
import type { SessionSentence } from '../../view/console-views.ts';
import { timesOf, type Web } from '../../view/page.ts';
import { sessionSentence } from './session-sentence.ts';

export type About = 'session' | 'sessions' | 'session-count' | 'browsers' | 'factors';

export interface ActedOn {
  readonly sessions: readonly SessionSentence[];
  readonly facts: readonly { readonly label: string; readonly value: string }[];
}

/** @throws HttpError 404 for a session that is not, or never was, this person's. */
export async function actedOn(
  ctx: Koa.Context,
  { context }: Web,
  user: User,
  about: readonly About[],
): Promise<ActedOn> {
  const has = (one: About) => about.includes(one);
  const [sessions, counted, browsers, factors] = await Promise.all([
    sessionsOf(ctx, context, user, about),
    has('session-count') ? context.sessions.list(user.id) : null,
    has('browsers') ? context.devices.count(user.id) : null,
    has('factors') ? context.secondFactors.overview(user.id) : null,
  ]);
  const reader = { times: timesOf(ctx), ownId: liveSession(ctx)?.owner.id };
  const facts = [
    factors && { label: 'Second factors', value: factorWords(factors) },
    browsers !== null && { label: 'Known browsers', value: String(browsers) },
    counted && { label: 'Live sessions', value: String(counted.length) },
  ];
  return { sessions: sessions.map((one) => sessionSentence(one, reader)), facts: facts.filter((one) => !!one) };
}

/** The session that the page's address names. @throws HttpError 404 */
export async function namedSession(ctx: Koa.Context, { sessions }: Context, user: User): Promise<SessionSight> {
  const id: unknown = ctx['params'].sessionId;
  const found = isUuid(id) ? await sessions.look(id) : null;
  if (found?.userId !== user.id) throw new HttpError(404, 'no_session');
  return found;
}

async function sessionsOf(
  ctx: Koa.Context,
  context: Context,
  user: User,
  about: readonly About[],
): Promise<SessionSight[]> {
  if (about.includes('session')) return [await namedSession(ctx, context, user)];
  if (!about.includes('sessions')) return [];
  const live = await context.sessions.list(user.id);
  return live.map((one) => ({ ...one, userId: user.id, endedAt: null, endReason: null }));
}

type Factors = Awaited<ReturnType<Context['secondFactors']['overview']>>;

function factorWords({ totpSince, passkeys, recoveryCodesLeft }: Factors): string {
  const words = [
    totpSince === null ? null : 'authenticator app',
    passkeys.length === 0 ? null : `${passkeys.length} ${passkeys.length === 1 ? 'passkey' : 'passkeys'}`,
    recoveryCodesLeft === 0 ? null : `${recoveryCodesLeft} recovery codes left`,
  ];
  return words.filter((word) => word !== null).join(', ') || 'none';
}

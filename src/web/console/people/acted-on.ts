// What an act on an account would meet: which session or sessions it ends, how many browsers it
// forgets, which second factors it takes away. Shown before the act is confirmed.
import type Koa from 'koa';
import type { User } from '../../../core/accounts/users.ts';
import type { Context } from '../../../core/context.ts';
import type { SessionSight } from '../../../core/sessions/session-table.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
import { liveSession } from '../../session/request-state.ts';
import type { Times } from '../../texts/zoned-times.ts';
import type { SessionSentence } from '../../view/console-views.ts';
import { timesOf, type Web } from '../../view/page.ts';
import { sessionSentence } from './session-sentence.ts';

export type About = 'session' | 'sessions' | 'session-count' | 'browsers' | 'factors' | 'mailbox' | 'token';

export interface ActedOn {
  readonly sessions: readonly SessionSentence[];
  readonly facts: readonly { readonly label: string; readonly value: string }[];
  /** Null where it was not asked for. */
  readonly hasFactors: boolean | null;
}

/** @throws HttpError 404 for a session that is not, or never was, this person's. */
export async function actedOn(
  ctx: Koa.Context,
  { context }: Web,
  user: User,
  about: readonly About[],
): Promise<ActedOn> {
  const has = (one: About) => about.includes(one);
  const [sessions, counted, browsers, factors, tokens, moved] = await Promise.all([
    sessionsOf(ctx, context, user, about),
    has('session-count') ? context.sessions.list(user.id) : null,
    has('browsers') ? context.devices.count(user.id) : null,
    has('factors') ? context.secondFactors.overview(user.id) : null,
    has('token') ? context.apiTokens.list(user.id) : null,
    has('mailbox') ? context.links.newestOf(user.id, 'undo_email_change') : null,
  ]);
  const times = timesOf(ctx);
  const reader = { times, ownId: liveSession(ctx)?.owner.id };
  const facts = [
    tokens && { label: 'Token', value: tokenName(ctx, tokens) },
    factors && { label: 'Second factors', value: factorWords(factors) },
    browsers !== null && { label: 'Known browsers', value: String(browsers) },
    counted && { label: 'Live sessions', value: String(counted.length) },
    has('mailbox') && mailboxFact(context, moved?.createdAt ?? null, times),
  ];
  return {
    sessions: sessions.map((one) => sessionSentence(one, reader)),
    facts: facts.filter((one) => !!one),
    hasFactors: factors && (factors.totpSince !== null || factors.passkeys.length > 0),
  };
}

/** @throws HttpError 404 for a token that is not this person's, or has ended. */
function tokenName(ctx: Koa.Context, tokens: readonly { readonly id: string; readonly name: string }[]): string {
  const found = tokens.find(({ id }) => id === ctx['params'].tokenId);
  if (!found) throw new HttpError(404, 'no_token');
  return found.name;
}

/** Where the link will go, and whether that mailbox may be somebody else's. */
function mailboxFact({ mail }: Context, movedAt: Date | null, times: Times) {
  if (!mail.possible)
    return { label: 'Link', value: 'no mail is set up: hand one over, with the command user reset-link' };
  const moved = `goes to this address, which is new since ${movedAt && times.prose(movedAt).text}: the former mailbox can still take the account back`;
  return { label: 'Link', value: movedAt === null ? 'goes to this address by mail' : moved };
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

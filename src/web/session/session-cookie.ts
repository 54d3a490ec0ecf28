// The session cookie: a random token and its signature (HMAC-SHA-256, keys in rotation), which
// koa-session carries. Only a token with a good signature reaches a store; no fault clears a
// cookie.
import Keygrip from 'keygrip';
import type Koa from 'koa';
import session, { type CreateSessionOptions } from 'koa-session';
import type { Config } from '../../core/config.ts';
import { hashToken } from '../../core/credentials/random-token.ts';
import { isTwoFactors, needsSecondFactor } from '../../core/sessions/authentication-method.ts';
import { nameOf } from '../../core/sessions/cache-entry.ts';
import type { NewSession } from '../../core/sessions/sessions.ts';
import { cookieAttributes, cookieName } from '../http/cookies.ts';
import { memo } from '../http/memo.ts';
import { liveSession } from './request-state.ts';
import type { SessionStore } from './session-store.ts';

const UNSIGNED = { signed: false } as const;
const TOKEN = /^([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;
/** koa-session wants a key for each visitor; an anonymous one's is never stored. */
const NO_SESSION = 'none';
/**
 * What is remembered is that a signature was good, not what it leads to: a session is read for
 * every request.
 */
const KEPT_COOKIES = 10_000;

/** What a cookie says, once its signature was checked. */
interface VerifiedCookie {
  readonly token: string;
  /** What the stores call the token. */
  readonly name: string;
  /** It is signed with an older key. */
  readonly signAgain: boolean;
}

export function sessions(app: Koa, { config, store }: { config: Config; store: SessionStore }): Koa.Middleware {
  const keygrip = new Keygrip([...config.sessionKeys], 'sha256', 'base64');
  const name = cookieName('session', config);
  const attributes = cookieAttributes(config);

  function writeCookie(ctx: Koa.Context, token: string): void {
    const owner = (ctx.state.begun?.record ?? liveSession(ctx))?.owner;
    const limits = owner?.role === 'operator' ? config.session.operator : config.session.remembered;
    const kept = owner?.remember ? { maxAge: limits.absoluteLifetimeMs } : {};
    ctx.cookies.set(name, `${token}.${keygrip.sign(token)}`, { ...attributes, ...kept });
  }

  const verify = memo<string, VerifiedCookie | null>(
    (text) => {
      const [, token, signature] = TOKEN.exec(text) ?? [];
      if (token === undefined || signature === undefined) return null;
      const index = keygrip.index(token, signature);
      return index < 0 ? null : { token, name: nameOf(hashToken(token)), signAgain: index > 0 };
    },
    { most: KEPT_COOKIES, keeps: (_, cookie) => cookie !== null },
  );

  /** The token of the cookie if its signature is good; else nothing, which reaches no store. */
  function readCookie(ctx: Koa.Context): string {
    const text = ctx.cookies.get(name, UNSIGNED);
    const cookie = text === undefined ? null : verify(text);
    if (cookie === null) return '';
    ctx.state.token = cookie.token;
    ctx.state.tokenName = cookie.name;
    ctx.state.signAgain = cookie.signAgain;
    return cookie.token;
  }

  const options: CreateSessionOptions = {
    ...attributes,
    key: name,
    maxAge: 'session',
    store,
    externalKey: { get: readCookie, set: writeCookie },
    genid: (ctx: Koa.Context) => ctx.state.begun?.token ?? NO_SESSION,
  };
  const carry = session(options, app);

  return (ctx, next) =>
    carry(ctx, () => {
      const owner = liveSession(ctx)?.owner;
      ctx.state.mustSetUp =
        owner !== undefined &&
        needsSecondFactor(config.secondFactor, owner.role) &&
        !isTwoFactors(owner.authenticationMethod);
      if (ctx.state.signAgain && ctx.state.token && liveSession(ctx)) writeCookie(ctx, ctx.state.token);
      return next();
    });
}

/** Gives the browser the cookie of a session that has begun, in place of whatever it held. */
export async function enterSession(ctx: Koa.Context, begun: NewSession): Promise<void> {
  ctx.state.begun = begun;
  ctx.state.reading = { state: 'live', owner: begun.record.owner, data: begun.record.data };
  ctx.session = { ...begun.record.data } as NonNullable<Koa.Context['session']>;
  await ctx.session?.regenerate();
}

/** Takes the cookie away, after the session was ended. */
export function leaveSession(ctx: Koa.Context): void {
  ctx.session = null;
  delete ctx.state.reading;
}

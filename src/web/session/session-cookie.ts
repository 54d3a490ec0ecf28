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
import { seesConsole } from '../../core/sessions/role.ts';
import type { NewSession } from '../../core/sessions/sessions.ts';
import { cookieAttributes, cookieName, cookieValues } from '../http/cookies.ts';
import { memo } from '../http/memo.ts';
import { liveSession, type SignedCookie } from './request-state.ts';
import type { SessionStore } from './session-store.ts';

const TOKEN = /^([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;
/** koa-session wants a key for each visitor; an anonymous one's is never stored. */
const NO_SESSION = 'none';
/**
 * What is remembered is that a signature was good, not what it leads to: a session is read for
 * every request.
 */
const KEPT_COOKIES = 10_000;

export function sessions(app: Koa, { config, store }: { config: Config; store: SessionStore }): Koa.Middleware {
  const keygrip = new Keygrip([...config.sessionKeys], 'sha256', 'base64');
  const name = cookieName('session', config);
  const attributes = cookieAttributes(config);

  function writeCookie(ctx: Koa.Context, token: string): void {
    const owner = (ctx.state.begun?.record ?? liveSession(ctx))?.owner;
    const limits = owner && seesConsole(owner.role) ? config.session.operator : config.session.remembered;
    const kept = owner?.remember ? { maxAge: limits.absoluteLifetimeMs } : {};
    ctx.cookies.set(name, `${token}.${keygrip.sign(token)}`, { ...attributes, ...kept });
  }

  const verify = memo<string, SignedCookie | null>(
    (text) => {
      const [, token, signature] = TOKEN.exec(text) ?? [];
      if (token === undefined || signature === undefined) return null;
      const index = keygrip.index(token, signature);
      return index < 0 ? null : { token, name: nameOf(hashToken(token)), signAgain: index > 0 };
    },
    { most: KEPT_COOKIES, keeps: (_, cookie) => cookie !== null },
  );

  /**
   * The token of the first cookie with a good signature; without one nothing, which reaches no
   * store. If there are several, the store chooses.
   */
  function readCookie(ctx: Koa.Context): string {
    const cookies = cookieValues(ctx, name, (text) => verify(text) !== null).map((text) => verify(text));
    ctx.state.sessionCookies = cookies.filter((cookie) => cookie !== null);
    return ctx.state.sessionCookies[0]?.token ?? '';
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
      if (ctx.state.cookie && ctx.state.reading && !liveSession(ctx)) clearSiteData(ctx);
      const owner = liveSession(ctx)?.owner;
      ctx.state.mustSetUp =
        owner !== undefined &&
        needsSecondFactor(config.secondFactor, owner.role) &&
        !isTwoFactors(owner.authenticationMethod);
      if (ctx.state.cookie?.signAgain && liveSession(ctx)) writeCookie(ctx, ctx.state.cookie.token);
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
  clearSiteData(ctx);
}

/**
 * Has the browser forget what it kept of a session that has ended, wherever that was ended. Not the cookies: the known
 * browser's stays. Browsers take this only over HTTPS.
 */
function clearSiteData(ctx: Koa.Context): void {
  if (ctx.cookies.secure) ctx.set('Clear-Site-Data', '"cache", "storage"');
}

/** Gives the browser no session cookie after all: it has a newer one by now. */
export function withholdSession(ctx: Koa.Context, config: Pick<Config, 'secureCookies'>): void {
  const start = `${cookieName('session', config)}=`;
  const kept = [ctx.res.getHeader('Set-Cookie') ?? []].flat().filter((line) => !String(line).startsWith(start));
  ctx.res.setHeader('Set-Cookie', kept.map(String));
}

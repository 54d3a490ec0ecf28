// The cookie of a log-in that waits for its second factor: a random token, of which the database holds the hash.
import type Koa from 'koa';
import type { Config } from '../../core/config.ts';

const LIFE_MS = 10 * 60_000;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** The name of the cookie: under HTTPS with the prefix that binds it to this host. */
export function pendingCookieName(secure: boolean): string {
  return secure ? '__Host-pending' : 'holdfast_pending';
}

export function keepPending(ctx: Koa.Context, { secureCookies }: Config, token: string): void {
  ctx.cookies.set(pendingCookieName(secureCookies), token, { ...attributes(secureCookies), maxAge: LIFE_MS });
}

/** The token; empty where the browser has none. */
export function readPending(ctx: Koa.Context, { secureCookies }: Config): string {
  const token = ctx.cookies.get(pendingCookieName(secureCookies), { signed: false }) ?? '';
  return TOKEN.test(token) ? token : '';
}

export function dropPending(ctx: Koa.Context, { secureCookies }: Config): void {
  ctx.cookies.set(pendingCookieName(secureCookies), null, attributes(secureCookies));
}

function attributes(secure: boolean) {
  return { httpOnly: true, sameSite: 'lax', secure, path: '/', signed: false } as const;
}

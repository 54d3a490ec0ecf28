// The cookie of browsers that have logged in before. It opens nothing: it only keeps a stranger's failures from shutting its
// owner out. It stays when its owner logs out.
import type Koa from 'koa';
import type { Config } from '../../core/config.ts';

/** Browsers keep no cookie for longer than 400 days (RFC 6265bis). */
const MAX_AGE_MS = 400 * 86_400_000;
const MAX_LENGTH = 1_000;

/** The name of the cookie: under HTTPS with the prefix that binds it to this host. */
export function deviceCookieName(secure: boolean): string {
  return secure ? '__Host-device' : 'holdfast_device';
}

/** What the browser sent; empty without one. Its signature is looked at with the account that is asked for. */
export function readDevice(ctx: Koa.Context, { secureCookies }: Config): string {
  const value = ctx.cookies.get(deviceCookieName(secureCookies), { signed: false }) ?? '';
  return value.length > MAX_LENGTH ? '' : value;
}

/** Lets the browser be known from now on, and for as long again. */
export function keepDevice(ctx: Koa.Context, { secureCookies, throttle }: Config, value: string): void {
  ctx.cookies.set(deviceCookieName(secureCookies), value, {
    httpOnly: true,
    sameSite: 'lax',
    secure: secureCookies,
    path: '/',
    signed: false,
    maxAge: Math.min(MAX_AGE_MS, throttle.deviceRetentionMs),
  });
}

// How long a browser keeps a cookie, as a duration. The date alone, which the library writes by this machine's clock, the
// browser would judge by its own: ten minutes behind, and a cookie of ten minutes is dead when it arrives.
import type Koa from 'koa';

const EXPIRES = /; expires=([^;]+)/i;

/** Gives each cookie with a date a Max-Age, which comes first (RFC 6265 §5.3). */
export function cookieAges(): Koa.Middleware {
  return (ctx, next) =>
    next().then(() => {
      const cookies = ctx.res.getHeader('Set-Cookie');
      if (Array.isArray(cookies) && !ctx.headerSent) ctx.res.setHeader('Set-Cookie', cookies.map(withAge));
    });
}

function withAge(cookie: string): string {
  const until = Date.parse(EXPIRES.exec(cookie)?.[1] ?? '');
  const seconds = Math.ceil((until - Date.now()) / 1_000);
  return Number.isNaN(until) ? cookie : `${cookie}; max-age=${Math.max(0, seconds)}`;
}

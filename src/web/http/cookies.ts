// Every cookie of ours: its name, its attributes, and how it is read, kept and dropped.
import type Koa from 'koa';

interface CookieConfig {
  readonly secureCookies: boolean;
}

interface CookieOptions<C extends CookieConfig> {
  /** Anything else is read as no cookie. */
  readonly accepts?: (value: string) => boolean;
  /** Without it the browser drops the cookie when it closes. */
  readonly lifeMs?: (config: C) => number;
}

const UNSIGNED = { signed: false } as const;

/** The cookie's name: under HTTPS with the prefix that binds it to this host (RFC 6265bis). */
export function cookieName(name: string, { secureCookies }: CookieConfig): string {
  return secureCookies ? `__Host-${name}` : `holdfast_${name.replaceAll('-', '_')}`;
}

export function cookieAttributes({ secureCookies: secure }: CookieConfig) {
  return { httpOnly: true, sameSite: 'lax', secure, path: '/', signed: false, overwrite: true } as const;
}

export function createCookie<C extends CookieConfig>(name: string, { accepts, lifeMs }: CookieOptions<C> = {}) {
  const names = {
    secure: cookieName(name, { secureCookies: true }),
    plain: cookieName(name, { secureCookies: false }),
  };
  const nameUnder = ({ secureCookies }: CookieConfig) => (secureCookies ? names.secure : names.plain);
  return {
    /** Empty without a cookie that `accepts` takes. */
    read(ctx: Koa.Context, config: C): string {
      const value = ctx.cookies.get(nameUnder(config), UNSIGNED) ?? '';
      return accepts === undefined || accepts(value) ? value : '';
    },

    keep(ctx: Koa.Context, config: C, value: string): void {
      const attributes = cookieAttributes(config);
      const kept = lifeMs === undefined ? attributes : { ...attributes, maxAge: lifeMs(config) };
      ctx.cookies.set(nameUnder(config), value, kept);
    },

    drop(ctx: Koa.Context, config: C): void {
      ctx.cookies.set(nameUnder(config), null, cookieAttributes(config));
    },
  };
}

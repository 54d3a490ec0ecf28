// Every cookie of ours: its name, its attributes, and how it is read, kept and dropped. Over HTTP a
// browser may send another cookie of the same name first, such as a parent domain's: the first that
// is one of ours counts.
import type { IncomingHttpHeaders } from 'node:http';
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

/** How many cookies of one name count. */
const MOST_OF_A_NAME = 4;
/** How many of one name are looked at: a header full of them would cost a signature each. */
const MOST_LOOKED_AT = 32;

/** The cookie's name: under HTTPS with the prefix that binds it to this host (RFC 6265bis). */
export function cookieName(name: string, { secureCookies }: CookieConfig): string {
  return secureCookies ? `__Host-${name}` : `holdfast_${name.replaceAll('-', '_')}`;
}

export function cookieAttributes({ secureCookies: secure }: CookieConfig) {
  return { httpOnly: true, sameSite: 'lax', secure, path: '/', signed: false, overwrite: true } as const;
}

/** What the browser sends under a name, in its order; what is no cookie of ours falls out. */
export function cookieValues(
  { headers: { cookie = '' } }: { readonly headers: IncomingHttpHeaders },
  name: string,
  accepts: (value: string) => boolean,
): string[] {
  if (!cookie.includes(name)) return [];
  const values: string[] = [];
  let looked = 0;
  for (const pair of cookie.split(';')) {
    const at = pair.indexOf('=');
    if (at < 0 || pair.slice(0, at).trim() !== name) continue;
    const value = pair
      .slice(at + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1');
    if (accepts(value)) values.push(value);
    looked += 1;
    if (values.length === MOST_OF_A_NAME || looked === MOST_LOOKED_AT) break;
  }
  return values;
}

export function createCookie<C extends CookieConfig>(
  name: string,
  { accepts = () => true, lifeMs }: CookieOptions<C> = {},
) {
  const names = {
    secure: cookieName(name, { secureCookies: true }),
    plain: cookieName(name, { secureCookies: false }),
  };
  const nameUnder = ({ secureCookies }: CookieConfig) => (secureCookies ? names.secure : names.plain);
  return {
    /** The first that `accepts` takes; empty without one. */
    read: (ctx: Koa.Context, config: C): string => cookieValues(ctx, nameUnder(config), accepts)[0] ?? '',

    /** All that `accepts` takes, a few at most: for whoever can tell only from a store which of them is ours. */
    readAll: (ctx: Koa.Context, config: C): string[] => cookieValues(ctx, nameUnder(config), accepts),

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

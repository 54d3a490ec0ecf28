// In which language a visitor is answered: the one chosen on a page and kept in a cookie, else the best that the browser
// accepts, of those that LANGUAGES allows. Promises to cost a look-up a request; hides the negotiation and its cache.
import type Koa from 'koa';
import type { Config } from '../../core/config.ts';
import type { Language } from '../../core/platform/languages.ts';
import { de } from './de.ts';
import { en, type Texts } from './en.ts';

export const TEXTS: Readonly<Record<Language, Texts>> = { en, de };

/** Distinct headers that are remembered; browsers send a few dozen, a scanner as many as it likes. */
const MAX_REMEMBERED = 500;
const MAX_HEADER = 200;
const YEAR_MS = 365 * 86_400_000;

type LanguageConfig = Pick<Config, 'languages' | 'secureCookies'>;

/** The name of the cookie: under HTTPS with the prefix that binds it to this host. */
export function languageCookieName(secure: boolean): string {
  return secure ? '__Host-language' : 'holdfast_language';
}

/** Gives each request its texts. */
export function languages({ languages: allowed, secureCookies }: LanguageConfig): Koa.Middleware {
  const [fallback] = allowed;
  const cookie = languageCookieName(secureCookies);
  const remembered = new Map<string, Language>();

  function accepted(ctx: Koa.Context): Language {
    const header = ctx.headers['accept-language'] ?? '';
    if (header === '' || header.length > MAX_HEADER) return fallback;
    const known = remembered.get(header);
    if (known !== undefined) return known;
    const best = ctx.acceptsLanguages([...allowed]);
    const language = allowed.find((one) => one === best) ?? fallback;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(header, language);
    return language;
  }

  function chosen(ctx: Koa.Context): Language | undefined {
    if (!ctx.headers.cookie?.includes(cookie)) return undefined;
    const value = ctx.cookies.get(cookie, { signed: false });
    return allowed.find((one) => one === value);
  }

  return (ctx, next) => {
    ctx.state.text = TEXTS[allowed.length === 1 ? fallback : (chosen(ctx) ?? accepted(ctx))];
    return next();
  };
}

/** Keeps a choice for a year. */
export function keepLanguage(ctx: Koa.Context, { secureCookies }: LanguageConfig, language: Language): void {
  ctx.cookies.set(languageCookieName(secureCookies), language, {
    httpOnly: true,
    sameSite: 'lax',
    secure: secureCookies,
    path: '/',
    signed: false,
    maxAge: YEAR_MS,
  });
}

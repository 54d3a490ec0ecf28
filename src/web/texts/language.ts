// A visitor's language, of those that LANGUAGES allows: the one in the cookie, else the browser's
// best.
import type Koa from 'koa';
import type { Config } from '../../core/config.ts';
import type { Language } from '../../core/platform/languages.ts';
import { cookieName, createCookie } from '../http/cookies.ts';
import { memo } from '../http/memo.ts';
import { de } from './de.ts';
import { en, type Texts } from './en.ts';

export const TEXTS: Readonly<Record<Language, Texts>> = { en, de };

/** Headers that are remembered: browsers send a few dozen, a scanner any number. */
const MAX_REMEMBERED = 500;
/** A person with a score of languages writes some hundreds of characters. */
const MAX_HEADER = 2_000;
const YEAR_MS = 365 * 86_400_000;

type LanguageConfig = Pick<Config, 'languages' | 'secureCookies'>;

const COOKIE = 'language';
const languageCookie = createCookie(COOKIE, { accepts: (value) => Object.hasOwn(TEXTS, value), lifeMs: () => YEAR_MS });

export function languages(config: LanguageConfig): Koa.Middleware {
  const { languages: allowed } = config;
  const [fallback] = allowed;
  const name = cookieName(COOKIE, config);
  const negotiate = memo(
    (_header: string, ctx: Koa.Context): Language => {
      const best = ctx.acceptsLanguages([...allowed]);
      return allowed.find((one) => one === best) ?? fallback;
    },
    { most: MAX_REMEMBERED },
  );

  function accepted(ctx: Koa.Context): Language {
    const header = ctx.headers['accept-language'] ?? '';
    return header === '' || header.length > MAX_HEADER ? fallback : negotiate(header, ctx);
  }

  function chosen(ctx: Koa.Context): Language | undefined {
    if (!ctx.headers.cookie?.includes(name)) return undefined;
    const values = languageCookie.readAll(ctx, config);
    return values.flatMap((value) => allowed.find((one) => one === value) ?? [])[0];
  }

  return (ctx, next) => {
    ctx.state.text = TEXTS[allowed.length === 1 ? fallback : (chosen(ctx) ?? accepted(ctx))];
    return next();
  };
}

/** The words for whoever sends this header, where there is no Koa to ask. */
export function preferredText(header = '', allowed: LanguageConfig['languages']): Texts {
  const [fallback] = allowed;
  if (allowed.length === 1 || header === '' || header.length > MAX_HEADER) return TEXTS[fallback];
  return TEXTS[preferredLanguage(header, allowed) ?? fallback];
}

const preferences = memo(readPreferences, { most: MAX_REMEMBERED });

function preferredLanguage(header: string, allowed: LanguageConfig['languages']): Language | undefined {
  return preferences(header).flatMap((tag) => allowed.find((one) => one === tag) ?? [])[0];
}

/** The languages of Accept-Language, without their regions, the one that is liked most first. */
function readPreferences(header: string): string[] {
  const ranges = header.split(',').map((range) => {
    const [tag = '', ...parameters] = range.trim().toLowerCase().split(';');
    const quality = parameters.map((one) => /^\s*q=([\d.]+)$/.exec(one)?.[1]).find((one) => one !== undefined);
    return { language: tag.split('-')[0] ?? '', quality: Number(quality ?? 1) };
  });
  const wanted = ranges.filter(({ quality }) => quality > 0).sort((one, two) => two.quality - one.quality);
  return wanted.map(({ language }) => language);
}

export function keepLanguage(ctx: Koa.Context, config: LanguageConfig, language: Language): void {
  languageCookie.keep(ctx, config, language);
}

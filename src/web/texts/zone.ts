// The time zone in which a page says its moments: the one that its reader chose, else the one that
// the browser's script left in a cookie, else UTC.
import type Koa from 'koa';
import { cookieName, cookieValues, createCookie } from '../http/cookies.ts';
import { memo } from '../http/memo.ts';

export const UTC = 'UTC';

const NAME = /^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/;
const YEAR_MS = 365 * 86_400_000;
/** Zones that are remembered: the world has some four hundred, a scanner any number of names. */
const MOST = 1_000;

interface ZoneConfig {
  readonly secureCookies: boolean;
}

const CHOSEN = 'times';
const OF_BROWSER = 'zone';

const chosenCookie = createCookie(CHOSEN, { accepts: (value) => readZone(value) !== null, lifeMs: () => YEAR_MS });

/** The cookies' names under HTTPS and under HTTP: what they say shows moments and opens nothing. */
const namesOf = (name: string) => [true, false].map((secureCookies) => cookieName(name, { secureCookies }));
const CHOSEN_NAMES = namesOf(CHOSEN);
const BROWSER_NAMES = namesOf(OF_BROWSER);

/** The name of a zone that this server knows ("Europe/Lisbon", "UTC"), or null. */
export const readZone = memo(
  (name: string): string | null => {
    if (!NAME.test(name)) return null;
    try {
      const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
      return timeZone === UTC ? UTC : name; // as it was said: Kolkata is not made Calcutta
    } catch {
      return null;
    }
  },
  { most: MOST },
);

/** In which a page for this reader says its moments. */
export function zoneOf(ctx: Koa.Context): string {
  return zoneIn(ctx, CHOSEN_NAMES) ?? browserZone(ctx) ?? UTC;
}

/** The browser's own, once its script has said it. */
export function browserZone(ctx: Koa.Context): string | null {
  return zoneIn(ctx, BROWSER_NAMES);
}

/** The cookie that the script writes. */
export function zoneCookieName(config: ZoneConfig): string {
  return cookieName(OF_BROWSER, config);
}

export function keepZone(ctx: Koa.Context, config: ZoneConfig, zone: string): void {
  chosenCookie.keep(ctx, config, zone);
}

/** From here on the browser's own counts. */
export function dropZone(ctx: Koa.Context, config: ZoneConfig): void {
  chosenCookie.drop(ctx, config);
}

function zoneIn(ctx: Koa.Context, names: readonly string[]): string | null {
  for (const name of names) {
    const [value] = cookieValues(ctx, name, (given) => readZone(given) !== null);
    if (value !== undefined) return readZone(value);
  }
  return null;
}

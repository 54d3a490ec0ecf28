// The cookie of browsers that have logged in before; it stays after logging out. It opens nothing:
// it keeps a stranger's failures from shutting the owner out.
import type Koa from 'koa';
import type { Config } from '../../core/config.ts';
import { ENTRY_SEPARATOR } from '../../core/throttle/known-devices.ts';
import { createCookie } from '../http/cookies.ts';

/** Browsers keep no cookie for longer than 400 days (RFC 6265bis). */
const MAX_AGE_MS = 400 * 86_400_000;
const MAX_LENGTH = 1_000;

/** Its signature is checked later, against the account that is asked for. */
export const deviceCookie = createCookie('device', {
  accepts: (value) => value.length <= MAX_LENGTH,
  lifeMs: ({ throttle }: Pick<Config, 'secureCookies' | 'throttle'>) =>
    Math.min(MAX_AGE_MS, throttle.deviceRetentionMs),
});

/** What the browser sends as one value; of several cookies the newest, which browsers send last, comes first. */
export function readDevices(ctx: Koa.Context, config: Pick<Config, 'secureCookies' | 'throttle'>): string {
  return deviceCookie.readAll(ctx, config).reverse().join(ENTRY_SEPARATOR);
}

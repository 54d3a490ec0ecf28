// The answer to an attempt that the throttle refused: 429, the same for every account.
import type Koa from 'koa';
import { whenAgain } from '../texts/times-and-devices.ts';
import { zoneOf } from '../texts/zone.ts';

/** Sets status and headers; returns the sentence for the page. */
export function throttled(ctx: Koa.Context, retryAfterMs: number): string {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  ctx.status = 429;
  ctx.set('Retry-After', String(seconds));
  ctx.set('Cache-Control', 'no-store');
  const { text, now } = ctx.state;
  return text.throttled(whenAgain(seconds, now, text, zoneOf(ctx)));
}

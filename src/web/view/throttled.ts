// The answer to an attempt that the throttle refused: 429, and the same words whoever was asked for.
import type Koa from 'koa';
import { whenAgain } from '../texts/times-and-devices.ts';

/** Sets the status and Retry-After, and gives the sentence for the page. */
export function throttled(ctx: Koa.Context, retryAfterMs: number): string {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  ctx.status = 429;
  ctx.set('Retry-After', String(seconds));
  ctx.set('Cache-Control', 'no-store');
  const { text } = ctx.state;
  return text.throttled(whenAgain(seconds, new Date(), text));
}

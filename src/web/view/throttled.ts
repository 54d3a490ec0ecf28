// The answer to an attempt that the throttle refused: 429, the same for every account.
import type Koa from 'koa';
import { HttpError } from '../http/http-error.ts';
import { whenAgain } from '../texts/times-and-devices.ts';
import { zoneOf } from '../texts/zone.ts';

/** The same as a page of its own, which reads no store. */
export function tooOften(retryAfterMs: number): HttpError {
  return new HttpError(429, 'too_often', { 'Retry-After': String(secondsOf(retryAfterMs)) });
}

/** Sets status and headers; returns the sentence for the page. */
export function throttled(ctx: Koa.Context, retryAfterMs: number): string {
  const seconds = secondsOf(retryAfterMs);
  ctx.status = 429;
  ctx.set('Retry-After', String(seconds));
  ctx.set('Cache-Control', 'no-store');
  const { text, now } = ctx.state;
  return text.throttled(whenAgain(seconds, now, text, zoneOf(ctx)));
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}

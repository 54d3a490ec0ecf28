// How much somebody who is logged in may do that leaves a record: every form they send, but those that have windows of their
// own and the console's search, which leaves none. Ending sessions, revoking API tokens, logging in again, a new password and mailed
// links are among these: whoever steals a session can't keep its owner from them.
import type Koa from 'koa';
import type { Context } from '../../core/context.ts';
import { HttpError } from '../http/http-error.ts';
import { liveSession } from './request-state.ts';

const LIMITED_BY_THEMSELVES =
  /^\/(?:login|logout|confirm|confirm-email|undo-email-change|not-me|forgot-password|reset-password|account\/password|account\/sessions|account\/security\/tokens|account\/email\/take-back|operator\/find)(?:\/|$)/;

export type Limiting = Pick<Context, 'throttle' | 'refusals'>;

/** Takes a point of the session and its account. @throws HttpError 429 */
export async function chargeAct(ctx: Koa.Context, { throttle, refusals }: Limiting): Promise<void> {
  const owner = liveSession(ctx)?.owner;
  if (!owner) return;
  await charge(ctx, refusals, throttle.takeAct({ sessionId: owner.id, userId: owner.userId }), owner.userId);
}

/** Takes a point of an auditor, for a look that is to be recorded. @throws HttpError 429 */
export function chargeLook(ctx: Koa.Context, { throttle, refusals }: Limiting, userId: string): Promise<void> {
  return charge(ctx, refusals, throttle.takeLook(userId), userId);
}

async function charge(
  ctx: Koa.Context,
  refusals: Context['refusals'],
  taking: ReturnType<Context['throttle']['takeAct']>,
  subject: string,
): Promise<void> {
  const refused = await refusals.charge(taking, { subject, origin: ctx.state.origin });
  if (!refused) return;
  throw new HttpError(429, 'too_many_acts', { 'Retry-After': String(Math.ceil(refused.retryAfterMs / 1_000)) });
}

export function limitActs(context: Limiting): Koa.Middleware {
  return (ctx, next) => {
    if (ctx.method !== 'POST' || LIMITED_BY_THEMSELVES.test(ctx.path)) return next();
    return chargeAct(ctx, context).then(next);
  };
}

// Who asks, as pages and the audit log need it.
import type Koa from 'koa';
import { liveSession } from './request-state.ts';

/** @throws Error on a page that visitors reach. */
export function memberOf(ctx: Koa.Context) {
  const owner = liveSession(ctx)?.owner;
  if (!owner) throw new Error('a member page was reached without a session');
  return owner;
}

export function actorOf(ctx: Koa.Context) {
  const owner = liveSession(ctx)?.owner;
  return { actor: owner?.userId ?? null, session: owner?.id ?? null, origin: ctx.state.origin };
}

// Redirects.
import type Koa from 'koa';

/** 303: what was asked has been done; look at it there. */
export function seeOther(ctx: Koa.Context, path: string): void {
  ctx.status = 303;
  ctx.redirect(path);
  ctx.status = 303;
}

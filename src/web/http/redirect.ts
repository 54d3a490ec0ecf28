import type Koa from 'koa';

/** 303: the request was done, and its result is on that page. */
export function seeOther(ctx: Koa.Context, path: string): void {
  ctx.status = 303;
  ctx.redirect(path);
  ctx.status = 303;
}

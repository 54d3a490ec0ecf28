// Compresses large answers, lists and exports, through koa-compress. What fits into the first packets of a connection arrives no
// sooner when it is smaller: small pages are left as they are, and cost nothing here.
import type Koa from 'koa';
import compress from 'koa-compress';

/** Bytes; a new connection carries some 14 kB before it waits for the other side. */
const THRESHOLD = 8_192;

export function compressLarge(): Koa.Middleware {
  const compressed = compress({ threshold: THRESHOLD, br: false });
  return async (ctx, next) => {
    await next();
    const { length } = ctx.response;
    // koa-compress does its work after what follows it, of which there is nothing left.
    if (length === undefined || length >= THRESHOLD) await compressed(ctx, nothing);
  };
}

async function nothing(): Promise<void> {}

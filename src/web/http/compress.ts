// Compresses large answers. What fits into the first packets of a connection arrives no sooner when
// smaller, so small pages stay as they are.
import type Koa from 'koa';
import compress from 'koa-compress';

/** Bytes; a new connection carries about 14 kB before it waits for the other side. */
const THRESHOLD = 8_192;

export function compressLarge(): Koa.Middleware {
  const compressed = compress({ threshold: THRESHOLD, br: false });
  return (ctx, next) =>
    next().then(() => {
      const { length } = ctx.response;
      // Who takes nothing at all gets it as it is (RFC 9110 §12.5.3); koa-compress would throw.
      const mayCompress = ctx.acceptsEncodings('gzip', 'deflate', 'identity') !== false;
      // It works after `next`, and everything has run already.
      return mayCompress && (length === undefined || length >= THRESHOLD) ? compressed(ctx, nothing) : undefined;
    });
}

async function nothing(): Promise<void> {}

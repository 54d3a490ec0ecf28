// Koa follows each answer until it is sent, with six listeners on it and on its connection, to learn of faults of a body that
// comes bit by bit. One that is there as a whole needs none: it is handed over, and that is all.
import type Koa from 'koa';

type Handle = (ctx: Koa.Context, run: (ctx: Koa.Context) => Promise<unknown>) => Promise<unknown>;

/** Bodies other than a Buffer, and what has no body, are left to Koa. */
export function answerAtOnce(app: Koa): void {
  const koa = app as unknown as { handleRequest: Handle };
  const asEver = koa.handleRequest.bind(app);
  koa.handleRequest = (ctx, run) => {
    const { res } = ctx;
    res.statusCode = 404;
    const answer = () => {
      const { body } = ctx;
      if (Buffer.isBuffer(body) && isPlain(ctx)) return void res.end(body);
      const { statusCode } = res;
      return asEver(ctx, async () => {
        res.statusCode = statusCode; // Koa begins with another
      });
    };
    return run(ctx)
      .then(answer)
      .catch((error: Error) => ctx.onerror(error));
  };
}

/** Nothing about it but its body is to be decided. */
function isPlain(ctx: Koa.Context): boolean {
  return ctx.method !== 'HEAD' && ctx.respond !== false && ctx.writable && !isBodiless(ctx.status);
}

function isBodiless(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

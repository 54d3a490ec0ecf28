// For probes.
import type Koa from 'koa';
import type { Context } from '../../core/context.ts';

export interface Readiness {
  draining: boolean;
  /** Set once both stores were reached: only then is it known what ended meanwhile. */
  started: boolean;
}

/** For whoever reads it: it changes nothing about being ready. */
function noteOf({ rewound }: Context['sessionCache']) {
  return rewound.stands() ? { note: 'PostgreSQL has gone back in time' } : {};
}

/**
 * `/healthz`: the process answers. `/readyz`: it can serve, else 503. After the start one store is
 * enough, unless Redis alone is believed no longer: a fault of the other must not take every process
 * out of the balancer. What it says of the stores is for who runs them: asked through a proxy, there
 * is no such page.
 */
export function health({ sessionCache }: Context, readiness: Readiness): Koa.Middleware {
  function answer(ctx: Koa.Context): void {
    ctx.set('Cache-Control', 'no-store');
    if (ctx.path === '/healthz') {
      ctx.body = { status: 'ok' };
      return;
    }
    const { redis, postgres } = sessionCache.health();
    const missing = [...(redis ? [] : ['redis']), ...(postgres ? [] : ['postgres'])];
    if (missing.length === 0) readiness.started = true;
    const ready =
      !readiness.draining && (readiness.started ? missing.length < 2 && !sessionCache.isAlone() : missing.length === 0);
    ctx.status = ready ? 200 : 503;
    if (!ready) ctx.set('Retry-After', '5');
    ctx.body = ready
      ? { status: 'ok', ...(missing.length > 0 ? { without: missing } : {}), ...noteOf(sessionCache) }
      : { status: readiness.draining ? 'draining' : 'unready', missing };
  }

  return (ctx, next) => {
    const asked = ctx.path === '/healthz' || (ctx.path === '/readyz' && !passedOn(ctx));
    return asked ? answer(ctx) : next();
  };
}

/** Proxies say for whom they ask; a probe of theirs asks for nobody. */
function passedOn(ctx: Koa.Context): boolean {
  return ctx.get('X-Forwarded-For') !== '' || ctx.get('Forwarded') !== '';
}

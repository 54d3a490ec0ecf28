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

/** Why PostgreSQL can't be used, where more is known than that it is away. */
function reasonOf(database: Context['database']) {
  const reason = database.awayBecause();
  return reason === null ? {} : { reason };
}

/**
 * `/healthz`: the process answers. `/readyz`: it can serve, else 503. After the start PostgreSQL or one
 * Redis with sessions is enough, unless Redis alone is believed no longer: a fault of the others must not
 * take every process out of the balancer. What it says of the stores is for who runs them: asked through a proxy, there
 * is no such page.
 */
export function health(
  { sessionCache, database }: Pick<Context, 'sessionCache' | 'database'>,
  readiness: Readiness,
): Koa.Middleware {
  function answer(ctx: Koa.Context): void {
    ctx.set('Cache-Control', 'no-store');
    if (ctx.path === '/healthz') {
      ctx.body = { status: 'ok' };
      return;
    }
    const { someSessions, postgres } = sessionCache.health();
    const missing = Object.entries(sessionCache.stores()).flatMap(([store, up]) => (up ? [] : [store]));
    if (missing.length === 0) readiness.started = true;
    const ready = !readiness.draining && readiness.started && (someSessions || postgres) && !sessionCache.isAlone();
    ctx.status = ready ? 200 : 503;
    if (!ready) ctx.set('Retry-After', '5');
    ctx.body = ready
      ? { status: 'ok', ...(missing.length > 0 ? { without: missing } : {}), ...noteOf(sessionCache) }
      : { status: readiness.draining ? 'draining' : 'unready', missing, ...reasonOf(database) };
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

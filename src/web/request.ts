// What a request is to Holdfast: its id, the client's address as far as proxies can be believed, and its line in the log.
import { randomBytes } from 'node:crypto';
import type Koa from 'koa';
import type { Origin } from '../core/audit-events.ts';
import type { Config } from '../core/config.ts';
import type { Log } from '../core/log.ts';
import { clientAddress } from './forwarded.ts';

const prefix = randomBytes(6).toString('base64url');
let counter = 0;

/** Gives each request its id, its origin, and one line in the log. A query string is not logged: it may hold a token. */
export function requests({ log, config }: { log: Log; config: Config }): Koa.Middleware {
  const { trustedProxies, forwardedHeader: header, secureCookies } = config;
  return async (ctx, next) => {
    ctx.cookies.secure = secureCookies; // TLS ends at the proxy; whether there is any, PUBLIC_URL says
    const startedAt = performance.now();
    counter += 1;
    const requestId = `${prefix}-${counter.toString(36)}`;
    const origin: Origin = {
      ip: clientAddress(ctx.req.socket.remoteAddress, { header, value: ctx.get(header) }, trustedProxies),
      userAgent: ctx.get('User-Agent').slice(0, 512) || null,
      requestId,
    };
    ctx.state.origin = origin;
    ctx.set('X-Request-Id', requestId);
    await next();
    const ms = Math.round((performance.now() - startedAt) * 10) / 10;
    log.info({ requestId, method: ctx.method, path: ctx.path, status: ctx.status, ms, ip: origin.ip }, 'request');
  };
}

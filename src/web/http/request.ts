// What a request is to Holdfast: its id, the client's address as far as proxies can be believed, and its line in the log.
import { randomBytes } from 'node:crypto';
import type Koa from 'koa';
import QuickLRU from 'quick-lru';
import type { Origin } from '../../core/audit/events.ts';
import type { Config } from '../../core/config.ts';
import type { Context } from '../../core/context.ts';
import { requestLines } from '../../core/platform/log.ts';
import { clientAddress } from './client-address.ts';

const prefix = randomBytes(6).toString('base64url');
let counter = 0;

const KEPT_ADDRESSES = 1_000;
/** Of the header of the proxies: what is longer comes from somebody who made it up. */
const LONGEST_KEPT = 200;
const LONGEST_USER_AGENT = 512;

/** Gives each request its id, its origin, and one line in the log. A query string is not logged: it may hold a token. */
export function requests({ log, config, metrics }: Pick<Context, 'log' | 'config' | 'metrics'>): Koa.Middleware {
  const { forwardedHeader, secureCookies } = config;
  const writeLine = requestLines(log);
  const addressOf = clientAddresses(config);
  return async (ctx, next) => {
    ctx.cookies.secure = secureCookies; // TLS ends at the proxy; whether there is any, PUBLIC_URL says
    const startedAt = performance.now();
    counter += 1;
    const requestId = `${prefix}-${counter.toString(36)}`;
    const origin: Origin = {
      ip: addressOf(ctx.req.socket.remoteAddress, ctx.get(forwardedHeader)),
      userAgent: ctx.req.headers['user-agent']?.slice(0, LONGEST_USER_AGENT) || null,
      requestId,
    };
    ctx.state.origin = origin;
    ctx.res.setHeader('X-Request-Id', requestId);
    await next();
    const tookMs = performance.now() - startedAt;
    metrics.countRequest(ctx['_matchedRoute'] as string | undefined, ctx.method, ctx.status, tookMs);
    const ms = Math.round(tookMs * 10) / 10;
    writeLine({ requestId, method: ctx.method, path: ctx.path, status: ctx.status, ms, ip: origin.ip });
  };
}

/** The client's address, worked out once for each pair of socket and header that comes again and again. */
function clientAddresses({
  trustedProxies,
  forwardedHeader: header,
}: Config): (socket: string | undefined, forwarded: string) => string | null {
  const known = new QuickLRU<string, string | null>({ maxSize: KEPT_ADDRESSES });
  return (socketAddress, value) => {
    const pair = `${socketAddress} ${value}`;
    const found = known.get(pair);
    if (found !== undefined) return found;
    const address = clientAddress(socketAddress, { header, value }, trustedProxies);
    if (value.length <= LONGEST_KEPT) known.set(pair, address);
    return address;
  };
}

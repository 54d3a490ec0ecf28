// What a request is to Holdfast: its id, the client's address as far as proxies can be believed, and its line in the log.
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type Koa from 'koa';
import type { Origin } from '../core/audit-events.ts';
import type { Config } from '../core/config.ts';
import type { Log } from '../core/log.ts';

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

const prefix = randomBytes(6).toString('base64url');
let counter = 0;

/** Gives each request its id, its origin, and one line in the log. A query string is not logged: it may hold a token. */
export function requests({ log, config }: { log: Log; config: Config }): Koa.Middleware {
  const { trustedProxies, secureCookies } = config;
  return async (ctx, next) => {
    ctx.cookies.secure = secureCookies; // TLS ends at the proxy; whether there is any, PUBLIC_URL says
    const startedAt = performance.now();
    counter += 1;
    const requestId = `${prefix}-${counter.toString(36)}`;
    const origin: Origin = {
      ip: clientAddress(ctx.req.socket.remoteAddress, ctx.get('X-Forwarded-For'), trustedProxies),
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

/**
 * The client's address: the socket's, or, where that is a trusted proxy, the nearest one in X-Forwarded-For that is not,
 * read from the right. A value that is no address ends the search at the last hop that was believed.
 */
export function clientAddress(
  socketAddress: string | undefined,
  forwardedFor: string,
  trusted: readonly Network[],
): string | null {
  let address = parse(socketAddress);
  const hops = forwardedFor === '' ? [] : forwardedFor.split(',');
  while (address !== null && hops.length > 0 && isTrusted(address, trusted)) {
    const next = parse(hops.pop()?.trim());
    if (next === null) break;
    address = next;
  }
  return address?.toString() ?? null;
}

function parse(text: string | undefined): ipaddr.IPv4 | ipaddr.IPv6 | null {
  return text !== undefined && isIP(text) ? ipaddr.process(text.replace(/%.*$/, '')) : null;
}

function isTrusted(address: ipaddr.IPv4 | ipaddr.IPv6, trusted: readonly Network[]): boolean {
  return trusted.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
}

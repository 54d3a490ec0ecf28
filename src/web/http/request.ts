// A request's id, its client's address, and its line in the log.
import { randomBytes } from 'node:crypto';
import type Koa from 'koa';
import type { Origin } from '../../core/audit/events.ts';
import type { Config } from '../../core/config.ts';
import type { Database } from '../../core/platform/database.ts';
import { type Log, requestLines } from '../../core/platform/log.ts';
import type { Metrics } from '../../core/platform/metrics.ts';
import { clientAddress } from './client-address.ts';
import { memo } from './memo.ts';

const prefix = randomBytes(6).toString('base64url');
let counter = 0;

const KEPT_ADDRESSES = 1_000;
/** Of a socket's address and the header: a longer header is made up. */
const LONGEST_KEPT = 250;
const LONGEST_USER_AGENT = 512;
/** Proxies of which the log says that their header can't be read. */
const MOST_REPORTED = 100;

type AddressConfig = Pick<Config, 'trustedProxies' | 'forwardedHeader'>;

interface RequestsOptions {
  readonly log: Log;
  readonly config: AddressConfig & Pick<Config, 'secureCookies'>;
  readonly metrics: Pick<Metrics, 'countRequest'>;
  readonly database: Pick<Database, 'clock'>;
}

/** Sets `ctx.state.origin` and `ctx.state.now`, and logs each request without its query, which may hold a token. */
export function requests({ log, config, metrics, database: { clock } }: RequestsOptions): Koa.Middleware {
  const { forwardedHeader, secureCookies } = config;
  const writeLine = requestLines(log);
  const addressOf = clientAddresses(config, log);
  return async (ctx, next) => {
    ctx.cookies.secure = secureCookies; // TLS ends at the proxy; whether there is any, PUBLIC_URL says
    const startedAt = performance.now();
    counter += 1;
    const requestId = `${prefix}-${counter.toString(36)}`;
    const origin: Origin = {
      ip: addressOf(`${ctx.req.socket.remoteAddress} ${ctx.get(forwardedHeader)}`),
      userAgent: ctx.req.headers['user-agent']?.slice(0, LONGEST_USER_AGENT) || null,
      requestId,
    };
    ctx.state.origin = origin;
    ctx.state.now = clock.now();
    ctx.res.setHeader('X-Request-Id', requestId);
    await next();
    const tookMs = performance.now() - startedAt;
    metrics.countRequest(ctx['_matchedRoute'] as string | undefined, ctx.method, ctx.status, tookMs);
    const ms = Math.round(tookMs * 10) / 10;
    writeLine({ requestId, method: ctx.method, path: ctx.path, status: ctx.status, ms, ip: origin.ip });
  };
}

function clientAddresses({ trustedProxies, forwardedHeader: header }: AddressConfig, log: Log) {
  const reported = new Set<string>();
  const reportOnce = (proxy: string) => {
    if (reported.has(proxy) || reported.size >= MOST_REPORTED) return;
    reported.add(proxy);
    log.warn({ proxy, header }, 'the header of a trusted proxy can’t be read: its clients all count as the proxy');
  };
  return memo(
    (pair: string) => {
      const space = pair.indexOf(' ');
      const value = pair.slice(space + 1);
      return clientAddress(pair.slice(0, space), { header, value }, trustedProxies, reportOnce);
    },
    { most: KEPT_ADDRESSES, keeps: (pair) => pair.length <= LONGEST_KEPT },
  );
}

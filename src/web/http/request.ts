// A request's id, its client's address, and its line in the log.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
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

interface RecorderOptions {
  readonly log: Log;
  readonly config: AddressConfig;
  readonly metrics: Pick<Metrics, 'countRequest'>;
}

interface RequestsOptions {
  readonly record: Recorder;
  readonly config: Pick<Config, 'secureCookies'>;
  readonly database: Pick<Database, 'clock'>;
}

/** A request while it is answered. */
export interface Recording {
  readonly origin: Origin;
  /** Counts it and writes its line. `path` is without the query, which may hold a token. */
  done(answered: { route: string | undefined; method: string; path: string; status: number }): void;
}

export type Recorder = (request: IncomingMessage) => Recording;

/** Gives each request an id and its client's address. */
export function createRecorder({ log, config, metrics }: RecorderOptions): Recorder {
  const { forwardedHeader } = config;
  const writeLine = requestLines(log);
  const addressOf = clientAddresses(config, log);
  return ({ socket, headers }) => {
    const startedAt = performance.now();
    counter += 1;
    const requestId = `${prefix}-${counter.toString(36)}`;
    const origin: Origin = {
      ip: addressOf(`${socket.remoteAddress} ${headers[forwardedHeader] ?? ''}`),
      userAgent: headers['user-agent']?.slice(0, LONGEST_USER_AGENT) || null,
      requestId,
    };
    return {
      origin,
      done({ route, method, path, status }) {
        const tookMs = performance.now() - startedAt;
        metrics.countRequest(route, method, status, tookMs);
        writeLine({ requestId, method, path, status, ms: Math.round(tookMs * 10) / 10, ip: origin.ip });
      },
    };
  };
}

/** Sets `ctx.state.origin` and `ctx.state.now`, and logs each request. */
export function requests({ record, config, database: { clock } }: RequestsOptions): Koa.Middleware {
  return (ctx, next) => {
    ctx.cookies.secure = config.secureCookies; // TLS ends at the proxy; whether there is any, PUBLIC_URL says
    const recording = record(ctx.req);
    ctx.state.origin = recording.origin;
    ctx.state.now = clock.now();
    ctx.res.setHeader('X-Request-Id', recording.origin.requestId ?? '');
    return next().then(() => {
      const { method, path, status } = ctx;
      recording.done({ route: ctx['_matchedRoute'] as string | undefined, method, path, status });
    });
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

// What a proxy asks of: by which of the three ways, for which application, and what its visitor did. Each way reads its own headers
// and no others; nothing that a visitor wrote is believed beyond being theirs.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { hasDotSegments } from './dot-segments.ts';

export type Family = 'forwarded' | 'nginx' | 'envoy';

/** A page that was opened, a form that was sent, or a request that a page's script or mark-up made. */
export type Kind = 'page' | 'form' | 'other';

export interface Asked {
  readonly family: Family;
  /** Null: the application is the one of this host. */
  readonly slug: string | null;
  readonly host: string;
  readonly method: string;
  /** What the visitor asked for, as they wrote it. */
  readonly uri: string;
  readonly headers: IncomingHttpHeaders;
}

const PREFIX = '/forward-auth/';
const BY_HEADERS = /^\/forward-auth\/(forwarded|nginx)(?:\/([a-z0-9-]{1,63}))?$/;
const BY_PATH = /^\/forward-auth\/envoy\/([a-z0-9-]{0,63})(?=\/|$)/;

/** By it a proxy can say for which application it asks, where the path of its check is partly a visitor's. */
const APPLICATION = 'holdfastapplication';

const HEADERS = {
  forwarded: { method: 'x-forwarded-method', uri: 'x-forwarded-uri', host: 'x-forwarded-host' },
  nginx: { method: 'holdfastmethod', uri: 'holdfasturi', host: 'holdfasthost' },
} as const;

/** Whoever says the name of an application asks for a check, whatever has become of the path on its way. */
export function meansCheck({ url, headers }: Pick<IncomingMessage, 'url' | 'headers'>): boolean {
  return url?.startsWith(PREFIX) || headers[APPLICATION] !== undefined;
}

/** The slug that the proxy says in a header of its own; null where it says none. */
export function namedIn({ headers }: Pick<Asked, 'headers'>): string | null {
  return headers[APPLICATION] === undefined ? null : one(headers, APPLICATION);
}

/** Whether the path of the check could be read as another one on its way: the rest of it is the visitor's. */
export function isUnclear({ family, uri }: Pick<Asked, 'family' | 'uri'>): boolean {
  return family === 'envoy' && hasDotSegments(pathIn(uri));
}

/** Null where the path is none of the three. */
export function readAsked({
  url = '',
  method = '',
  headers,
}: Pick<IncomingMessage, 'url' | 'method' | 'headers'>): Asked | null {
  const [, family, slug = null] = BY_HEADERS.exec(pathIn(url)) ?? [];
  if (family === 'forwarded' || family === 'nginx') {
    const names = HEADERS[family];
    const [asked, uri, host] = [one(headers, names.method), one(headers, names.uri), one(headers, names.host)];
    return { family, slug, host, method: asked.toUpperCase(), uri, headers };
  }
  const [prefix, named] = BY_PATH.exec(url) ?? [];
  if (prefix === undefined) return null;
  const uri = url.slice(prefix.length);
  return { family: 'envoy', slug: named || null, host: headers.host ?? '', method: method.toUpperCase(), uri, headers };
}

/** Whether the connection might become one on which whatever follows is not asked about. A WebSocket's is the application's alone. */
export function leavesCheck({ method, headers: { upgrade } }: Pick<Asked, 'method' | 'headers'>): boolean {
  if (method === 'CONNECT') return true;
  return upgrade !== undefined && !(method === 'GET' && upgrade.toLowerCase() === 'websocket');
}

/** Whether a browser asks if a script of another site may ask. */
export function isPreflight({ method, headers }: Pick<Asked, 'method' | 'headers'>): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
}

/** As it stands in an address: what leads to the log-in and back fits into a line of a request (8 KiB behind nginx) and into `next`. */
const LONGEST_TARGET = 4_500;

/**
 * A path and a query as they were written, but for bytes that are no ASCII: those are escaped, which names the same. `/` instead
 * of what is none, or too long.
 */
export function readTarget(uri: string): string {
  const escaped = uri.replaceAll(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
  const fits = /^\/[\x21-\x7e]*$/.test(escaped) && encodeURIComponent(escaped).length <= LONGEST_TARGET;
  return fits ? escaped : '/';
}

/** By what the browser says of itself (Fetch Metadata), else by what it takes. */
export function kindOf(method: string, headers: IncomingHttpHeaders): Kind {
  if (!opensDocument(headers)) return 'other';
  return method === 'GET' || method === 'HEAD' ? 'page' : 'form';
}

function opensDocument(headers: IncomingHttpHeaders): boolean {
  const [mode, dest] = [headers['sec-fetch-mode'], headers['sec-fetch-dest']];
  if (mode !== undefined || dest !== undefined) return mode === 'navigate' && dest === 'document';
  if (headers['x-requested-with'] !== undefined || headers.upgrade !== undefined) return false;
  return headers.accept?.includes('text/html') ?? false;
}

function pathIn(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

function one(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

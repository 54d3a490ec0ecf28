// What a proxy asks of: by which of the three ways, for which application, and what its visitor did. Each way reads its own headers
// and no others; nothing that a visitor wrote is believed beyond being theirs.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

export type Family = 'forwarded' | 'nginx' | 'envoy';

/** A page that was opened, a form that was sent, or a request that a page's script or mark-up made. */
export type Kind = 'page' | 'form' | 'other';

export interface Asked {
  readonly family: Family;
  /** Null: the application is the one of this host. */
  readonly slug: string | null;
  readonly host: string;
  readonly method: string;
  /** The path and the query that the visitor asked for, as they wrote it; `/` where that is none. */
  readonly target: string;
  readonly kind: Kind;
  readonly preflight: boolean;
}

const PREFIX = '/forward-auth/';
const BY_HEADERS = /^\/forward-auth\/(forwarded|nginx)(?:\/([a-z0-9-]{1,63}))?$/;
const BY_PATH = /^\/forward-auth\/envoy\/([a-z0-9-]{0,63})(?=\/|$)/;

const HEADERS = {
  forwarded: { method: 'x-forwarded-method', uri: 'x-forwarded-uri', host: 'x-forwarded-host' },
  nginx: { method: 'holdfastmethod', uri: 'holdfasturi', host: 'holdfasthost' },
} as const;

export function isCheck(url: string | undefined): boolean {
  return url?.startsWith(PREFIX) ?? false;
}

/** Null where the path is none of the three. */
export function readAsked({
  url = '',
  method = '',
  headers,
}: Pick<IncomingMessage, 'url' | 'method' | 'headers'>): Asked | null {
  const [, family, slug] = BY_HEADERS.exec(url.split('?', 1)[0] ?? '') ?? [];
  if (family === 'forwarded' || family === 'nginx') {
    const names = HEADERS[family];
    const [asked, uri, host] = [one(headers, names.method), one(headers, names.uri), one(headers, names.host)];
    return complete({ family, slug: slug ?? null, host, method: asked, uri }, headers);
  }
  const [prefix, named] = BY_PATH.exec(url) ?? [];
  if (prefix === undefined) return null;
  const uri = url.slice(prefix.length);
  return complete({ family: 'envoy', slug: named || null, host: headers.host ?? '', method, uri }, headers);
}

interface Told extends Pick<Asked, 'family' | 'slug' | 'host' | 'method'> {
  readonly uri: string;
}

function complete({ uri, ...told }: Told, headers: IncomingHttpHeaders): Asked {
  const method = told.method.toUpperCase();
  const preflight =
    method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
  return { ...told, method, target: readTarget(uri), kind: kindOf(method, headers), preflight };
}

/** As it was written, but for bytes that are no ASCII: those are escaped, which names the same. */
export function readTarget(uri: string): string {
  const escaped = uri.replaceAll(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
  return /^\/[\x21-\x7e]*$/.test(escaped) ? escaped : '/';
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

function one(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

// A form's fields, read once: flat text and nothing else.
import type Koa from 'koa';
import getRawBody from 'raw-body';
import { parseUrl } from '../../core/platform/parse-url.ts';
import { HttpError } from './http-error.ts';

const MAX_BYTES = 16 * 1_024;
const TYPE = 'application/x-www-form-urlencoded';
const UTF8 = new TextDecoder('utf-8', { fatal: true });
const bodies = new WeakMap<object, Promise<Fields>>();

export type Fields = Readonly<Record<string, string>>;

/** @throws HttpError 413 over 16 KiB, 415 for another type, 400 for what is not flat text. */
export function readBody(ctx: Koa.Context): Promise<Fields> {
  const known = bodies.get(ctx.req);
  if (known) return known;
  const reading = read(ctx);
  bodies.set(ctx.req, reading);
  return reading;
}

/** Its fields, if somebody has read them. */
export function bodyOf(ctx: Koa.Context): Promise<Fields> | undefined {
  return bodies.get(ctx.req);
}

async function read(ctx: Koa.Context): Promise<Fields> {
  const length = ctx.request.length;
  if (length !== undefined && length > MAX_BYTES) throw new HttpError(413, 'too_large');
  if (ctx.req.headers['content-type'] !== TYPE && !ctx.is(TYPE) && length !== 0) throw new HttpError(415, 'wrong_type');
  const body = await getRawBody(ctx.req, { limit: MAX_BYTES, ...(length === undefined ? {} : { length }) }).catch(
    (error: unknown) => {
      throw (error as { type?: string }).type === 'entity.too.large'
        ? new HttpError(413, 'too_large')
        : new HttpError(400, 'broken_body');
    },
  );
  const fields: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(decode(body))) {
    if (name in fields || !/^\w{1,40}$/.test(name) || name === '__proto__') throw new HttpError(400, 'broken_form');
    if (/[\u0000\ufffd]/.test(value)) throw new HttpError(400, 'not_text');
    fields[name] = value;
  }
  return fields;
}

function decode(body: Buffer): string {
  try {
    return UTF8.decode(body);
  } catch {
    throw new HttpError(400, 'not_text');
  }
}

/** One may hold the address of a page of an application. */
const LONGEST_NEXT = 6_500;

/** A path on this site to go to after logging in; null for another origin, however spelled. */
export function readNext(text: string | undefined): string | null {
  if (
    text === undefined ||
    !/^\/(?![/\\])[\x21-\x7e]*$/.test(text) ||
    text.includes('\\') ||
    text.length > LONGEST_NEXT
  )
    return null;
  const base = 'http://same.invalid';
  const url = parseUrl(text, base);
  if (!url) return null;
  const path = url.pathname + url.search;
  // Resolved dots may leave another host: `/..//evil.example` becomes `//evil.example`.
  return url.origin === base && !path.startsWith('//') ? path : null;
}

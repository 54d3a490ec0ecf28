// Reads and writes the query of an address.
import type Koa from 'koa';
import { readNext } from './form.ts';

/** Has Koa read the parameters of an address in one pass, and once a request: what it takes grows with their number alone. */
export function readQueriesOnce(app: Koa): void {
  const read = new WeakMap<object, { readonly text: string; readonly query: Query }>();
  Object.defineProperty(app.request, 'query', {
    configurable: true,
    get(this: Koa.Request) {
      const { querystring: text } = this;
      const before = read.get(this);
      if (before?.text === text) return before.query;
      const query = readQuery(text);
      read.set(this, { text, query });
      return query;
    },
  });
}

type Query = Record<string, string | string[]>;

/** As Koa gives it: a parameter that is repeated is a list. */
function readQuery(text: string): Query {
  const query: Query = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    const before = query[name];
    if (before === undefined) query[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else query[name] = [before, value];
  }
  return query;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MAX_TEXT = 300;

/** A parameter of the query, cut to 300 characters; empty if missing or repeated. */
export function queryText(ctx: Koa.Context, name: string): string {
  const value = ctx.query[name];
  return typeof value === 'string' ? value.trim().slice(0, MAX_TEXT).replaceAll('\u0000', '').toWellFormed() : '';
}

/** A parameter of the query as it was sent; empty if missing or repeated. */
export function queryOnce(ctx: Koa.Context, name: string): string {
  const value = ctx.query[name];
  return typeof value === 'string' ? value : '';
}

/** Whether the browser says that a page of another site led here, with an address of that site's making. */
export function isLedByAnotherSite(ctx: Koa.Context): boolean {
  return ['cross-site', 'same-site'].includes(ctx.get('Sec-Fetch-Site'));
}

/** `?next=`, or null where that is no page of ours. */
export function queryNext(ctx: Koa.Context): string | null {
  const { next } = ctx.query;
  return readNext(typeof next === 'string' ? next : undefined);
}

export function withNext(path: string, next: string | null): string {
  return next === null ? path : `${path}?next=${encodeURIComponent(next)}`;
}

/** The address of a page with those parameters that are set. */
export function withQuery(path: string, parameters: Readonly<Record<string, string>>): string {
  const set = Object.entries(parameters).filter(([, value]) => value !== '');
  return set.length === 0 ? path : `${path}?${new URLSearchParams(set)}`;
}

export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

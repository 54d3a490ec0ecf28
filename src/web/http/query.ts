// Reads and writes the query of an address.
import type Koa from 'koa';
import { readNext } from './form.ts';

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

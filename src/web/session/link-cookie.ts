// The secret of a one-time link, on its way from the mail to the form. It leaves the address at once, so that it stays in no
// history, no log and no Referer: the first request puts it into a cookie of half an hour and answers 303 to the bare path.
// Nothing else happens on GET: mail scanners follow links.
import type Koa from 'koa';
import type { Config } from '../../core/config.ts';
import { seeOther } from '../http/redirect.ts';

const SECRET = /^[A-Za-z0-9_-]{43}$/;
const LIFE_MS = 30 * 60_000;

export type LinkKind = 'reset' | 'verify' | 'invitation' | 'email' | 'undo' | 'not-me';

/** Answers a request whose address holds a secret, if it does: true means that it is answered. */
export function takeLinkFromAddress(ctx: Koa.Context, config: Config, kind: LinkKind): boolean {
  if (ctx.query['token'] === undefined) return false;
  const secret = inAddress(ctx);
  if (secret === '') forgetLink(ctx, config, kind);
  else keepLink(ctx, config, kind, secret);
  seeOther(ctx, ctx.path);
  return true;
}

/** Gives this browser a secret, for half an hour. */
export function keepLink(ctx: Koa.Context, config: Config, kind: LinkKind, secret: string): void {
  ctx.cookies.set(nameOf(config, kind), secret, { ...attributesOf(config), maxAge: LIFE_MS });
}

/** The secret that this browser was given, or the one in the address that a form was sent to; empty without one. */
export function readLink(ctx: Koa.Context, config: Config, kind: LinkKind): string {
  const kept = ctx.cookies.get(nameOf(config, kind), { signed: false }) ?? '';
  return inAddress(ctx) || (SECRET.test(kept) ? kept : '');
}

/** Once the link was used, or leads nowhere. */
export function forgetLink(ctx: Koa.Context, config: Config, kind: LinkKind): void {
  ctx.cookies.set(nameOf(config, kind), null, attributesOf(config));
}

function inAddress(ctx: Koa.Context): string {
  const { token } = ctx.query;
  return typeof token === 'string' && SECRET.test(token) ? token : '';
}

function nameOf({ secureCookies }: Config, kind: LinkKind): string {
  return secureCookies ? `__Host-link-${kind}` : `holdfast_link_${kind}`;
}

function attributesOf({ secureCookies }: Config) {
  return { httpOnly: true, sameSite: 'lax', secure: secureCookies, path: '/', signed: false, overwrite: true } as const;
}

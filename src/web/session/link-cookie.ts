// The secret of a one-time link, on its way from the mail to the form. The first request moves it
// from the address into a cookie of half an hour, so that it stays in no history, no log and no
// Referer. Nothing else happens on GET: mail scanners follow links. Any site can have a browser open a link of its own, which
// takes the cookie's place: so a form says which link its page showed.
import { createHash } from 'node:crypto';
import type Koa from 'koa';
import { isToken } from '../../core/credentials/random-token.ts';
import { createCookie } from '../http/cookies.ts';
import { seeOther } from '../http/redirect.ts';

const LIFE_MS = 30 * 60_000;

const options = { accepts: isToken, lifeMs: () => LIFE_MS };
const cookies = {
  reset: createCookie('link-reset', options),
  verify: createCookie('link-verify', options),
  invitation: createCookie('link-invitation', options),
  email: createCookie('link-email', options),
  undo: createCookie('link-undo', options),
  'not-me': createCookie('link-not-me', options),
};

export type LinkKind = keyof typeof cookies;

interface LinkConfig {
  readonly secureCookies: boolean;
}

export const linkCookie = {
  /** Answers a request whose address holds a secret: true if it did. */
  takeFromAddress(ctx: Koa.Context, config: LinkConfig, kind: LinkKind): boolean {
    if (ctx.query['token'] === undefined) return false;
    const secret = inAddress(ctx);
    if (secret === '') cookies[kind].drop(ctx, config);
    else cookies[kind].keep(ctx, config, secret);
    seeOther(ctx, ctx.path);
    return true;
  },

  /** The secret in the address that a form was sent to, else the cookie's; empty without one. */
  read(ctx: Koa.Context, config: LinkConfig, kind: LinkKind): string {
    return inAddress(ctx) || cookies[kind].read(ctx, config);
  },

  /** What a form says of the link that its page showed, and nothing of its secret; empty without one. */
  markOf(ctx: Koa.Context, config: LinkConfig, kind: LinkKind): string {
    const secret = this.read(ctx, config, kind);
    return secret === '' ? '' : createHash('sha256').update(`form of ${secret}`).digest('base64url').slice(0, 22);
  },

  keep(ctx: Koa.Context, config: LinkConfig, kind: LinkKind, secret: string): void {
    cookies[kind].keep(ctx, config, secret);
  },

  drop(ctx: Koa.Context, config: LinkConfig, kind: LinkKind): void {
    cookies[kind].drop(ctx, config);
  },
};

function inAddress(ctx: Koa.Context): string {
  const { token } = ctx.query;
  return typeof token === 'string' && isToken(token) ? token : '';
}

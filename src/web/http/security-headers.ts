// The security headers of every answer, and the refusal of a Host that is not ours.
import type Koa from 'koa';
import helmet from 'koa-helmet';
import type { Config } from '../../core/config.ts';
import { HttpError } from './http-error.ts';
import { type SharedHeaders, sharedHeaders, shareHeaders } from './page-response.ts';

const SELF = ["'self'"];
const NONE = ["'none'"];
const YEAR_SECONDS = 31_536_000;

/** CSP without inline code, no framing, HSTS under HTTPS, `no-store` by default. */
export function securityHeaders({ secureCookies, hstsOfSubdomains: includeSubDomains }: Config): Koa.Middleware {
  const set = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: NONE,
        scriptSrc: SELF,
        styleSrc: SELF,
        imgSrc: SELF,
        connectSrc: SELF,
        formAction: SELF,
        baseUri: NONE,
        frameAncestors: NONE,
      },
    },
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: secureCookies ? { maxAge: YEAR_SECONDS, includeSubDomains } : false,
    xFrameOptions: { action: 'deny' },
  });
  let shared: SharedHeaders | undefined;
  async function findShared(ctx: Koa.Context): Promise<void> {
    const before = new Set(ctx.res.getHeaderNames());
    ctx.set('Cache-Control', 'no-store');
    await set(ctx, async () => undefined);
    const added = ctx.res.getHeaderNames().filter((name) => !before.has(name));
    shared = sharedHeaders(added.map((name) => [name, String(ctx.res.getHeader(name))]));
  }
  return (ctx, next) => {
    // None depends on the request: those of the first answer are repeated.
    if (!shared) return findShared(ctx).then(next);
    shareHeaders(ctx.res, shared);
    return next();
  };
}

/** In production refuses a request for another host than PUBLIC_URL's. */
export function ownHost({ production, publicOrigin }: Config): Koa.Middleware {
  const { host } = new URL(publicOrigin);
  return (ctx, next) => {
    const asked = ctx.req.headers.host;
    if (production && asked !== host && asked?.toLowerCase() !== host) throw new HttpError(421, 'wrong_host');
    return next();
  };
}

// The cookies on an application's own host: one with the token of the session there, one with the secret that says which browser
// began to enter. Both are of that host alone, so no application is sent another's, nor a person's own session.
import type { IncomingHttpHeaders } from 'node:http';
import Keygrip from 'keygrip';
import type Koa from 'koa';
import type { Application } from '../../core/applications/application.ts';
import type { Config } from '../../core/config.ts';
import { hashApplicationToken, isToken, newToken } from '../../core/credentials/random-token.ts';
import { hashState } from '../../core/forward-auth/entering.ts';
import { nameOf } from '../../core/sessions/cache-entry.ts';
import type { NewSession } from '../../core/sessions/sessions.ts';
import { cookieValues } from '../http/cookies.ts';
import { memo } from '../http/memo.ts';

const SIGNED = /^([\w-]{43})\.([\w-]{43})$/;
/** What is remembered is that a signature was good. */
const KEPT_COOKIES = 10_000;

type At = Pick<Application, 'url' | 'framedBy'>;

export interface ApplicationCookie {
  readonly token: string;
  /** What the stores call the token. */
  readonly name: string;
}

export type ApplicationCookies = ReturnType<typeof createApplicationCookies>;

export function createApplicationCookies({ sessionKeys }: Pick<Config, 'sessionKeys'>) {
  const keygrip = new Keygrip([...sessionKeys], 'sha256', 'base64');

  const verify = memo<string, ApplicationCookie | null>(
    (text) => {
      const [, token, signature] = SIGNED.exec(text) ?? [];
      if (token === undefined || signature === undefined || !keygrip.verify(signedOf(token), signature)) return null;
      return { token, name: nameOf(hashApplicationToken(token)) };
    },
    { most: KEPT_COOKIES, keeps: (_, cookie) => cookie !== null },
  );

  /** What the cookie of a session at an application says. */
  const cookieOf = (token: string): string => `${token}.${keygrip.sign(signedOf(token))}`;

  return {
    cookieOf,

    /** Those with a good signature, which alone reach a store. Over HTTP a browser may send several. */
    read(request: { readonly headers: IncomingHttpHeaders }, at: At): ApplicationCookie[] {
      const found: ApplicationCookie[] = [];
      cookieValues(request, nameAt('app', at), (text) => {
        const cookie = verify(text);
        if (cookie) found.push(cookie);
        return cookie !== null;
      });
      return found;
    },

    keep(ctx: Koa.Context, at: At, { token, record }: NewSession): void {
      const kept = record.owner.remember ? { maxAge: Math.floor(record.absoluteRemainingMs) } : {};
      set(ctx, nameAt('app', at), cookieOf(token), { ...attributesAt(at), ...kept });
    },

    drop: (ctx: Koa.Context, at: At): void => set(ctx, nameAt('app', at), null, attributesAt(at)),

    /** The hashes of what the browser keeps of having begun to enter. */
    states: (ctx: Koa.Context, at: At): Buffer[] => cookieValues(ctx, nameAt('state', at), isToken).map(hashState),

    /** The hash of the browser's secret; it gets one where it has none. Several tabs share it. */
    keepState(ctx: Koa.Context, at: At): Buffer {
      const [known] = cookieValues(ctx, nameAt('state', at), isToken);
      const secret = known ?? newToken();
      if (known === undefined) set(ctx, nameAt('state', at), secret, attributesAt(at));
      return hashState(secret);
    },
  };
}

/** Not what a person's own cookie signs: neither is taken for the other. */
function signedOf(token: string): string {
  return `application ${token}`;
}

const NAMES = {
  app: { secure: '__Host-holdfast-app', plain: 'holdfast_app' },
  state: { secure: '__Host-holdfast-state', plain: 'holdfast_state' },
} as const;

function nameAt(what: keyof typeof NAMES, at: At): string {
  return NAMES[what][isSecure(at) ? 'secure' : 'plain'];
}

function isSecure({ url }: At): boolean {
  return url.startsWith('https:');
}

/** In a frame of another site a browser sends only what is `None`; partitioned, so that no third site can join what it sees. */
function attributesAt(at: At) {
  const secure = isSecure(at);
  const framed = secure && at.framedBy.length > 0;
  const within = framed ? ({ sameSite: 'none', partitioned: true } as const) : ({ sameSite: 'lax' } as const);
  return { httpOnly: true, secure, path: '/', signed: false, overwrite: true, ...within };
}

/** Whether the browser's way is secure, the application's URL says, not ours. */
function set(ctx: Koa.Context, name: string, value: string | null, options: ReturnType<typeof attributesAt>): void {
  const before = ctx.cookies.secure;
  ctx.cookies.secure = options.secure;
  ctx.cookies.set(name, value, options);
  ctx.cookies.secure = before;
}

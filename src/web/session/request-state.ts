// What the middleware leaves on Koa's context for the pages.
import type { Context } from 'koa';
import type { Origin } from '../../core/audit/events.ts';
import type { LiveSession, SessionReading } from '../../core/sessions/cache-entry.ts';
import type { NewSession } from '../../core/sessions/sessions.ts';
import type { Texts } from '../texts/en.ts';

/** What a session cookie says, once its signature was checked. */
export interface SignedCookie {
  readonly token: string;
  /** What the stores call the token. */
  readonly name: string;
  /** It is signed with an older key: a live session's is signed again with the newest. */
  readonly signAgain: boolean;
}

export interface CookieReading {
  readonly cookie: SignedCookie;
  readonly reading: SessionReading;
}

declare module 'koa' {
  interface DefaultState {
    origin: Origin;
    /** When the request came, by PostgreSQL's clock: what its moments are shown against. */
    now: Date;
    /** The words of every page for this visitor. */
    text: Texts;
    /**
     * The session cookies with a good signature. Over HTTP there may be several: a parent domain's,
     * an earlier installation's.
     */
    sessionCookies?: readonly SignedCookie[];
    /** The one that counts: the first with a live session. */
    cookie?: SignedCookie;
    /** What is known of its session; absent without a cookie. */
    reading?: SessionReading;
    /** The live sessions of the others. */
    alsoLive?: readonly CookieReading[];
    /** A session that began in this request: koa-session gives it its cookie. */
    begun?: NewSession;
    /** Of a form whose session has ended: keeps what was typed for after the log-in, and names the page that shows it. */
    keepForLogIn?: () => Promise<string>;
    /** To be called once what the form asks for may be tried (view/sent-twice.ts). */
    onAdmitted?: () => void;
    /**
     * The account must have a second factor, and this session began with a password alone: it
     * reaches only the set-up.
     */
    mustSetUp?: boolean;
    /** The secret behind an anonymous visitor's form tokens. */
    visitor?: string;
  }
  interface DefaultContext {
    /** koa-session's: a page must not write into it; null ends the cookie. */
    session: (Record<string, unknown> & { regenerate(): Promise<void> }) | null;
  }
}

interface WithState {
  readonly state: { readonly reading?: SessionReading };
}

/** The live session of the request, or null for an anonymous visitor. */
export function liveSession({ state: { reading } }: WithState): LiveSession | null {
  return reading?.state === 'live' ? reading : null;
}

/** Every live session that the browser holds: one, but for cookies of one name over HTTP. */
export function heldSessions({ state: { cookie, reading, alsoLive = [] } }: Context) {
  return [{ cookie, reading }, ...alsoLive].flatMap((one) =>
    one.cookie && one.reading?.state === 'live' ? [{ token: one.cookie.token, owner: one.reading.owner }] : [],
  );
}

// What the middleware leaves on Koa's context for the pages.
import type { Origin } from '../../core/audit/events.ts';
import type { LiveSession, SessionReading } from '../../core/sessions/cache-entry.ts';
import type { NewSession } from '../../core/sessions/sessions.ts';
import type { Texts } from '../texts/en.ts';

declare module 'koa' {
  interface DefaultState {
    origin: Origin;
    /** When the request came, by PostgreSQL's clock: what its moments are shown against. */
    now: Date;
    /** The words of every page for this visitor. */
    text: Texts;
    /** What is known of the session that the cookie names; absent without a cookie. */
    reading?: SessionReading;
    /** The token of the cookie, if its signature is good. */
    token?: string;
    /** What the stores call that token. */
    tokenName?: string;
    /** The cookie is signed with an older key: a live session's is signed again with the newest. */
    signAgain?: boolean;
    /** A session that began in this request: koa-session gives it its cookie. */
    begun?: NewSession;
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

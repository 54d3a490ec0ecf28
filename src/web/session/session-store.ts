// koa-session's external store: koa-redis's, with our own way to read and write. What is known of a
// session goes to `ctx.state.reading`; koa-session itself gets only the session's data.
import { isDeepStrictEqual } from 'node:util';
import type { Redis } from 'ioredis';
import RedisStore from 'koa-redis';
import type { SessionReading } from '../../core/sessions/cache-entry.ts';
import type { SessionCache } from '../../core/sessions/session-cache.ts';
import type { CookieReading, SignedCookie } from './request-state.ts';

interface StoreOptions {
  readonly ctx?: { readonly state: State };
}

interface State {
  readonly sessionCookies?: readonly SignedCookie[];
  cookie?: SignedCookie;
  reading?: SessionReading;
  alsoLive?: readonly CookieReading[];
}

export class SessionStore extends RedisStore {
  readonly #cache: SessionCache;

  constructor({ redis, cache }: { redis: Redis; cache: SessionCache }) {
    super({ client: redis });
    this.#cache = cache;
  }

  /** Throws StoresAwayError where nothing is known: koa-session then leaves the cookie as it is. */
  async get(_token: string, _maxAge: unknown, { ctx }: StoreOptions): Promise<Record<string, unknown> | null> {
    const state = ctx?.state ?? {};
    const { sessionCookies = [] } = state;
    const [only, ...others] = sessionCookies;
    if (only && others.length === 0)
      return take(state, { cookie: only, reading: await this.#cache.readNamed(only.name) });
    return this.#choose(state, sessionCookies);
  }

  /** Read in one turn, so that they cost one command. What is not known stops nobody whose session is. */
  async #choose(state: State, cookies: readonly SignedCookie[]): Promise<Record<string, unknown> | null> {
    const readings = await Promise.allSettled(
      cookies.map(
        async (cookie): Promise<CookieReading> => ({ cookie, reading: await this.#cache.readNamed(cookie.name) }),
      ),
    );
    const known = readings.flatMap((one) => (one.status === 'fulfilled' && !isForeign(one.value) ? [one.value] : []));
    const [live, ...alsoLive] = known.filter(({ reading }) => reading.state === 'live');
    const failed = readings.find((one) => one.status === 'rejected');
    if (!live && failed) throw failed.reason;
    state.alsoLive = alsoLive;
    const chosen = live ?? known.find(({ reading }) => reading.state === 'ended') ?? known[0];
    return chosen ? take(state, chosen) : null;
  }

  /**
   * Called when a session that has begun gets its cookie; its row and copy are written by then.
   * Pages keep nothing in a session: two that write at once would lose what one wrote. One that
   * tries is refused.
   */
  async set(_token: string, data: Record<string, unknown>, _maxAge: unknown, { ctx }: StoreOptions): Promise<void> {
    const reading = ctx?.state.reading;
    const written = Object.fromEntries(Object.entries(data).filter(([key]) => !key.startsWith('_')));
    if (reading?.state !== 'live' || !isDeepStrictEqual(written, reading.data)) {
      throw new Error('a page must not write into ctx.session: nothing of it would be kept');
    }
  }

  /**
   * koa-session only drops its cookie: `sessions.end` has ended the session before, with its event.
   */
  async destroy(): Promise<void> {}
}

/** A session at an application opens no page of ours. Its token is hashed apart, so none is ever found here. */
function isForeign({ reading }: CookieReading): boolean {
  return reading.state === 'live' && reading.owner.application !== undefined;
}

function take(state: State, { cookie, reading }: CookieReading): Record<string, unknown> | null {
  if (isForeign({ cookie, reading })) return null;
  state.cookie = cookie;
  state.reading = reading;
  return reading.state === 'live' ? { ...reading.data } : null;
}

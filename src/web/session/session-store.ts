// koa-session's external store: koa-redis's, with our own way to read and write. What is known of a
// session goes to `ctx.state.reading`; koa-session itself gets only the session's data.
import { isDeepStrictEqual } from 'node:util';
import type { Redis } from 'ioredis';
import RedisStore from 'koa-redis';
import { hashToken } from '../../core/credentials/random-token.ts';
import { nameOf, type SessionReading } from '../../core/sessions/cache-entry.ts';
import type { SessionCache } from '../../core/sessions/session-cache.ts';

interface StoreOptions {
  readonly ctx?: { readonly state: { reading?: SessionReading; readonly tokenName?: string } };
}

export class SessionStore extends RedisStore {
  readonly #cache: SessionCache;

  constructor({ redis, cache }: { redis: Redis; cache: SessionCache }) {
    super({ client: redis });
    this.#cache = cache;
  }

  /** Throws StoresAwayError where nothing is known: koa-session then leaves the cookie as it is. */
  async get(token: string, _maxAge: unknown, { ctx }: StoreOptions): Promise<Record<string, unknown> | null> {
    const reading = await this.#cache.readNamed(ctx?.state.tokenName ?? nameOf(hashToken(token)));
    if (ctx) ctx.state.reading = reading;
    return reading.state === 'live' ? { ...reading.data } : null;
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

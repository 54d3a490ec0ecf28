// Records operators who look at what belongs to one person. Pages of one list within a quarter of
// an hour are one look; without Redis, which remembers it, every page is recorded.
import { createHash } from 'node:crypto';
import type Koa from 'koa';
import type { Context } from '../../core/context.ts';
import { keys } from '../../core/platform/redis.ts';
import { chargeLook, type Limiting } from './acts.ts';
import { actorOf } from './member.ts';
import { liveSession } from './request-state.ts';

const ONE_LOOK_SECONDS = 15 * 60;

export type NoteRead = (ctx: Koa.Context, subjects: Iterable<string | null>, what: string) => Promise<void>;

/**
 * Records what an auditor looks at, whomever it is about: pages of one address within a quarter of an hour are one look. Any
 * address makes one, so there are as many as a token may ask for, and no more: the log keeps them for ever.
 */
export function createLooks(
  context: Pick<Context, 'redis' | 'record'> & Limiting,
): (ctx: Koa.Context) => Promise<void> {
  const { redis, record } = context;
  return async (ctx) => {
    const owner = liveSession(ctx)?.owner;
    if (!owner) return;
    const path = ctx.path.replace(/^(\/operator\/queues)\/.*/, '$1'); // its frame asks again every few seconds
    const key = keys.personRead(owner.id, digest(`${path}?${ctx.querystring}`), 'look');
    if (await redis.exists(key).catch(() => 0)) return;
    await chargeLook(ctx, context, owner.userId);
    const event = { type: 'sensitive_read', outcome: 'success', ...actorOf(ctx), subject: null } as const;
    await record({ ...event, detail: { what: 'page', path } });
    await redis.set(key, '1', 'EX', ONE_LOOK_SECONDS).catch(() => undefined);
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Looking at oneself is not recorded. */
export function createSensitiveReads({ redis, record }: Pick<Context, 'redis' | 'record'>): NoteRead {
  return async (ctx, subjects, what) => {
    const owner = liveSession(ctx)?.owner;
    if (!owner) return;
    for (const subject of new Set(subjects)) {
      if (subject === null || subject === owner.userId) continue;
      const key = keys.personRead(owner.id, subject, what);
      if (await redis.exists(key).catch(() => 0)) continue;
      await record({
        type: 'sensitive_read',
        outcome: 'success',
        ...actorOf(ctx),
        subject,
        detail: { what },
      });
      await redis.set(key, '1', 'EX', ONE_LOOK_SECONDS).catch(() => undefined);
    }
  };
}

// Records operators who look at what belongs to one person. Pages of one list within a quarter of
// an hour are one look; without Redis, which remembers it, every page is recorded.
import type Koa from 'koa';
import type { Context } from '../../core/context.ts';
import { keys } from '../../core/platform/redis.ts';
import { actorOf } from './member.ts';
import { liveSession } from './request-state.ts';

const ONE_LOOK_SECONDS = 15 * 60;

export type NoteRead = (ctx: Koa.Context, subjects: Iterable<string | null>, what: string) => Promise<void>;

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

// The notice that PostgreSQL has gone back in time: it stands in one Redis, that of REDIS_URL, until an operator accepts it.
import type { Redis } from 'ioredis';
import type { Log } from '../../platform/log.ts';
import { keys } from '../../platform/redis.ts';

/** What showed it: numbers of events, of copies without a row, of endings that only Redis knew; or that it knew when all sessions ended. */
export type Rewind =
  | { readonly mark: number; readonly ending: number }
  | { readonly copies: number }
  | { readonly endings: number }
  | { readonly everybody: true };

export interface RewindNoticeOptions {
  readonly redis: Redis;
  readonly log: Log;
  /** Called once, by the process that noticed it first; by each that noticed it while this Redis was away. */
  readonly onRewind: (rewind: Rewind) => Promise<void>;
}

export type RewindNotice = ReturnType<typeof createRewindNotice>;

export function createRewindNotice({ redis, log, onRewind }: RewindNoticeOptions) {
  let standing = false;

  function tell(rewind: unknown): void {
    if (!standing) log.error({ rewind }, 'PostgreSQL has gone back in time: sessions or endings were lost');
    standing = true;
  }

  function hear(text: string | null): void {
    if (text !== null) tell(JSON.parse(text));
    else standing = false;
  }

  return {
    /** Whether it is kept in this Redis, under `keys.rewound`. */
    isKeptIn: (other: Redis) => other === redis,

    /** What stands there. */
    hear,

    /** Whether it stands, as this process knows it. */
    stands: () => standing,

    /** Leaves it, and records it where nobody else has. Never throws. */
    async raise(rewind: Rewind): Promise<void> {
      const first = await redis.set(keys.rewound, JSON.stringify(rewind), 'NX').catch(() => 'OK');
      tell(rewind);
      if (first === null) return;
      await onRewind(rewind).catch((error: unknown) =>
        log.warn({ err: error }, 'could not be recorded in the audit log'),
      );
    },

    /** Looks whether it stands. Throws where Redis is away. */
    async look(): Promise<void> {
      hear(await redis.get(keys.rewound));
    },

    /** An operator has accepted it. Throws where Redis is away. */
    async takeAway(): Promise<void> {
      await redis.del(keys.rewound);
      standing = false;
    },
  };
}

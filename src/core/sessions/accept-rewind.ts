// An operator's word that PostgreSQL has gone back in time and is the truth again as it is. What
// Redis still knows of lost endings is ended anew, with its events.
import { NO_ORIGIN, type Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Database } from '../platform/database.ts';
import type { createEndAllSessions } from './end-all-sessions.ts';
import { createEndAgain } from './failover/lost-endings.ts';
import type { SessionCache } from './session-cache.ts';
import type { Sessions } from './sessions.ts';

type EndAllSessions = ReturnType<typeof createEndAllSessions>;

export interface AcceptRewindOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly cache: SessionCache;
  readonly endAllSessions: Pick<EndAllSessions, 'askAgainWithin'>;
}

export function createAcceptRewind({ database, sessions, cache, endAllSessions }: AcceptRewindOptions) {
  const endAgain = createEndAgain({ database, sessions });

  /**
   * Returns how many sessions were ended again; null if no notice stands. Throws where a store is
   * away.
   */
  return async (reason: string, origin: Origin = NO_ORIGIN): Promise<number | null> => {
    await cache.rewound.look();
    if (!cache.rewound.stands()) return null;
    const again = { note: reason, origin };
    const fromJournal = await endAgain(await cache.rewound.lost(), again);
    const ended = fromJournal + (await endAgain(await cache.rewound.sweep(), again));
    const allEnded = cache.allEnded();
    await database.transact(async (transaction) => {
      if (allEnded) await endAllSessions.askAgainWithin(transaction, allEnded, { reason, origin });
      const about = { actor: null, subject: null, origin, detail: { reason, sessions: ended } };
      await recordEvent(transaction, { type: 'sys_database_loss_accepted', outcome: 'success', ...about });
    });
    await cache.rewound.forget();
    return ended;
  };
}

// An operator's word that PostgreSQL has gone back in time and is the truth again as it is. What
// Redis still knows of lost endings is ended anew, with its events.
import { NO_ORIGIN, type Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Database } from '../platform/database.ts';
import type { LostEnding } from './rewound-database.ts';
import type { SessionCache } from './session-cache.ts';
import type { Sessions } from './sessions.ts';

const BATCH = 500;

export interface AcceptRewindOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly cache: SessionCache;
}

export function createAcceptRewind({ database: { transact }, sessions, cache }: AcceptRewindOptions) {
  async function endAgain(lost: readonly LostEnding[], note: string, origin: Origin): Promise<number> {
    let ended = 0;
    for (const reason of new Set(lost.map((ending) => ending.reason))) {
      const ids = lost.flatMap((ending) => (ending.reason === reason ? [ending.sessionId] : []));
      for (let start = 0; start < ids.length; start += BATCH) {
        const about = { reason, actor: null, origin, note };
        const which = { sessionIds: ids.slice(start, start + BATCH) };
        ended += (await transact((transaction) => sessions.endWithin(transaction, which, about))).length;
      }
    }
    return ended;
  }

  /**
   * Returns how many sessions were ended again; null if no notice stands. Throws where a store is
   * away.
   */
  return async (reason: string, origin: Origin = NO_ORIGIN): Promise<number | null> => {
    await cache.rewound.readMark();
    if (!cache.rewound.stands()) return null;
    const ended = await endAgain(await cache.rewound.sweep(), reason, origin);
    await transact(async (transaction) => {
      const about = { actor: null, subject: null, origin, detail: { reason, sessions: ended } };
      await recordEvent(transaction, { type: 'sys_database_loss_accepted', outcome: 'success', ...about });
    });
    await cache.rewound.forget();
    return ended;
  };
}

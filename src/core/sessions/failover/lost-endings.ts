// What PostgreSQL has lost of endings, ended in it anew, with events that say so.
import { NO_ORIGIN, type Origin } from '../../audit/events.ts';
import type { Database } from '../../platform/database.ts';
import type { EndReason } from '../session-record.ts';
import type { Sessions } from '../sessions.ts';
import type { LostEnding } from './journal.ts';

const BATCH = 500;

export interface Again {
  /** An operator's words. */
  readonly note?: string;
  readonly origin?: Origin;
}

export interface EndAgainOptions {
  readonly database: Pick<Database, 'transact'>;
  readonly sessions: Pick<Sessions, 'endWithin'>;
}

/** Returns how many of them were live. Who ended them is not known any more. */
export function createEndAgain({ database: { transact }, sessions }: EndAgainOptions) {
  async function endBatch(sessionIds: readonly string[], reason: EndReason, { note, origin = NO_ORIGIN }: Again) {
    const about = { reason, actor: null, origin, after: 'failover', ...(note ? { note } : {}) } as const;
    return transact((transaction) => sessions.endWithin(transaction, { sessionIds }, about));
  }

  return async (lost: readonly LostEnding[], again: Again = {}): Promise<number> => {
    let ended = 0;
    for (const reason of new Set(lost.map((ending) => ending.reason))) {
      const ids = lost.flatMap((ending) => (ending.reason === reason ? [ending.sessionId] : []));
      for (let start = 0; start < ids.length; start += BATCH)
        ended += (await endBatch(ids.slice(start, start + BATCH), reason, again)).length;
    }
    return ended;
  };
}

// In which history of PostgreSQL a row was read, a copy was written and the high-water mark was set.
// What Redis has of another epoch may tell of a past that PostgreSQL has lost.
import { type Epoch, epochOf, isOlder, type ToldEpoch } from '../../platform/postgres/epoch.ts';
import { epochMark } from '../cache-entry.ts';

/** PostgreSQL is in an older epoch than the one that is known: it counts as away. */
export class StaleDatabaseError extends Error {
  /** "Takes no writes", which everybody takes for an outage. */
  readonly code = '25006';

  constructor(epoch: Epoch, known: Epoch) {
    super(`PostgreSQL is in epoch ${epoch}, and ${known} has begun elsewhere: it is believed no more`);
    this.name = 'StaleDatabaseError';
  }
}

export type Epochs = ReturnType<typeof createEpochs>;

export function createEpochs() {
  let newest: Epoch | null = null;
  let lineage: string | null = null;

  /** @throws StaleDatabaseError */
  function of(timeline: string | null): Epoch | null {
    const epoch = epochOf({ timeline, lineage });
    if (epoch !== null && newest !== null && isOlder(epoch, newest)) throw new StaleDatabaseError(epoch, newest);
    return epoch;
  }

  return {
    /** The newest that this process knows; null where PostgreSQL tells none. */
    newest: () => newest,

    /**
     * The epoch of what PostgreSQL said in this timeline; null where it told none.
     * @throws StaleDatabaseError where a newer one is known.
     */
    of,

    /**
     * PostgreSQL said which it is in: from now on that is the newest.
     * @throws StaleDatabaseError
     */
    hear(told: ToldEpoch): Epoch | null {
      lineage = told.lineage ?? lineage;
      const epoch = of(told.timeline);
      newest = epoch ?? newest;
      return epoch;
    },

    /** The mark in Redis is of this one: true if it is newer than what PostgreSQL said, and the newest from now on. */
    meet(epoch: Epoch | null | undefined): boolean {
      if (!epoch || newest === null || !isOlder(newest, epoch)) return false;
      newest = epoch;
      return true;
    },

    /** Whether a high-water mark of this epoch tells of the present. */
    holds: (epoch: Epoch | null | undefined) => newest === null || epoch === newest,

    /** The same of a copy, by what stands for its epoch in it. */
    holdsMark: (mark: string | null) => newest === null || mark === epochMark(newest),
  };
}

// What another room notices about events before they are chained, so that it is sealed with them.
import type pg from 'pg';
import type { KnownEvent } from './outbox-event.ts';

/** Notices in one sealing transaction. If any of it throws, the events are sealed without. */
export interface Noticing {
  /** Reads what is needed about a batch, one statement at a time. The batch before may not be noticed yet. */
  prepare(client: pg.ClientBase, events: readonly KnownEvent[]): Promise<void>;
  /** A prepared batch as it is to be sealed, in its order. */
  notice(events: readonly KnownEvent[]): readonly KnownEvent[];
  /** Writes what was learnt, after the last batch. */
  finish(client: pg.ClientBase): Promise<void>;
}

export type Notice = () => Noticing;

export const NOTHING_NOTICED: Notice = () => ({
  prepare: async () => undefined,
  notice: (events) => events,
  finish: async () => undefined,
});

/** Nothing could be noticed; the cause says why. The transaction is spoiled. */
export class Unnoticed extends Error {
  constructor(cause: unknown) {
    super('nothing could be noticed', { cause });
  }
}

/** Throws {@link Unnoticed} for whatever goes wrong. */
export function begunNoticing(begin: Notice): Noticing {
  const noticing = begin();
  const told = (error: unknown): never => {
    throw new Unnoticed(error);
  };
  return {
    prepare: (client, events) => noticing.prepare(client, events).catch(told),
    notice(events) {
      try {
        return noticing.notice(events);
      } catch (error) {
        return told(error);
      }
    },
    finish: (client) => noticing.finish(client).catch(told),
  };
}

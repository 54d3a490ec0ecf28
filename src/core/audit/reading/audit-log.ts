// Reads the sealed log: a page at a time, newest first; one event and its neighbours; onwards, in
// order.
import type { Database } from '../../platform/database.ts';
import type { SealedEvent } from '../canonical-event.ts';
import { type ChainHead, firstKept, readHead } from '../event-rows.ts';
import { countMatching, type MatchingCount } from './count.ts';
import { createFollowing } from './follow.ts';
import { type Glance, readGlance } from './glance.ts';
import { type AuditFilter, EVERY_EVENT, type Span, WHOLE_LOG } from './query.ts';
import { findSpan, readEvents, within } from './read.ts';
import { createAuditSearch, type Found, SEARCH_LIMITS } from './search.ts';

/** A page of events before (older than) or after (newer than) a number; null: of the newest. */
export type PageKey = { readonly before: number } | { readonly after: number } | null;

export interface AuditPage {
  /** Newest first. */
  readonly events: readonly SealedEvent[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
  /** The last number that was looked at, where time ran out before the page was full; else null. */
  readonly lookedTo: number | null;
}

const LIMITS = { ...SEARCH_LIMITS, part: 250_000 };

export type AuditLog = ReturnType<typeof createAuditLog>;

export function createAuditLog({
  database: { pool },
  limits = LIMITS,
}: {
  database: Pick<Database, 'pool'>;
  limits?: typeof LIMITS;
}) {
  const search = createAuditSearch(pool, limits);

  return {
    ...createFollowing(pool, limits),

    spanOf: (filter: AuditFilter): Promise<Span | null> => findSpan(pool, filter),

    /** One page, in bounded time, however far back it lies. */
    async page(filter: AuditFilter, key: PageKey, size: number): Promise<AuditPage> {
      const span = await findSpan(pool, filter);
      const after = key !== null && 'after' in key ? key.after : null;
      const before = key !== null && 'before' in key ? key.before : null;
      const order = after === null ? 'newest' : 'oldest';
      const { events, lookedTo }: Found =
        span === null
          ? { events: [], lookedTo: null }
          : await search(filter, { span: within(span, after, before), order, limit: size + 1 });
      const more = events.length > size || lookedTo !== null;
      const shown = events.slice(0, size);
      if (after !== null) return { events: shown.reverse(), hasNewer: more, hasOlder: true, lookedTo };
      return { events: shown, hasOlder: more, hasNewer: key !== null, lookedTo };
    },

    glance: (): Promise<Glance> => readGlance(pool),

    /** With a glance that is at hand, what it tells is not asked again. */
    count: (filter: AuditFilter, glance?: Glance): Promise<MatchingCount | null> => countMatching(pool, filter, glance),

    async event(seq: number): Promise<SealedEvent | null> {
      const selection = { span: { first: seq, last: seq }, order: 'oldest', limit: 1 } as const;
      const [event] = await readEvents(pool, EVERY_EVENT, selection);
      return event ?? null;
    },

    /** Newest first: `each` matches on either side of an event, and the event if it matches. */
    async around(filter: AuditFilter, seq: number, each: number): Promise<SealedEvent[]> {
      const [older, newer] = await Promise.all([
        readEvents(pool, filter, { span: within(WHOLE_LOG, null, seq + 1), order: 'newest', limit: each + 1 }),
        readEvents(pool, filter, { span: within(WHOLE_LOG, seq, null), order: 'oldest', limit: each }),
      ]);
      return [...newer.reverse(), ...older];
    },

    /** The number of the oldest event that is kept; of the next one if none is. */
    first: (): Promise<number> => firstKept(pool),

    head: (): Promise<ChainHead> => readHead(pool),
  };
}

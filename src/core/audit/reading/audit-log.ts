// Reading the sealed log: pages by key, newest first; one event and its neighbours; what came after a number, in order.

import { timedQuery } from '../../platform/connection.ts';
import { copyOut } from '../../platform/copy-out.ts';
import type { Database } from '../../platform/database.ts';
import type { SealedEvent } from '../canonical-event.ts';
import {
  type ChainHead,
  EVENT_COLUMNS,
  type EventRecord,
  EXPORT_COLUMNS,
  type ExportedEvent,
  eventOf,
  exportedEventOf,
  firstFrom,
  readHead,
} from '../event-rows.ts';
import {
  type AuditFilter,
  EVERY_EVENT,
  eventsQuery,
  isSummarised,
  type Selection,
  type Span,
  spanQuery,
  summaryConditions,
  WHOLE_LOG,
} from './query.ts';
import { createAuditSearch, type Found, SEARCH_LIMITS } from './search.ts';

/** Where a page begins: events before (older than) or after (newer than) a seq; null for the newest. */
export type PageKey = { readonly before: number } | { readonly after: number } | null;

export interface AuditPage {
  /** Newest first. */
  readonly events: readonly SealedEvent[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
  /** The last number that was looked at, where time ran out before the page was full; null usually. */
  readonly lookedTo: number | null;
}

/** A part of the log by number: what comes after one, up to and with another. */
export interface Range {
  readonly after: number;
  readonly upTo: number;
}

export interface Followed {
  readonly events: readonly SealedEvent[];
  /** Up to this number nothing else matches; whoever reads on goes on behind it. */
  readonly readTo: number;
}

/** Past this many the number of matching events is not counted to the end. */
export const COUNT_LIMIT = 1_000;
const COUNT_TIME_MS = 250;
/** How much is looked through at once, however little of it matches. */
const LIMITS = { ...SEARCH_LIMITS, part: 250_000 };
const HOUR_MS = 3_600_000;

export type AuditLog = ReturnType<typeof createAuditLog>;

export function createAuditLog({
  database: { pool },
  limits = LIMITS,
}: {
  database: Database;
  limits?: typeof LIMITS;
}) {
  const search = createAuditSearch(pool, limits);

  async function select(filter: AuditFilter, selection: Omit<Selection, 'columns'>): Promise<SealedEvent[]> {
    const { text, values } = eventsQuery(filter, { ...selection, columns: EVENT_COLUMNS });
    return (await pool.query<EventRecord>(text, values)).rows.map(eventOf);
  }

  /** The part of the log in which the filter's time lies; null if nothing happened in it. */
  async function spanOf(filter: AuditFilter): Promise<Span | null> {
    if (filter.from === null && filter.to === null) return WHOLE_LOG;
    const { text, values } = spanQuery(filter);
    const { rows } = await pool.query<{ first: string | null; last: string | null }>(text, values);
    const [row] = rows;
    return row?.first && row.last ? { first: Number(row.first), last: Number(row.last) } : null;
  }

  /** What comes next of the filter's time, as far as one query looks; null where none of it is left. */
  async function nextSpan(filter: AuditFilter, { after, upTo }: Range): Promise<Span | null> {
    const span = await spanOf(filter);
    if (span === null) return null;
    const { first, last } = within(span, after, upTo + 1);
    return first > last ? null : { first, last: Math.min(last, first + limits.part - 1) };
  }

  async function summed(filter: AuditFilter): Promise<number> {
    const values: unknown[] = [];
    const where = summaryConditions(filter, (value) => `$${values.push(value)}`);
    const { rows } = await pool.query<{ events: string | null }>(
      `SELECT sum(events) AS events FROM audit_summary ${where}`,
      values,
    );
    return Number(rows[0]?.events ?? 0);
  }

  return {
    spanOf,

    /** One page of the log, by key: its cost does not grow with how far back it lies, and its time is bounded. */
    async page(filter: AuditFilter, key: PageKey, size: number): Promise<AuditPage> {
      const span = await spanOf(filter);
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

    /** Some of what matches after one number and up to another, oldest first: for whoever reads on and misses none. */
    async following(filter: AuditFilter, range: Range, limit: number): Promise<Followed> {
      const span = await nextSpan(filter, range);
      const events = span === null ? [] : await select(filter, { span, order: 'oldest', limit });
      const readTo = events.length === limit ? events.at(-1)?.seq : span?.last;
      return { events, readTo: readTo ?? range.upTo };
    },

    /** The same, as an export writes them, each handed to `take` as it comes. Returns how far was read. */
    async exportable(
      filter: AuditFilter,
      range: Range,
      limit: number,
      take: (event: ExportedEvent) => void,
    ): Promise<number> {
      const span = await nextSpan(filter, range);
      if (span === null) return range.upTo;
      const query = eventsQuery(filter, { columns: EXPORT_COLUMNS, span, order: 'oldest', limit });
      let taken = 0;
      let seq = span.last;
      await copyOut(pool, query, (row) => {
        const event = exportedEventOf(row);
        take(event);
        taken += 1;
        if (taken === limit) seq = event.seq;
      });
      return seq;
    },

    /**
     * How many events match: exactly where the hourly summary knows, else counted up to {@link COUNT_LIMIT}; null where
     * counting would take longer than it is worth.
     */
    async count(filter: AuditFilter): Promise<{ events: number; andMore: boolean } | null> {
      if (isEvery(filter)) {
        const [head, first] = await Promise.all([this.head(), this.first()]);
        return { events: head.seq + 1 - first, andMore: false };
      }
      if (isSummarised(filter) && isWholeHours(filter)) return { events: await summed(filter), andMore: false };
      const span = await spanOf(filter);
      if (span === null) return { events: 0, andMore: false };
      const { text, values } = eventsQuery(filter, { columns: 'seq', span, order: 'newest', limit: COUNT_LIMIT + 1 });
      const counting = { text: `SELECT count(*) FROM (${text}) AS matching`, values };
      const rows = await timedQuery<{ count: string }>(pool, COUNT_TIME_MS, counting);
      if (rows === null) return null;
      const counted = Number(rows[0]?.count ?? 0);
      return { events: Math.min(counted, COUNT_LIMIT), andMore: counted > COUNT_LIMIT };
    },

    /** One event by its number, or null. */
    async event(seq: number): Promise<SealedEvent | null> {
      const [event] = await select(EVERY_EVENT, { span: { first: seq, last: seq }, order: 'oldest', limit: 1 });
      return event ?? null;
    },

    /** What matches nearest to an event, `each` before it and after it, newest first; the event is among them if it matches. */
    async around(filter: AuditFilter, seq: number, each: number): Promise<SealedEvent[]> {
      const [older, newer] = await Promise.all([
        select(filter, { span: within(WHOLE_LOG, null, seq + 1), order: 'newest', limit: each + 1 }),
        select(filter, { span: within(WHOLE_LOG, seq, null), order: 'oldest', limit: each }),
      ]);
      return [...newer.reverse(), ...older];
    },

    /** The number of the oldest event that is kept; of the next one if none is. */
    async first(): Promise<number> {
      return (await firstFrom(pool, 0)) ?? (await this.head()).seq + 1;
    },

    head: (): Promise<ChainHead> => readHead(pool),
  };
}

/** Whether a filter lets every event through. */
export function isEvery(filter: AuditFilter): boolean {
  return Object.values(filter).every((part) => part === null);
}

function isWholeHours({ from, to }: AuditFilter): boolean {
  return [from, to].every((moment) => moment === null || moment.getTime() % HOUR_MS === 0);
}

function within({ first, last }: Span, after: number | null, before: number | null): Span {
  return { first: Math.max(first, (after ?? first - 1) + 1), last: Math.min(last, (before ?? last + 1) - 1) };
}

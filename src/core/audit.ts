// Reading the sealed log: pages by key, newest first; one event and its neighbours; what came after a number, in order.
import type { SealedEvent } from './audit-chain.ts';
import {
  type AuditFilter,
  EVERY_EVENT,
  eventsQuery,
  type Selection,
  type Span,
  spanQuery,
  WHOLE_LOG,
} from './audit-query.ts';
import { AUDIT_COLUMNS, type AuditRow, eventOf } from './audit-rows.ts';
import type { Database } from './database.ts';

/** Where a page begins: events before (older than) or after (newer than) a seq; null for the newest. */
export type PageKey = { readonly before: number } | { readonly after: number } | null;

export interface AuditPage {
  /** Newest first. */
  readonly events: readonly SealedEvent[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
}

/** Past this many the number of matching events is not counted to the end. */
export const COUNT_LIMIT = 1_000;

export type Audit = ReturnType<typeof createAudit>;

export function createAudit({ database: { pool } }: { database: Database }) {
  async function select(filter: AuditFilter, selection: Omit<Selection, 'columns'>): Promise<SealedEvent[]> {
    const { text, values } = eventsQuery(filter, { ...selection, columns: AUDIT_COLUMNS });
    const { rows } = await pool.query<AuditRow>(text, values);
    return rows.map(eventOf);
  }

  /** The part of the log in which the filter's time lies; null if nothing happened in it. */
  async function spanOf(filter: AuditFilter): Promise<Span | null> {
    if (filter.from === null && filter.to === null) return WHOLE_LOG;
    const { text, values } = spanQuery(filter);
    const { rows } = await pool.query<{ first: string | null; last: string | null }>(text, values);
    const [row] = rows;
    return row?.first && row.last ? { first: Number(row.first), last: Number(row.last) } : null;
  }

  return {
    /** One page of the log, by key: its cost does not grow with how far back it lies. */
    async page(filter: AuditFilter, key: PageKey, size: number): Promise<AuditPage> {
      const span = await spanOf(filter);
      const after = key !== null && 'after' in key ? key.after : null;
      const before = key !== null && 'before' in key ? key.before : null;
      const order = after === null ? 'newest' : 'oldest';
      const events =
        span === null ? [] : await select(filter, { span: within(span, after, before), order, limit: size + 1 });
      const more = events.length > size;
      const shown = events.slice(0, size);
      if (after !== null) return { events: shown.reverse(), hasNewer: more, hasOlder: true };
      return { events: shown, hasOlder: more, hasNewer: key !== null };
    },

    /** Matching events after one number and up to another, oldest first: for whoever reads on and misses none. */
    async following(filter: AuditFilter, { after, upTo }: { after: number; upTo: number }, limit: number) {
      const span = await spanOf(filter);
      if (span === null) return [];
      return select(filter, { span: within(span, after, upTo + 1), order: 'oldest', limit });
    },

    /** How many events match, counted up to {@link COUNT_LIMIT} + 1; without a filter, the exact number. */
    async count(filter: AuditFilter): Promise<number> {
      if (isEvery(filter)) return (await this.head()).seq;
      const span = await spanOf(filter);
      if (span === null) return 0;
      const { text, values } = eventsQuery(filter, { columns: 'seq', span, order: 'newest', limit: COUNT_LIMIT + 1 });
      const { rows } = await pool.query<{ count: string }>(`SELECT count(*) FROM (${text}) AS matching`, values);
      return Number(rows[0]?.count ?? 0);
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

    /** The newest sealed event, as the chain's head has it. */
    async head(): Promise<{ seq: number; hash: Buffer }> {
      const { rows } = await pool.query<{ seq: string; hash: Buffer }>('SELECT seq, hash FROM audit_head WHERE id = 1');
      const head = rows[0];
      if (!head) throw new Error('audit_head has lost its row');
      return { seq: Number(head.seq), hash: head.hash };
    },
  };
}

/** Whether a filter lets every event through. */
export function isEvery(filter: AuditFilter): boolean {
  return Object.values(filter).every((part) => part === null);
}

function within({ first, last }: Span, after: number | null, before: number | null): Span {
  return { first: Math.max(first, (after ?? first - 1) + 1), last: Math.min(last, (before ?? last + 1) - 1) };
}

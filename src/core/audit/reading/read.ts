// The two questions that all reading of the log rests on.
import type pg from 'pg';
import type { SealedEvent } from '../canonical-event.ts';
import { EVENT_COLUMNS, type EventRecord, eventOf } from '../event-rows.ts';
import { type AuditFilter, eventsQuery, type Selection, type Span, spanQuery, WHOLE_LOG } from './query.ts';

export async function readEvents(
  pool: pg.Pool,
  filter: AuditFilter,
  selection: Omit<Selection, 'columns'>,
): Promise<SealedEvent[]> {
  const { text, values } = eventsQuery(filter, { ...selection, columns: EVENT_COLUMNS });
  return (await pool.query<EventRecord>(text, values)).rows.map(eventOf);
}

/** The part of the log in which the filter's time lies; null if nothing happened in it. */
export async function findSpan(pool: pg.Pool, filter: AuditFilter): Promise<Span | null> {
  if (filter.from === null && filter.to === null) return WHOLE_LOG;
  const { text, values } = spanQuery(filter);
  const { rows } = await pool.query<{ first: string | null; last: string | null }>(text, values);
  const [row] = rows;
  return row?.first && row.last ? { first: Number(row.first), last: Number(row.last) } : null;
}

/** What of a span lies between two numbers, without these. */
export function within({ first, last }: Span, after: number | null, before: number | null): Span {
  return { first: Math.max(first, (after ?? first - 1) + 1), last: Math.min(last, (before ?? last + 1) - 1) };
}

// A page of the log in bounded time, also where next to nothing matches and no index helps: then
// the log is looked through piece by piece, and the answer says how far.
import type pg from 'pg';
import { timedQuery } from '../../platform/postgres/connection.ts';
import type { SealedEvent } from '../canonical-event.ts';
import { EVENT_COLUMNS, type EventRecord, eventOf } from '../event-rows.ts';
import { type AuditFilter, eventsQuery, isEvery, nextQuery, type Selection, type Span } from './query.ts';

export interface Found {
  /** In the order asked for. */
  readonly events: readonly SealedEvent[];
  /** The last number that was looked at, where time ran out; else null. */
  readonly lookedTo: number | null;
}

export const SEARCH_LIMITS = { searchMs: 1_500, firstPiece: 25_000 };
const GROWTH = 4;

/** What one query does not find in `searchMs` is looked for in pieces, for as long again. */
export function createAuditSearch(pool: pg.Pool, { searchMs, firstPiece }: typeof SEARCH_LIMITS) {
  return async function search(filter: AuditFilter, selection: Omit<Selection, 'columns'>): Promise<Found> {
    const queryFor = (span: Span, limit: number) =>
      eventsQuery(filter, { ...selection, columns: EVENT_COLUMNS, span, limit });
    const rows = isEvery(filter)
      ? (await pool.query<EventRecord>(nextQuery({ ...selection, columns: EVENT_COLUMNS }))).rows
      : await timedQuery<EventRecord>(pool, searchMs, queryFor(selection.span, selection.limit));
    if (rows !== null) return { events: rows.map(eventOf), lookedTo: null };

    const until = performance.now() + searchMs;
    const events: SealedEvent[] = [];
    let lookedTo: number | null = null;
    for (const piece of pieces(await written(selection.span), selection.order, firstPiece)) {
      const query = queryFor(piece, selection.limit - events.length);
      const leftMs = until - performance.now();
      // The first piece may take as long as it wants, so that each page gets further.
      const found: EventRecord[] | null =
        lookedTo === null
          ? (await pool.query<EventRecord>(query.text, query.values)).rows
          : leftMs > 0
            ? await timedQuery<EventRecord>(pool, leftMs, query)
            : null;
      if (found === null) return { events, lookedTo };
      events.push(...found.map(eventOf));
      if (events.length >= selection.limit) break;
      lookedTo = selection.order === 'newest' ? piece.first : piece.last;
    }
    return { events, lookedTo: null };
  };

  async function written({ first, last }: Span): Promise<Span> {
    const { rows } = await pool.query<{ first: string | null; last: string | null }>(
      'SELECT min(seq) AS first, max(seq) AS last FROM audit_event',
    );
    return { first: Math.max(first, Number(rows[0]?.first ?? 0)), last: Math.min(last, Number(rows[0]?.last ?? 0)) };
  }
}

/** From the end that is asked for; each larger than the one before. */
function* pieces(span: Span, order: Selection['order'], firstPiece: number): Generator<Span> {
  let left = span;
  for (let size = firstPiece; left.first <= left.last; size *= GROWTH) {
    if (order === 'newest') {
      const piece = { first: Math.max(left.first, left.last - size + 1), last: left.last };
      yield piece;
      left = { first: left.first, last: piece.first - 1 };
    } else {
      const piece = { first: left.first, last: Math.min(left.last, left.first + size - 1) };
      yield piece;
      left = { first: piece.last + 1, last: left.last };
    }
  }
}

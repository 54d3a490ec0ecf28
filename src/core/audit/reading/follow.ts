// Reads the log onwards from a number, oldest first, for an export or a stream that must miss
// nothing.
import type pg from 'pg';
import { type CopiedRow, copyOut } from '../../platform/postgres/copy-out.ts';
import type { SealedEvent } from '../canonical-event.ts';
import { base64urlOf, EXPORT_COLUMNS, type ExportedEvent, exportedEventOf, HASH_COLUMNS } from '../event-rows.ts';
import { type AuditFilter, eventsQuery, type Span } from './query.ts';
import { findSpan, readEvents, within } from './read.ts';

/** A part of the log by number: what comes after one, up to and including another. */
export interface Range {
  readonly after: number;
  readonly upTo: number;
}

export interface Followed {
  readonly events: readonly SealedEvent[];
  /** Nothing else matches up to this number: read on after it. */
  readonly readTo: number;
}

/** `part`: how many events one call looks through at most, however few of them match. */
export function createFollowing(pool: pg.Pool, { part }: { part: number }) {
  /** What comes next of the filter's time; null where none of it is left. */
  async function nextSpan(filter: AuditFilter, { after, upTo }: Range): Promise<Span | null> {
    const span = await findSpan(pool, filter);
    if (span === null) return null;
    const { first, last } = within(span, after, upTo + 1);
    return first > last ? null : { first, last: Math.min(last, first + part - 1) };
  }

  return {
    /** Some of what matches in the range. */
    async following(filter: AuditFilter, range: Range, limit: number): Promise<Followed> {
      const span = await nextSpan(filter, range);
      const events = span === null ? [] : await readEvents(pool, filter, { span, order: 'oldest', limit });
      const readTo = events.length === limit ? events.at(-1)?.seq : span?.last;
      return { events, readTo: readTo ?? range.upTo };
    },

    /** The same as text, given to `take` event by event. Returns how far it has read. */
    exportable: (
      filter: AuditFilter,
      range: Range,
      limit: number,
      take: (event: ExportedEvent) => void,
    ): Promise<number> =>
      copied(filter, range, { columns: EXPORT_COLUMNS, limit }, (row) => {
        const event = exportedEventOf(row);
        take(event);
        return event.seq;
      }),

    /** Only numbers and hashes, in base64url. Returns how far it has read. */
    hashes: (
      filter: AuditFilter,
      range: Range,
      limit: number,
      take: (seq: number, hash: string) => void,
    ): Promise<number> =>
      copied(filter, range, { columns: HASH_COLUMNS, limit }, ([seq, hash]) => {
        take(Number(seq), base64urlOf(hash ?? ''));
        return Number(seq);
      }),
  };

  async function copied(
    filter: AuditFilter,
    range: Range,
    { columns, limit }: { columns: string; limit: number },
    take: (row: CopiedRow) => number,
  ): Promise<number> {
    const span = await nextSpan(filter, range);
    if (span === null) return range.upTo;
    const query = eventsQuery(filter, { columns, span, order: 'oldest', limit });
    let taken = 0;
    let last = span.last;
    await copyOut(pool, query, (row) => {
      const seq = take(row);
      taken += 1;
      if (taken === limit) last = seq;
    });
    return last;
  }
}

// An export that the log knows of: that it began, before anybody has its first byte, and then how it ended.
import type { Detail, NewAuditEvent } from '../events.ts';
import { described } from './described.ts';
import { type ExportedPart, type ExportFormat, type ExportSource, exportLog } from './export.ts';
import type { Listing } from './listing.ts';
import type { AuditFilter } from './query.ts';

export interface RecordedExport {
  readonly filter: AuditFilter;
  readonly format: ExportFormat;
  /** Who exports, from where, and about whom if the filter names somebody. */
  readonly about: Pick<NewAuditEvent, 'actor' | 'subject' | 'session' | 'origin'>;
}

export interface RecordedExportOptions extends ExportSource {
  /** Throws if PostgreSQL is away. */
  readonly record: (event: NewAuditEvent) => Promise<void>;
}

export interface BegunExport {
  readonly parts: AsyncIterable<ExportedPart>;
  /** Records how it ended, and how many events were read; what is said first counts. Throws if PostgreSQL is away. */
  end(outcome: 'success' | 'failure'): Promise<void>;
}

/** Records the beginning. Whoever writes the parts says how it ended: what was read may never have arrived. */
export async function beginExport(
  { record, ...source }: RecordedExportOptions,
  { filter, format, about }: RecordedExport,
): Promise<BegunExport> {
  const detail: Detail = { format, filter: JSON.stringify(described(filter)) };
  await record({ type: 'audit_export_begun', outcome: 'success', ...about, detail });
  let events = 0;
  let ended = false;
  let listing: Listing | null = null;
  return {
    parts: counted(),
    async end(outcome) {
      if (ended) return;
      ended = true;
      await record({
        type: 'audit_export',
        outcome,
        ...about,
        detail: { ...detail, events, ...(listing && { digest: listing.events }) },
      });
    },
  };

  async function* counted(): AsyncGenerator<ExportedPart> {
    for await (const part of exportLog(source, filter, format)) {
      events += part.events;
      listing = part.listing ?? null;
      yield part;
    }
  }
}

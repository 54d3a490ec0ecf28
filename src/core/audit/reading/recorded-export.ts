// An export that the log knows of: that it began, before anybody has its first byte, and then how it ended.
import type { Detail, NewAuditEvent } from '../events.ts';
import type { AuditLog } from './audit-log.ts';
import { type ExportedPart, type ExportFormat, exportLog } from './export.ts';
import type { AuditFilter } from './query.ts';

export interface RecordedExport {
  readonly filter: AuditFilter;
  readonly format: ExportFormat;
  /** Who exports, from where, and about whom if the filter names somebody. */
  readonly about: Pick<NewAuditEvent, 'actor' | 'subject' | 'session' | 'origin'>;
}

export interface RecordedExportOptions {
  readonly auditLog: Pick<AuditLog, 'exportable' | 'head' | 'first'>;
  /** Throws if PostgreSQL is away. */
  readonly record: (event: NewAuditEvent) => Promise<void>;
}

/**
 * Records the beginning, then returns the parts. Success is recorded when the last one was taken, and failure when the reader
 * leaves before, or the reading fails.
 */
export async function beginExport(
  { auditLog, record }: RecordedExportOptions,
  { filter, format, about }: RecordedExport,
): Promise<AsyncGenerator<ExportedPart>> {
  const detail: Detail = { format, filter: described(filter) };
  const end = (outcome: 'success' | 'failure', events: number) =>
    record({ type: 'audit_export', outcome, ...about, detail: { ...detail, events } });
  await record({ type: 'audit_export_begun', outcome: 'success', ...about, detail });
  return parts();

  async function* parts(): AsyncGenerator<ExportedPart> {
    let events = 0;
    let whole = false;
    try {
      for await (const part of exportLog(auditLog, filter, format)) {
        yield part;
        events += part.events;
      }
      whole = true;
    } finally {
      if (!whole) await end('failure', events).catch(() => undefined); // what went wrong is thrown, not this
    }
    await end('success', events);
  }
}

/** The set parts; accounts by id, never as typed. */
function described(filter: AuditFilter): string {
  return JSON.stringify(Object.fromEntries(Object.entries(filter).filter(([, part]) => part !== null)));
}

// `audit export`: the log as a file. The log records it.
import { createWriteStream } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ExportFormat, exportLog } from '../../core/audit/reading/export.ts';
import type { AuditFilter } from '../../core/audit/reading/query.ts';
import { callerFor, type Why } from '../caller.ts';
import { withContext } from '../connect.ts';
import { startBar } from '../progress.ts';
import { type FilterOptions, readFilter } from './filter.ts';

export async function exportTo(
  options: FilterOptions & Why & { readonly format: ExportFormat; readonly output?: string },
): Promise<void> {
  const { actor, origin } = await callerFor(options);
  await withContext(async (context) => {
    const filter = await readFilter(options, context);
    await context.record({
      type: 'audit_export',
      outcome: 'success',
      actor,
      subject: filter.person,
      origin,
      detail: { format: options.format, filter: described(filter) },
    });
    const { seq } = await context.auditLog.head();
    const bar = startBar('Exporting', seq);
    let events = 0;
    async function* parts() {
      for await (const part of exportLog(context.auditLog, filter, options.format)) {
        events += part.events;
        bar.update(part.seq);
        yield part.bytes;
      }
    }
    const output: Writable = options.output
      ? createWriteStream(options.output, { flags: 'wx', mode: 0o600 })
      : process.stdout;
    await pipeline(Readable.from(parts(), { highWaterMark: 1 }), output, { end: options.output !== undefined });
    bar.stop();
    process.stderr.write(`Exported ${events} events.\n`);
  });
}

function described(filter: AuditFilter): string {
  return JSON.stringify(Object.fromEntries(Object.entries(filter).filter(([, part]) => part !== null)));
}

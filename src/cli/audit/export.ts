// `audit export`: the log as a file. The log records that it began, and how it ended.
import { createWriteStream } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExportedPart, ExportFormat } from '../../core/audit/reading/export.ts';
import { beginExport } from '../../core/audit/reading/recorded-export.ts';
import { withContext } from '../connect.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { UsageError } from '../terminal/errors.ts';
import { withNewFile } from '../terminal/new-file.ts';
import { counted } from '../terminal/print.ts';
import { withBar } from '../terminal/progress.ts';
import { stoppable } from '../terminal/stopping.ts';
import { type FilterOptions, readFilter } from './filter.ts';

interface Options extends FilterOptions, Why {
  readonly format: ExportFormat;
  readonly output?: string;
}

/** A file that can't be written is refused before anything is read or recorded; half of one does not stay. */
export async function exportTo({ output, format, ...options }: Options): Promise<void> {
  if (output === '') throw new UsageError('--output needs the name of a file.');
  const { actor, origin } = await callerFor(options);
  await withContext(async (context) => {
    const filter = await readFilter(options, context.users);
    const { seq } = await context.auditLog.head();
    let events = 0;
    let end = () => Promise.resolve();

    async function write(target: Writable, stopped: AbortSignal): Promise<void> {
      const about = { actor, subject: filter.person, origin };
      const begun = await beginExport(context, { filter, format, about });
      end = () => begun.end('success');
      try {
        await withBar({ doing: 'Exporting', total: seq }, (update) => {
          const written = async function* (from: AsyncIterable<ExportedPart>) {
            for await (const part of from) {
              yield part.bytes;
              events += part.events;
              update(part.seq);
            }
          };
          const parts = Readable.from(written(begun.parts), { highWaterMark: 1 });
          return pipeline(parts, target, { end: target !== process.stdout, signal: stopped });
        });
      } catch (error) {
        await begun.end('failure').catch(() => undefined); // the error that is thrown says more
        throw brokenOff(error, events);
      }
    }

    await stoppable((stopped) =>
      output === undefined
        ? write(process.stdout, stopped)
        : withNewFile(output, (file) => write(createWriteStream(output, { fd: file }), stopped)),
    );
    await end();
    process.stderr.write(`Exported ${counted(events, 'event')}.\n`);
  });
}

function brokenOff(error: unknown, events: number): unknown {
  const { code, name } = error as NodeJS.ErrnoException;
  if (name === 'AbortError')
    return new Error(`Stopped after about ${counted(events, 'event')}: the export is not whole.`);
  if (code !== 'EPIPE' && code !== 'ERR_STREAM_PREMATURE_CLOSE') return error;
  return new Error(`Whoever reads the export has left after about ${counted(events, 'event')}: it is not whole.`);
}

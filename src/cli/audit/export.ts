// `audit export`: the log as a file. The log records that it began, and how it ended.
import { createWriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExportedPart, ExportFormat } from '../../core/audit/reading/export.ts';
import { beginExport } from '../../core/audit/reading/recorded-export.ts';
import { withContext } from '../connect.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { UsageError } from '../terminal/errors.ts';
import { startBar } from '../terminal/progress.ts';
import { type FilterOptions, readFilter } from './filter.ts';

interface Options extends FilterOptions, Why {
  readonly format: ExportFormat;
  readonly output?: string;
}

/** A file that can't be written is refused before anything is read or recorded. */
export async function exportTo({ output, format, ...options }: Options): Promise<void> {
  if (output === '') throw new UsageError('--output needs the name of a file.');
  const { actor, origin } = await callerFor(options);
  await withContext(async (context) => {
    const filter = await readFilter(options, context.users);
    const { seq } = await context.auditLog.head();
    const file = output === undefined ? null : await created(output);
    const about = { actor, subject: filter.person, origin };
    const begun = await beginExport(context, { filter, format, about });
    const bar = startBar('Exporting', seq);
    let events = 0;
    const counted = async function* (from: AsyncIterable<ExportedPart>) {
      for await (const part of from) {
        yield part.bytes;
        events += part.events;
        bar.update(part.seq);
      }
    };
    try {
      const target = file === null ? process.stdout : createWriteStream(output ?? '', { fd: file });
      await pipeline(Readable.from(counted(begun.parts), { highWaterMark: 1 }), target, { end: file !== null });
    } catch (error) {
      await begun.end('failure').catch(() => undefined); // the error that is thrown says more
      throw brokenOff(error, events);
    } finally {
      bar.stop();
    }
    await begun.end('success');
    process.stderr.write(`Exported ${events} events.\n`);
  });
}

function created(output: string): Promise<FileHandle> {
  return open(output, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new Error(`The folder of ${output} is not there.`) : error;
  });
}

function brokenOff(error: unknown, events: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'EPIPE' && code !== 'ERR_STREAM_PREMATURE_CLOSE') return error;
  return new Error(`Whoever reads the export has left after about ${events} events: it is not whole.`);
}

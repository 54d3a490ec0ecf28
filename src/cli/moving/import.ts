// `import`: reads the file, and says what became of it.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Format } from '../../core/moving/formats/formats.ts';
import type { ImportSummary } from '../../core/moving/import-people.ts';
import { withContext } from '../connect.ts';
import { garbageCollector } from '../lean.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { UsageError } from '../terminal/errors.ts';
import type { AsJson } from '../terminal/list.ts';
import { say, sayJson } from '../terminal/output.ts';
import { printable } from '../terminal/print.ts';
import { type Report, startReport } from './report.ts';
import { readSecrets, requireSecretsKeys } from './secrets.ts';

interface Options extends Why, AsJson {
  readonly from?: Exclude<Format, 'neutral'>;
  readonly dryRun: boolean;
  readonly allowWeak: boolean;
  readonly secrets?: string;
  readonly welcome: boolean;
  readonly report?: string;
}

const STDIN = '-';
/** The bar counts these. */
const KIB = 1_024;
const BATCHES_OF_GARBAGE = 5;

export async function importPeople(file: string | undefined, options: Options): Promise<void> {
  if (file === undefined) throw new UsageError('Say which file; - reads standard input.');
  const { from = 'neutral', dryRun, allowWeak, welcome, json, ...why } = options;
  const by = dryRun ? await callerFor(why, { needed: false }) : await callerFor(why);
  const size = file === STDIN ? 0 : (await stat(file)).size;
  const secrets = options.secrets === undefined ? {} : await readSecrets(options.secrets);
  const env = options.secrets === undefined || dryRun ? {} : await requireSecretsKeys(process.env);
  const report = await startReport(reportFor(file, options.report));
  try {
    const summary = await withContext(async (context) => {
      if (welcome && !context.mail.possible) throw new UsageError('--welcome needs a mail server: set SMTP_URL.');
      const [{ readPeople }, { startBar }] = await Promise.all([
        import('../../core/moving/formats/formats.ts'),
        import('../terminal/progress.ts'),
      ]);
      const input = file === STDIN ? process.stdin : createReadStream(file, { highWaterMark: 256 * KIB });
      const bar = startBar(dryRun ? 'Reading' : 'Importing', Math.ceil(size / KIB), 'KiB');
      let bytes = 0;
      async function* counted(): AsyncGenerator<Buffer> {
        for await (const chunk of input as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          yield chunk;
        }
      }
      const people = readPeople(from, counted());
      const about = { people, from, secrets, allowWeak, dryRun, welcome, by };
      try {
        const collect = garbageCollector();
        let batches = 0;
        const onProgress = () => {
          bar.update(Math.floor(bytes / KIB));
          batches += 1;
          if (batches % BATCHES_OF_GARBAGE === 0) collect();
        };
        return await context.importPeople({ ...about, onProblem: report.add, onProgress });
      } finally {
        bar.stop();
      }
    }, env);
    if (json) sayJson(summary);
    else for (const line of inWords(summary, dryRun)) say(line);
    complain(summary, report);
  } finally {
    await report.close();
  }
}

/** @throws UsageError where it is the file itself, which the report would replace */
function reportFor(file: string, report = `${file === STDIN ? 'import' : file}.errors.ndjson`): string {
  if (file !== STDIN && resolve(report) === resolve(file))
    throw new UsageError('The report would replace the file: name another with --report.');
  return report;
}

/** Ends the command with 1. */
function complain({ errors }: ImportSummary, report: Report): void {
  const count = Object.values(errors).reduce((sum, one) => sum + one, 0);
  if (count === 0) return;
  throw new Error(
    `${counted(count, 'person', 'people')} could not be taken: see ${report.file}. Mend the file and run the command again.`,
  );
}

function inWords(summary: ImportSummary, dryRun: boolean): string[] {
  const { created, unchanged, deleted, withoutPassword, weak, schemes, errors, notKept } = summary;
  const did = dryRun ? 'would be taken over' : 'taken over';
  const lines = [
    `${counted(created, 'person', 'people')} ${did}${unchanged > 0 ? `, ${unchanged} here already` : ''}.`,
  ];
  if (deleted > 0) lines.push(`${counted(deleted, 'person', 'people')} left out, whose account was deleted here.`);
  for (const [scheme, count] of descending(schemes)) lines.push(`  password ${printable(scheme)}: ${count}`);
  if (withoutPassword > 0) lines.push(`  without a password: ${withoutPassword}`);
  if (weak > 0) lines.push(`  badly protected, ${dryRun ? 'to be ' : ''}hashed once more: ${weak}`);
  for (const [field, count] of descending(notKept)) lines.push(`  ${field} not kept: ${count}`);
  for (const [code, count] of descending(errors)) lines.push(`  error ${code}: ${count}`);
  return lines;
}

function descending(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([, one], [, other]) => other - one);
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

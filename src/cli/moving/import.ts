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
import { counted, printable } from '../terminal/print.ts';
import { stoppable } from '../terminal/stopping.ts';
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
    let cut = false;
    const work = (stopped: AbortSignal) =>
      withContext(async (context) => {
        if (welcome && !context.mail.possible) throw new UsageError('--welcome needs a mail server: set SMTP_URL.');
        const [{ readPeople }, { withBar }] = await Promise.all([
          import('../../core/moving/formats/formats.ts'),
          import('../terminal/progress.ts'),
        ]);
        const input = file === STDIN ? process.stdin : createReadStream(file, { highWaterMark: 256 * KIB });
        let bytes = 0;
        async function* measured(): AsyncGenerator<Buffer> {
          for await (const chunk of input as AsyncIterable<Buffer>) {
            bytes += chunk.length;
            yield chunk;
          }
        }
        const people = until(stopped, readPeople(from, measured()), () => {
          cut = true;
          input.destroy();
        });
        const about = { people, from, secrets, allowWeak, dryRun, welcome, by };
        const collect = garbageCollector();
        let batches = 0;
        const bar = { doing: dryRun ? 'Reading' : 'Importing', total: Math.ceil(size / KIB), unit: 'KiB' };
        return withBar(bar, (update) => {
          const onProgress = () => {
            update(Math.floor(bytes / KIB));
            batches += 1;
            if (batches % BATCHES_OF_GARBAGE === 0) collect();
          };
          return context.importPeople({ ...about, onProblem: report.add, onProgress });
        });
      }, env);
    const summary = await stoppable(work);
    if (json) sayJson(summary);
    else for (const line of inWords(summary, dryRun, report)) say(line);
    if (cut) throw new Error(stoppedAfter(summary, dryRun));
    if (summary.read === 0) throw new Error(nobodyIn(file, from));
    complain(summary, report);
  } finally {
    await report.close();
  }
}

/** Between two parts: what stands in half of one would be taken for a mistake. The source may never say anything more. */
async function* until<T>(stopped: AbortSignal, source: AsyncIterable<T>, onCut: () => void): AsyncGenerator<T> {
  const parts = source[Symbol.asyncIterator]();
  const end = new Promise<null>((resolve) => stopped.addEventListener('abort', () => resolve(null), { once: true }));
  for (;;) {
    const next = stopped.aborted ? null : await Promise.race([parts.next(), end]);
    if (next === null) return onCut();
    if (next.done) return;
    yield next.value;
  }
}

/** Also where the file is of another system than was said. */
function nobodyIn(file: string, from: Format): string {
  const asWhat = from === 'neutral' ? '' : ` read as one of ${from}`;
  return `Nobody was found in ${file === STDIN ? 'standard input' : file}${asWhat}.`;
}

function stoppedAfter({ read }: ImportSummary, dryRun: boolean): string {
  return `Stopped after ${counted(read, 'person', 'people')}; run it again to ${dryRun ? 'count all' : 'go on'}.`;
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

function inWords(summary: ImportSummary, dryRun: boolean, report: Report): string[] {
  const { created, unchanged, otherAddress, deleted, withoutPassword, weak, schemes, errors, notKept } = summary;
  const did = dryRun ? 'would be taken over' : 'taken over';
  const lines = [
    `${counted(created, 'person', 'people')} ${did}${unchanged > 0 ? `, ${unchanged} here already` : ''}.`,
  ];
  if (otherAddress > 0) lines.push(`  here with another e-mail address: ${otherAddress}, see ${report.file}`);
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

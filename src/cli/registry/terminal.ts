// What the commands of groups and applications share: asking, and answering people or programs.
import { createInterface } from 'node:readline/promises';
import { Option } from 'commander';
import { printable, printTable } from '../print.ts';

export { callerFor, reasonOption, UsageError, type Why } from '../caller.ts';
export { withContext } from '../connect.ts';
export { printable } from '../print.ts';

export interface AsJson {
  readonly json: boolean;
}

export interface Confirmed {
  readonly yes: boolean;
}

export function jsonOption(): Option {
  return new Option('--json', 'a line of JSON each').default(false);
}

export function yesOption(): Option {
  return new Option('--yes', "don't ask before it is done").default(false);
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function sayJson(value: unknown): void {
  say(printable(JSON.stringify(value)));
}

type Value = string | number | boolean | Date | null;

/** The keys are those of the JSON, the headings those of the columns. */
export function sayList(
  headings: Readonly<Record<string, string>>,
  rows: readonly Readonly<Record<string, Value>>[],
  { json }: AsJson,
): void {
  const keys = Object.keys(headings);
  if (json) for (const row of rows) sayJson(row);
  else
    printTable(
      Object.values(headings),
      rows.map((row) => keys.map((key) => textOf(row[key] ?? null))),
    );
}

function textOf(value: Value): string {
  if (value === null) return '';
  return value instanceof Date ? value.toISOString() : String(value);
}

/** Goes on only once the word is typed, or with `--yes`. Throws otherwise. */
export async function confirm({ yes }: Confirmed, what: string, word: string): Promise<void> {
  if (yes) return;
  if (process.stdin.isTTY !== true) throw new Error(`${what} Add --yes where nobody can be asked. Nothing was done.`);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const typed = await lines.question(`${what} Type "${word}" to go on: `);
    if (typed.trim() !== word) throw new Error('Nothing was done.');
  } finally {
    lines.close();
  }
}

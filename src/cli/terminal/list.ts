// Lists: columns for people, a line of JSON each for programs.
import { Option } from 'commander';
import { say, sayJson } from './output.ts';
import { tableOf } from './print.ts';

export interface AsJson {
  readonly json: boolean;
}

export function jsonOption(): Option {
  return new Option('--json', 'a line of JSON each').default(false);
}

/** One column: its heading, and what a row has there. The keys are those of the JSON. */
export type Columns<Row> = Readonly<Record<keyof Row & string, string>>;

type Value = string | number | boolean | Date | readonly string[] | null;

interface How extends AsJson {
  /** What a first part without rows says in place of headings. */
  readonly none?: string;
}

/** Each part fits the columns of the first. */
export function printList<Row extends Readonly<Record<keyof Row, Value>>>(columns: Columns<Row>, { json, none }: How) {
  const keys = Object.keys(columns) as (keyof Row & string)[];
  const table = tableOf(Object.values<string>(columns));
  let first = true;
  return (rows: readonly Row[]): void => {
    const empty = first && rows.length === 0;
    first = false;
    if (empty && !json && none !== undefined) say(none);
    else if (json) for (const row of rows) sayJson(Object.fromEntries(keys.map((key) => [key, row[key]])));
    else for (const line of table(rows.map((row) => keys.map((key) => textOf(row[key]))))) say(line);
  };
}

function textOf(value: Value): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.join(', ');
  return value instanceof Date ? value.toISOString() : String(value);
}

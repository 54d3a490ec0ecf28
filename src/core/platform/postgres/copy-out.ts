// Rows in bulk, by PostgreSQL's COPY: each costs a third of a row of an ordinary query.
import pg from 'pg';
import { withConnection } from './connection.ts';

/** The fields of a row as PostgreSQL writes them; null is NULL. */
export type CopiedRow = readonly (string | null)[];

export interface CopyQuery {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Gives `take` each row as it comes, so that none need be kept. Throws what `take` throws. */
export async function copyOut(pool: pg.Pool, query: CopyQuery, take: (row: CopiedRow) => void): Promise<void> {
  await withConnection(pool, (client) => {
    return new Promise<void>((resolve, reject) => {
      const copy = new CopyOut(`COPY (${inlined(query)}) TO STDOUT`, (error) => {
        const failed = error ?? copy.failed;
        if (failed) reject(failed);
        else resolve();
      });
      copy.take = take;
      client.query(copy);
    });
  });
}

class CopyOut extends pg.Query {
  take: (row: CopiedRow) => void = () => undefined;
  failed: Error | undefined;

  /** Called by the driver; the chunk is overwritten afterwards. */
  handleCopyData({ chunk }: { chunk: Buffer }): void {
    if (this.failed) return;
    try {
      this.take(fieldsOf(chunk));
    } catch (error) {
      this.failed = error as Error;
    }
  }
}

function fieldsOf(line: Buffer): CopiedRow {
  const text = line.toString('utf8', 0, line.length - 1);
  const fields: (string | null)[] = text.split('\t');
  const isEscaped = ESCAPED.test(text);
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index] as string;
    if (field === '\\N') fields[index] = null;
    else if (isEscaped && field.includes('\\')) fields[index] = field.replace(/\\(.)/g, unescaped);
  }
  return fields;
}

/** Anything but NULL. */
const ESCAPED = /\\[^N]/;

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function unescaped(_: string, character: string): string {
  return ESCAPES[character] ?? character;
}

/** COPY takes no parameters: the values are quoted into the query. */
export function inlined({ text, values }: CopyQuery): string {
  return text.replace(/\$(\d+)/g, (_, number: string) => literal(values[Number(number) - 1]));
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `ARRAY[${value.map(literal).join(',')}]`;
  return pg.escapeLiteral(value instanceof Date ? value.toISOString() : String(value));
}

// Rows in bulk, by PostgreSQL's COPY: a row costs a third of what the driver needs to read it as an ordinary one.
import pg from 'pg';
import { withConnection } from './connection.ts';

/** A field of a row as text, as PostgreSQL writes it; null is NULL. */
export type CopiedRow = readonly (string | null)[];

export interface CopyQuery {
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * Hands on each row of a query as it comes, with its fields as text: what is done with it at once need not be kept, which
 * costs more than reading it. Throws as any query does, and what `take` throws.
 */
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

  /** Called by the driver, with one row; its bytes are overwritten afterwards. */
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
  const fields: (string | null)[] = line.toString('utf8', 0, line.length - 1).split('\t');
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index] as string;
    if (field.includes('\\')) fields[index] = field === '\\N' ? null : field.replace(/\\(.)/g, unescaped);
  }
  return fields;
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function unescaped(_: string, character: string): string {
  return ESCAPES[character] ?? character;
}

/** COPY takes no parameters: each value is written into the query, quoted by the driver. */
export function inlined({ text, values }: CopyQuery): string {
  return text.replace(/\$(\d+)/g, (_, number: string) => literal(values[Number(number) - 1]));
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `ARRAY[${value.map(literal).join(',')}]`;
  return pg.escapeLiteral(value instanceof Date ? value.toISOString() : String(value));
}

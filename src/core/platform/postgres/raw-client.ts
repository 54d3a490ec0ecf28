// A connection of the pool as the functions take it that only write SQL: for work in bulk, where Prisma's own way to the database
// takes more time and memory.
import type pg from 'pg';
import { Prisma } from '../../../generated/prisma/client.ts';

export type RawClient = Pick<Prisma.TransactionClient, '$executeRaw' | '$queryRaw'>;

export function rawClient(client: pg.PoolClient): RawClient {
  const run = (query: TemplateStringsArray | Prisma.Sql, values: readonly unknown[]) => {
    const { text, values: all } = 'raw' in query ? Prisma.sql(query, ...values) : query;
    return client.query(text, [...all]);
  };
  const raw = {
    $executeRaw: async (query: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) =>
      (await run(query, values)).rowCount ?? 0,
    $queryRaw: async (query: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) =>
      (await run(query, values)).rows,
  };
  return raw as unknown as RawClient;
}

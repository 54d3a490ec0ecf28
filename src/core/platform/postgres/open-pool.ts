// The pool of a process. Every wait has a limit, so that a database that is away or stuck becomes an error.
import type pg from 'pg';
import { fixSettings, LIMITS } from './connection.ts';
import { databaseConnection } from './database-url.ts';
import { PatientPool } from './pool.ts';
import { PoolerError } from './pooler.ts';

export interface PoolOptions {
  readonly url: string;
  readonly poolSize: number;
  readonly connectTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly onError?: (error: Error) => void;
  /** Told why connections are of no use, where somebody has to mend it. */
  readonly onUseless?: (reason: string) => void;
}

/** Opens nothing yet: the first query connects. A connection that breaks while idle is reported and replaced. */
export function openPool({ statementTimeoutMs = LIMITS.statement_timeout, ...options }: PoolOptions): pg.Pool {
  const pool = new PatientPool({
    ...databaseConnection(options.url),
    max: options.poolSize,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 2_000,
    query_timeout: statementTimeoutMs + 1_000,
    onConnect: (client) =>
      fixSettings({ ...LIMITS, statement_timeout: statementTimeoutMs })(client).catch((error: unknown) => {
        if (error instanceof PoolerError) options.onUseless?.(error.message);
        throw error;
      }),
    keepAlive: true,
  });
  pool.on('error', (error) => options.onError?.(error));
  return pool;
}

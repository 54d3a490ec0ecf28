// The pool of a process. Every wait has a limit, so that a database that is away or stuck becomes an error.
import { fixSettings, LIMITS } from './connection.ts';
import { databaseConnections } from './database-url.ts';
import { StandbyError } from './hosts.ts';
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
  /** Told why PostgreSQL is away, and null when it is back. */
  readonly onAway?: (reason: string | null) => void;
  /** For what only reads: a standby will do where no host takes writes. */
  readonly standby?: boolean;
}

/** The network's own sign of life on a connection that nobody uses. Node's default is that of the system: two hours. */
const KEEP_ALIVE_AFTER_MS = 10_000;

/** Opens nothing yet: the first query connects. A connection that breaks while idle is reported and replaced. */
export function openPool({ statementTimeoutMs = LIMITS.statement_timeout, ...options }: PoolOptions): PatientPool {
  const { standby = false } = options;
  const pool = new PatientPool({
    max: options.poolSize,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 2_000,
    query_timeout: statementTimeoutMs + 1_000,
    onConnect: (client) =>
      fixSettings(
        { ...LIMITS, statement_timeout: statementTimeoutMs },
        { standby },
      )(client).catch((error: unknown) => {
        if (error instanceof PoolerError) options.onUseless?.(error.message);
        throw error;
      }),
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    breaker: {
      hosts: databaseConnections(options.url),
      standby,
      onChange(reason) {
        if (reason instanceof StandbyError) options.onUseless?.(reason.message);
        options.onAway?.(reason?.message ?? null);
      },
    },
  });
  pool.on('error', (error) => options.onError?.(error));
  return pool;
}

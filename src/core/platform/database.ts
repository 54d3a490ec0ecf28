// The way to PostgreSQL: Prisma for the tables, the pool beneath it for what Prisma can't say.
// A database that is away or stuck becomes an error that the caller can answer with.
import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import { Prisma, PrismaClient } from '../../generated/prisma/client.ts';
import { LIMITS } from './postgres/connection.ts';
import { createDatabaseClock, type DatabaseClock } from './postgres/database-clock.ts';
import { openPool, type PoolOptions } from './postgres/open-pool.ts';
import type { JobName } from './queues.ts';

export interface DatabaseOptions extends PoolOptions {
  /** Asks the worker for a job, once what a transaction left for it is committed. */
  readonly nudge?: (job: JobName) => unknown;
}

export interface Database {
  readonly prisma: PrismaClient;
  readonly pool: pg.Pool;
  readonly clock: DatabaseClock;
  /** Why PostgreSQL can't be used; null while it can, as far as is known. */
  awayBecause(): string | null;
  /** A number that changes with whatever comes from PostgreSQL. */
  heard(): number;
  /** Another host may take the writes by now, or the same name lead to another: connects anew. */
  lookAgain(): void;
  /**
   * Runs `work` in one transaction, then what it left for after the commit ({@link afterCommit}, {@link nudgeAfterCommit}).
   * `rollback` undoes the transaction and makes its argument the result. Throws what `work` throws; then too nothing is kept.
   * Where two wait for each other, `work` runs anew for the one that PostgreSQL undoes: it does nothing outside the transaction.
   */
  transact<T>(work: (transaction: Transaction, rollback: (value: T) => never) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** The way to the database inside `transact`. */
export type Transaction = Prisma.TransactionClient;

/** Opens nothing yet: the first query connects. A connection that breaks while idle is reported and replaced. */
export function openDatabase(options: DatabaseOptions): Database {
  const { statementTimeoutMs = LIMITS.statement_timeout } = options;
  const pool = openPool(options);
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool),
    transactionOptions: { maxWait: 3_000, timeout: statementTimeoutMs },
  });
  const { nudge = () => undefined } = options;
  // A statement outside of a transaction is committed when it is done.
  leftOvers.set(prisma, { nudge, afterCommit: (task) => void task() });
  return {
    prisma,
    pool,
    clock: createDatabaseClock(),
    awayBecause: () => pool.away,
    heard: () => pool.heard,
    lookAgain: () => pool.lookAgain(),
    transact: (work) => transact(prisma, nudge, work),
    async close() {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

interface LeftOver {
  nudge(job: JobName): void;
  afterCommit(task: () => Promise<unknown>): void;
}

/** Where each transaction notes what is to be done once it is committed. */
const leftOvers = new WeakMap<object, LeftOver>();

class Rollback extends Error {
  readonly value: unknown;

  constructor(value: unknown) {
    super('the transaction is undone');
    this.value = value;
  }
}

/** SQLSTATE: undone in favour of another, with which it waited in a circle. All of it may be done anew. */
const GAVE_WAY = ['40P01', '40001'];
const TRIES = 3;

async function transact<T>(
  prisma: PrismaClient,
  nudge: (job: JobName) => void,
  work: (transaction: Transaction, rollback: (value: T) => never) => Promise<T>,
): Promise<T> {
  const rollback = (value: T): never => {
    throw new Rollback(value);
  };
  for (let tries = 1; ; tries += 1) {
    const jobs = new Set<JobName>();
    const tasks: (() => Promise<unknown>)[] = [];
    let result: T;
    try {
      result = await prisma.$transaction((transaction) => {
        leftOvers.set(transaction, { nudge: (job) => jobs.add(job), afterCommit: (task) => tasks.push(task) });
        return work(transaction, rollback);
      });
    } catch (error) {
      if (error instanceof Rollback) return error.value as T;
      if (tries < TRIES && GAVE_WAY.some((state) => hasSqlState(error, state))) continue;
      throw error;
    }
    for (const job of jobs) nudge(job);
    await Promise.all(tasks.map((task) => task()));
    return result;
  }
}

/** Runs a task once the transaction is committed, before `transact` returns. The task must not throw. */
export function afterCommit(transaction: Transaction, task: () => Promise<unknown>): void {
  const leftOver = leftOvers.get(transaction);
  if (!leftOver) throw new Error('not a transaction of this database');
  leftOver.afterCommit(task);
}

/** Asks the worker for a job once what was written is committed; several in one transaction ask once. */
export function nudgeAfterCommit(client: object, job: JobName): void {
  leftOvers.get(client)?.nudge(job);
}

/** So long ago. Stable within a statement, so that an index on a moment can be used. */
export function ago(ms: number): Prisma.Sql {
  return Prisma.sql`(statement_timestamp() - ${ms} * interval '1 millisecond')`;
}

/**
 * Deletes at most `limit` rows of a table and returns how many. A row that is changed meanwhile is looked at again.
 * With a moment in `where` the index of its column is used if the moment is a stable one, as `statement_timestamp()` is.
 */
export function deleteSome(transaction: Transaction, { from, where, limit, ...how }: Deletion): Promise<number> {
  const { key = 'ctid', skipsHeld = false } = how;
  const [table, one, lock] = [Prisma.raw(from), Prisma.raw(key), Prisma.raw(skipsHeld ? 'FOR UPDATE SKIP LOCKED' : '')];
  return transaction.$executeRaw`
    DELETE FROM ${table}
     WHERE ${one} = ANY (ARRAY(SELECT ${one} FROM ${table} WHERE ${where} LIMIT ${limit} ${lock})) AND (${where})`;
}

interface Deletion {
  readonly from: string;
  readonly where: Prisma.Sql;
  readonly limit: number;
  /** Where a role may not read the whole table: a column of one value a row that it may read. */
  readonly key?: string;
  /**
   * A row that somebody holds is left to the next time. Where others lock several rows of the table, in an order, this may wait
   * for none of them: it has no order. The role must be one that may update the table.
   */
  readonly skipsHeld?: boolean;
}

/** Prisma's and Node's, and what Prisma's adapter calls them where a raw query met one: there it has no code of its own. */
const OUTAGE_CODES = new Set([
  ...[
    'P1000',
    'P1001',
    'P1002',
    'P1003',
    'P1008',
    'P1010',
    'P1011',
    'P1017',
    'P1018',
    'P2024',
    'P2028',
    'P2034',
    'P2037',
  ],
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'ENOENT', 'EHOSTUNREACH'],
  ...['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TlsConnectionError', 'TooManyConnections'],
  ...['PoolerError', 'StandbyError', 'DatabaseAway'],
]);

/**
 * SQLSTATE: no connection (08), rolled back by a deadlock (40), no room (53), stopped or not ready (57), the disk (58); and a
 * server that lets nobody in, takes no writes, or gave up waiting for a lock or for us.
 */
const OUTAGE_STATES = /^(?:(?:08|40|53|57|58)[0-9A-Z]{3}|28000|28P01|3D000|25006|25P03|55P03)$/;

const OUTAGE_WORDS =
  /terminat|timeout|timed out|can't reach|connection (?:error|closed|ended|lost|refused)|not queryable|Cannot use a pool/i;

/** Whether an error means that PostgreSQL can't serve right now, rather than that the caller asked for something wrong. */
export function isDatabaseOutage(error: unknown): boolean {
  for (let cause = error, depth = 0; typeof cause === 'object' && cause !== null && depth < 5; depth += 1) {
    const { code, originalCode, kind, message } = cause as Readonly<Record<string, unknown>>;
    const names = [code, originalCode, kind].map(String);
    if (names.some((name) => OUTAGE_CODES.has(name) || OUTAGE_STATES.test(name))) return true;
    if (code === undefined && typeof message === 'string' && OUTAGE_WORDS.test(message)) return true;
    cause =
      (cause as { cause?: unknown }).cause ??
      (cause as { meta?: { driverAdapterError?: unknown } }).meta?.driverAdapterError;
  }
  return false;
}

/** Whether PostgreSQL raised this SQLSTATE, in a query of Prisma's or of the pool's. */
export function hasSqlState(error: unknown, state: string): boolean {
  for (let cause = error, depth = 0; typeof cause === 'object' && cause !== null && depth < 5; depth += 1) {
    const { code, originalCode, meta, cause: next } = cause as Readonly<Record<string, unknown>>;
    if (code === state || originalCode === state) return true;
    cause = next ?? (meta as { driverAdapterError?: unknown } | undefined)?.driverAdapterError;
  }
  return false;
}

/** Whether an error says that a row with the same unique value is there already. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}

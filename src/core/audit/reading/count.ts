// How many events match a filter.
import type pg from 'pg';
import { timedQuery } from '../../platform/postgres/connection.ts';
import { type Glance, readGlance } from './glance.ts';
import { type AuditFilter, eventsQuery, isEvery, isSummarised, summaryConditions, summaryFor } from './query.ts';
import { findSpan } from './read.ts';

/** Matching events are counted up to this many. */
const COUNT_LIMIT = 1_000;
const COUNT_TIME_MS = 250;
const HOUR_MS = 3_600_000;

export interface MatchingCount {
  readonly events: number;
  /** There are more than `events`. */
  readonly andMore: boolean;
}

/** Exact where the hourly summary knows, else up to {@link COUNT_LIMIT}; null if too slow. */
export async function countMatching(
  pool: pg.Pool,
  filter: AuditFilter,
  glance?: Glance,
): Promise<MatchingCount | null> {
  if (isEvery(filter)) {
    const { head, first } = glance ?? (await readGlance(pool));
    return { events: head + 1 - first, andMore: false };
  }
  if (isSummarised(filter) && isWholeHours(filter)) return { events: await summed(pool, filter), andMore: false };
  const span = await findSpan(pool, filter);
  if (span === null) return { events: 0, andMore: false };
  const { text, values } = eventsQuery(filter, { columns: 'seq', span, order: 'newest', limit: COUNT_LIMIT + 1 });
  const counting = { text: `SELECT count(*) FROM (${text}) AS matching`, values };
  const rows = await timedQuery<{ count: string }>(pool, COUNT_TIME_MS, counting);
  if (rows === null) return null;
  const counted = Number(rows[0]?.count ?? 0);
  return { events: Math.min(counted, COUNT_LIMIT), andMore: counted > COUNT_LIMIT };
}

async function summed(pool: pg.Pool, filter: AuditFilter): Promise<number> {
  const values: unknown[] = [];
  const where = summaryConditions(filter, (value) => `$${values.push(value)}`);
  const { rows } = await pool.query<{ events: string | null }>(
    `SELECT sum(events) AS events FROM ${summaryFor(filter)} ${where}`,
    values,
  );
  return Number(rows[0]?.events ?? 0);
}

function isWholeHours({ from, to }: AuditFilter): boolean {
  return [from, to].every((moment) => moment === null || moment.getTime() % HOUR_MS === 0);
}

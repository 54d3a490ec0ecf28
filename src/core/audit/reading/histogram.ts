// How many events there are over time, for the chart above the log, at a cost that does not grow
// with the log: whole hours come from the summary, anything else from the newest ten thousand
// matches.

import type pg from 'pg';
import type { Database } from '../../platform/database.ts';
import { timedQuery } from '../../platform/postgres/connection.ts';
import type { AuditLog } from './audit-log.ts';
import type { Glance } from './glance.ts';
import {
  type AuditFilter,
  eventsQuery,
  isEvery,
  isSummarised,
  type Query,
  summaryConditions,
  summaryFor,
} from './query.ts';

export interface EventBar {
  readonly from: Date;
  readonly to: Date;
  readonly successes: number;
  readonly failures: number;
}

export interface EventCounts {
  /** Oldest first, without gaps. */
  readonly bars: readonly EventBar[];
  /** Whether only the newest {@link MOST_EVENTS} were counted. */
  readonly cut: boolean;
}

/** How many events are counted where the summary does not know. */
export const MOST_EVENTS = 10_000;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 28, 91, 364, 3640].map((days) => days * DAY),
] as const;
const MOST_BARS = 60;
/** How much is shown where the filter has no beginning. */
const USUAL_MS = 30 * DAY;
/** For less than this the hours of the summary are too coarse. */
const SHORT_MS = 12 * HOUR;
const TIME_MS = 1_000;
/** Weeks begin on a Monday. */
const ORIGIN_MS = Date.UTC(1970, 0, 5);

interface Count {
  readonly at: Date;
  readonly outcome: string;
  readonly events: string;
}

interface Counted {
  readonly counts: readonly Count[];
  readonly cut: boolean;
}

interface Timed {
  readonly from: Date;
  readonly to: Date;
}

/** What is known of the whole log by the time a picture of it is asked for. */
type HoursSeen = Pick<Glance, 'hours'>;

export function createHistogram({
  database: { pool },
  auditLog,
}: {
  database: Database;
  auditLog: Pick<AuditLog, 'spanOf'>;
}) {
  /** In bars already: a log of many years has more hours than are worth sending. */
  async function ofHours(filter: AuditFilter & Timed): Promise<Counted | null> {
    const values: unknown[] = [];
    const value = (it: unknown) => `$${values.push(it)}`;
    const step = value(`${stepOf(filter.from.getTime(), filter.to.getTime(), HOUR)} milliseconds`);
    const bar = `date_bin(${step}::interval, hour, ${value(new Date(ORIGIN_MS))}::timestamptz)`;
    const text = `SELECT ${bar} AS at, outcome, sum(events) AS events
                    FROM ${summaryFor(filter)} ${summaryConditions(filter, value)} GROUP BY 1, 2`;
    const counts = await ofSummary<Count>(filter, { text, values });
    return counts && { counts, cut: false };
  }

  async function ofNewest(filter: AuditFilter): Promise<Counted | null> {
    const span = await auditLog.spanOf(filter);
    if (span === null) return { counts: [], cut: false };
    const columns = 'seq, occurred_at, outcome';
    const events = eventsQuery(filter, { columns, span, order: 'newest', limit: MOST_EVENTS });
    const text = `SELECT date_trunc('minute', occurred_at) AS at, outcome, count(*) AS events
                    FROM (${events.text}) AS newest GROUP BY 1, 2`;
    const counts = await timedQuery<Count>(pool, TIME_MS, { text, values: events.values });
    return counts && { counts, cut: counts.reduce((sum, { events }) => sum + Number(events), 0) >= MOST_EVENTS };
  }

  async function hoursOf(filter: AuditFilter): Promise<{ first: Date | null; last: Date | null } | null> {
    const values: unknown[] = [];
    const where = summaryConditions(filter, (value) => `$${values.push(value)}`);
    const text = `SELECT min(hour) AS first, max(hour) AS last FROM ${summaryFor(filter)} ${where}`;
    const [hours = null] = (await ofSummary<{ first: Date | null; last: Date | null }>(filter, { text, values })) ?? [];
    return hours;
  }

  /** Where types don't count, an hour has a row an outcome: ten years of them need no limit. */
  async function ofSummary<Row extends pg.QueryResultRow>(filter: AuditFilter, query: Query): Promise<Row[] | null> {
    if (summaryFor(filter) === 'audit_summary') return timedQuery<Row>(pool, TIME_MS, query);
    return (await pool.query<Row>(query.text, query.values)).rows;
  }

  /** The filter's time, or the last thirty days in which something happened. */
  async function usualTime(filter: AuditFilter, now: Date, glance: HoursSeen): Promise<(AuditFilter & Timed) | null> {
    if (filter.from !== null) return { ...filter, from: filter.from, to: filter.to ?? now };
    const { first, last } = (isEvery(filter) ? glance.hours : await hoursOf(filter)) ?? { first: null, last: null };
    if (first === null || last === null) return null;
    return {
      ...filter,
      from: new Date(Math.max(first.getTime(), last.getTime() + HOUR - USUAL_MS)),
      to: filter.to ?? now,
    };
  }

  return {
    /** Null where there is nothing to draw, or not in time. */
    async over(filter: AuditFilter, now: Date, glance: HoursSeen): Promise<EventCounts | null> {
      if (!isSummarised(filter)) {
        const newest = await ofNewest(filter);
        return newest && spread(newest, filter, now, MINUTE);
      }
      const timed = await usualTime(filter, now, glance);
      if (timed === null) return null;
      if (timed.to.getTime() - timed.from.getTime() <= SHORT_MS) {
        const newest = await ofNewest(timed);
        if (newest && !newest.cut) return spread(newest, timed, now, MINUTE);
      }
      const counts = await ofHours(timed);
      return counts && spread(counts, timed, now, HOUR);
    },
  };
}

/** Puts counts into at most {@link MOST_BARS} bars of one width, no narrower than `finestMs`. */
function spread({ counts, cut }: Counted, { from, to }: AuditFilter, now: Date, finestMs: number): EventCounts | null {
  if (counts.length === 0) return null;
  const oldest = counts.reduce((least, { at }) => Math.min(least, at.getTime()), Number.POSITIVE_INFINITY);
  const begin = from === null || cut ? oldest : from.getTime();
  const end = Math.max((to ?? now).getTime(), begin + 1);
  const stepMs = stepOf(begin, end, finestMs);
  const first = placeOf(begin, stepMs);
  const bars = Array.from({ length: Math.max(1, placeOf(end - 1, stepMs) - first + 1) }, (_, index) => ({
    from: new Date(ORIGIN_MS + (first + index) * stepMs),
    to: new Date(ORIGIN_MS + (first + index + 1) * stepMs),
    successes: 0,
    failures: 0,
  }));
  for (const { at, outcome, events } of counts) {
    const bar = bars[placeOf(at.getTime(), stepMs) - first];
    if (bar) bar[outcome === 'success' ? 'successes' : 'failures'] += Number(events);
  }
  return { bars, cut };
}

function stepOf(begin: number, end: number, finestMs: number): number {
  const fits = (stepMs: number) => stepMs >= finestMs && (end - begin) / stepMs <= MOST_BARS;
  return STEPS.find(fits) ?? (STEPS.at(-1) as number);
}

function placeOf(moment: number, stepMs: number): number {
  return Math.floor((moment - ORIGIN_MS) / stepMs);
}

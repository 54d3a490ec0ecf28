// Log-in attempts as operators read them.
import type { Database, Transaction } from '../platform/database.ts';
import { timedQuery } from '../platform/postgres/connection.ts';

export interface AttemptFilter {
  readonly userId: string | null;
  /** An address or a network in CIDR notation. */
  readonly address: string | null;
  readonly outcome: 'success' | 'failure' | null;
  readonly sinceMs: number;
}

export interface ListedAttempt {
  readonly id: string;
  readonly occurredAt: Date;
  readonly userId: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly outcome: string;
  readonly reason: string | null;
  readonly knownBrowser: boolean;
}

export interface AttemptPlace {
  readonly at: Date;
  readonly id: string;
}

/** A page holds what is older (`before`) or newer (`after`) than an attempt; null for the newest. */
export type AttemptKey = { readonly before: AttemptPlace } | { readonly after: AttemptPlace } | null;

export interface AttemptPage {
  readonly attempts: readonly ListedAttempt[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
}

/** One bar of their picture. */
export interface AttemptBucket {
  readonly since: Date;
  readonly to: Date;
  readonly successes: number;
  readonly failures: number;
  readonly refused: number;
  readonly blocks: number;
}

export function createAttempts({ database: { pool } }: { database: Database }) {
  return {
    /** Attempts that reached a password, newest first; pages by key, both ways. */
    async page(filter: AttemptFilter, key: AttemptKey, size: number): Promise<AttemptPage> {
      const newer = key !== null && 'after' in key;
      const place = key === null ? null : 'after' in key ? key.after : key.before;
      const { rows } = await pool.query<ListedAttempt>({
        text: `SELECT id, occurred_at AS "occurredAt", user_id AS "userId", host(ip) AS ip, user_agent AS "userAgent",
                      outcome, reason, device_id IS NOT NULL AS "knownBrowser"
                 FROM login_attempt
                WHERE occurred_at > statement_timestamp() - $1 * interval '1 millisecond'
                  AND ($2::uuid IS NULL OR user_id = $2) AND ($3::inet IS NULL OR ip <<= $3)
                  AND ($4::text IS NULL OR outcome = $4)
                  AND ($5::timestamptz IS NULL OR (occurred_at, id) ${newer ? '>' : '<'} ($5, $6::uuid))
                ORDER BY occurred_at ${newer ? 'ASC, id ASC' : 'DESC, id DESC'} LIMIT $7`,
        values: [
          filter.sinceMs,
          filter.userId,
          filter.address,
          filter.outcome,
          place?.at ?? null,
          place?.id ?? null,
          size + 1,
        ],
      });
      const more = rows.length > size;
      const attempts = rows.slice(0, size);
      if (newer) return { attempts: attempts.reverse(), hasNewer: more, hasOlder: true };
      return { attempts, hasNewer: key !== null, hasOlder: more };
    },

    /**
     * The attempts of a list over its time, oldest first, quiet times included, with the refusals and blocks of the same
     * person and address. Null where it can't be counted in time.
     */
    async over(filter: AttemptFilter, now: Date): Promise<AttemptBucket[] | null> {
      const since = await firstMoment(filter, now);
      if (since === null) return null;
      const stepMs = stepOf(now.getTime() - since.getTime());
      const counted = await Promise.all(countQueries(filter, since, stepMs).map(counts));
      const [attempts, refusals, blocks] = counted;
      if (!attempts || !refusals || !blocks) return null;
      const first = Math.floor(since.getTime() / stepMs);
      const bars = Math.floor(now.getTime() / stepMs) - first + 1;
      return Array.from({ length: bars }, (_, index) => {
        const at = first + index;
        const [since, to] = [new Date(at * stepMs), new Date((at + 1) * stepMs)];
        const { successes = 0, failures = 0 } = attempts.get(at) ?? {};
        return {
          since,
          to,
          successes,
          failures,
          refused: refusals.get(at)?.refused ?? 0,
          blocks: blocks.get(at)?.blocks ?? 0,
        };
      });
    },
  };

  /** Where the list's time begins, or, where that is long before, its oldest attempt; in whole steps from now. */
  async function firstMoment({ sinceMs, ...filter }: AttemptFilter, now: Date): Promise<Date | null> {
    const begin = new Date(now.getTime() - sinceMs);
    if (sinceMs <= LONGEST_EMPTY_MS) return begin;
    const text = `SELECT occurred_at AS at FROM login_attempt WHERE occurred_at > $1 AND ${OF_FILTER} ORDER BY occurred_at LIMIT 1`;
    const rows = await timedQuery<{ at: Date }>(pool, TIME_MS, { text, values: [begin, ...valuesOf(filter)] });
    return rows && (rows[0]?.at ?? new Date(now.getTime() - DAY_MS));
  }

  async function counts(query: { text: string; values: unknown[] }) {
    const rows = await timedQuery<Record<string, string>>(pool, TIME_MS, query);
    return rows && new Map(rows.map(({ at, ...counted }) => [Number(at), numbersOf(counted)]));
  }
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Up to a week all of a list's time is drawn, empty or not. */
const LONGEST_EMPTY_MS = 7 * DAY_MS;
const TIME_MS = 1_000;
const MOST_BARS = 145;
/** Refusals are folded by ten minutes. */
const STEPS = [
  ...[10, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 6, 12].map((hours) => hours * HOUR_MS),
  ...[1, 2, 7, 28, 91, 364].map((days) => days * DAY_MS),
];

function stepOf(lengthMs: number): number {
  return STEPS.find((stepMs) => lengthMs / stepMs < MOST_BARS) ?? (STEPS.at(-1) as number);
}

/** Of a row with a person, an address and an outcome; the moment is $1. */
const OF_FILTER =
  '($2::uuid IS NULL OR user_id = $2) AND ($3::inet IS NULL OR ip <<= $3) AND ($4::text IS NULL OR outcome = $4)';
/** Of a block: nothing of it is a success. */
const OF_BLOCK = `($2::uuid IS NULL OR user_id = $2) AND ($3::inet IS NULL OR ip <<= $3) AND $4::text IS DISTINCT FROM 'success'`;

function valuesOf({ userId, address, outcome }: Omit<AttemptFilter, 'sinceMs'>): unknown[] {
  return [userId, address, outcome];
}

function countQueries(filter: AttemptFilter, since: Date, stepMs: number) {
  const values = [since, ...valuesOf(filter), stepMs / 1_000];
  const at = (column: string) => `floor(extract(epoch FROM ${column}) / $5::float8) AS at`;
  return [
    `SELECT ${at('occurred_at')}, count(*) FILTER (WHERE outcome = 'success') AS successes,
            count(*) FILTER (WHERE outcome <> 'success') AS failures
       FROM login_attempt WHERE occurred_at >= $1 AND ${OF_FILTER} GROUP BY 1`,
    `SELECT ${at('since')}, sum(attempts) AS refused
       FROM throttle_refusal JOIN throttle_block ON throttle_block.id = block_id WHERE since >= $1 AND ${OF_BLOCK} GROUP BY 1`,
    `SELECT ${at('started_at')}, count(*) AS blocks FROM throttle_block WHERE started_at >= $1 AND ${OF_BLOCK} GROUP BY 1`,
  ].map((text) => ({ text, values }));
}

function numbersOf(counted: Readonly<Record<string, string>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(counted).map(([name, count]) => [name, Number(count)]));
}

/** For a person's export. */
export function readAttemptsOf(database: Transaction, userId: string, after: string | null, take: number) {
  return database.loginAttempt.findMany({
    where: { userId, ...(after === null ? {} : { id: { gt: after } }) },
    orderBy: { id: 'asc' },
    take,
    select: { id: true, occurredAt: true, outcome: true, reason: true, ip: true, userAgent: true },
  });
}

export async function deleteAttemptsOfDeleted(database: Transaction): Promise<void> {
  await database.$executeRaw`
    DELETE FROM login_attempt WHERE user_id IN (SELECT id FROM user_account WHERE deleted_at IS NOT NULL)`;
}

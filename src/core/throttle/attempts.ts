// Log-in attempts as operators read them.
import type { Database, Transaction } from '../platform/database.ts';

const BUCKET_MS = 600_000;
const DAY_MS = 86_400_000;

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

/** Ten minutes of the last day. */
export interface AttemptBucket {
  readonly since: Date;
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

    /** The last 24 hours by ten minutes, oldest first, quiet ones included. */
    async lastDay(now: Date): Promise<AttemptBucket[]> {
      const end = Math.ceil((now.getTime() + 1) / BUCKET_MS) * BUCKET_MS;
      const since = new Date(end - DAY_MS);
      const [attempts, refusals, blocks] = await Promise.all([
        pool.query<{ at: string; successes: string; failures: string }>({
          text: `SELECT floor(extract(epoch FROM occurred_at) / 600) AS at,
                        count(*) FILTER (WHERE outcome = 'success') AS successes,
                        count(*) FILTER (WHERE outcome <> 'success') AS failures
                   FROM login_attempt WHERE occurred_at >= $1 GROUP BY 1`,
          values: [since],
        }),
        pool.query<{ at: string; refused: string }>({
          text: `SELECT floor(extract(epoch FROM since) / 600) AS at, sum(attempts) AS refused
                   FROM throttle_refusal WHERE since >= $1 GROUP BY 1`,
          values: [since],
        }),
        pool.query<{ at: string; blocks: string }>({
          text: `SELECT floor(extract(epoch FROM started_at) / 600) AS at, count(*) AS blocks
                   FROM throttle_block WHERE started_at >= $1 GROUP BY 1`,
          values: [since],
        }),
      ]);
      return Array.from({ length: DAY_MS / BUCKET_MS }, (_, index) => {
        const start = since.getTime() + index * BUCKET_MS;
        const at = start / BUCKET_MS;
        const one = attempts.rows.find((row) => Number(row.at) === at);
        return {
          since: new Date(start),
          successes: Number(one?.successes ?? 0),
          failures: Number(one?.failures ?? 0),
          refused: Number(refusals.rows.find((row) => Number(row.at) === at)?.refused ?? 0),
          blocks: Number(blocks.rows.find((row) => Number(row.at) === at)?.blocks ?? 0),
        };
      });
    },
  };
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

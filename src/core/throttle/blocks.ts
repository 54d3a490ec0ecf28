// What the throttle leaves behind: attempts and blocks as operators read them, the lifting of a block, and the worker's part:
// writing down how many attempts were refused, ending the records of blocks that ran out, telling of sprayers and stuffers.
import type { Redis } from 'ioredis';
import { NO_ORIGIN, type Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { keys } from '../platform/redis.ts';
import type { ThrottlePolicy } from './policy.ts';
import type { Throttle } from './throttle.ts';
import { clientKey } from './windows.ts';

export const BUCKET_MS = 600_000;
const DAY_MS = 86_400_000;
const WATCH_WINDOW_MS = 3_600_000;
/** No refusal is added to a bucket that ended this long ago. */
const SETTLED_MS = 2 * BUCKET_MS;
/** So many blocks are ended in one transaction, each with its event. */
const ENDED_AT_ONCE = 500;

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

/** Where an attempt stands among the others. */
export interface AttemptPlace {
  readonly at: Date;
  readonly id: string;
}

/** Where a page begins: before (older than) or after (newer than) an attempt; null for the newest. */
export type AttemptKey = { readonly before: AttemptPlace } | { readonly after: AttemptPlace } | null;

export interface AttemptPage {
  readonly attempts: readonly ListedAttempt[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
}

export interface ListedBlock {
  readonly id: string;
  readonly scope: string;
  readonly userId: string | null;
  readonly ip: string | null;
  readonly startedAt: Date;
  readonly untilAt: Date;
  readonly failures: number;
  readonly refused: number;
  readonly endedAt: Date | null;
  readonly endReason: string | null;
  readonly liftedBy: string | null;
  readonly liftReason: string | null;
  readonly active: boolean;
}

/** Ten minutes of the last day. */
export interface AttemptBucket {
  readonly since: Date;
  readonly successes: number;
  readonly failures: number;
  readonly refused: number;
  readonly blocks: number;
}

export interface ThrottleRecordsOptions {
  readonly redis: Redis;
  readonly database: Database;
  readonly throttle: Throttle;
  readonly policy: ThrottlePolicy;
  readonly log: Log;
}

export type ThrottleRecords = ReturnType<typeof createThrottleRecords>;

export function createThrottleRecords({
  redis,
  database: { pool, transact },
  throttle,
  policy,
  log,
}: ThrottleRecordsOptions) {
  async function tellOnce(type: 'authn_password_spraying' | 'authn_credential_stuffing', found: readonly Found[]) {
    if (found.length === 0) return;
    const told = await pool.query<{ ip: string | null }>({
      text: `SELECT host(ip) AS ip FROM audit_event
              WHERE type = $1 AND sealed_at > statement_timestamp() - $2 * interval '1 millisecond'
             UNION ALL
             SELECT event->>'ip' FROM outbox WHERE event->>'type' = $1`,
      values: [type, WATCH_WINDOW_MS],
    });
    const known = new Set(told.rows.map((row) => clientKey(row.ip)));
    for (const { ip, detail } of found.filter((one) => !known.has(clientKey(one.ip)))) {
      const event = { type, outcome: 'failure', actor: null, subject: null } as const;
      await transact((transaction) => recordEvent(transaction, { ...event, origin: { ...NO_ORIGIN, ip }, detail }));
    }
  }

  /** Ends the records of some blocks that ran out, and tells of those that refused anybody; returns how many. */
  async function endBlocks(): Promise<number> {
    return transact(async (transaction) => {
      const ended = await transaction.$queryRaw<
        { id: string; scope: string; user_id: string | null; ip: string | null; refused: bigint }[]
      >`UPDATE throttle_block SET ended_at = until_at, end_reason = 'expired'
         WHERE id = ANY (ARRAY(SELECT id FROM throttle_block
                                WHERE ended_at IS NULL AND until_at < statement_timestamp() - interval '1 second'
                                LIMIT ${ENDED_AT_ONCE}))
           AND ended_at IS NULL
        RETURNING id, scope, user_id, host(ip) AS ip, refused`;
      for (const { id, scope, user_id, ip, refused } of ended.filter((block) => block.refused > 0n)) {
        const event = { type: 'throttle_block_ended', outcome: 'success', actor: null, subject: user_id } as const;
        const detail = { block: id, scope, refused: Number(refused) };
        await recordEvent(transaction, { ...event, origin: { ...NO_ORIGIN, ip }, detail });
      }
      return ended.length;
    });
  }

  return {
    /** Attempts that reached a password, newest first; pages by key, both ways. */
    async attempts(filter: AttemptFilter, key: AttemptKey, size: number): Promise<AttemptPage> {
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
          ...[filter.sinceMs, filter.userId, filter.address, filter.outcome],
          ...[place?.at ?? null, place?.id ?? null, size + 1],
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

    /** Blocks, of one account or of all: those that stand first, then the past ones, newest first. */
    async blocks(limit: number, userId: string | null = null): Promise<ListedBlock[]> {
      const { rows } = await pool.query<Omit<ListedBlock, 'refused'> & { refused: string }>({
        text: `WITH mine AS NOT MATERIALIZED (
                 SELECT id, scope, user_id AS "userId", host(ip) AS ip, started_at AS "startedAt", until_at AS "untilAt",
                        failures, refused, ended_at AS "endedAt", end_reason AS "endReason", lifted_by AS "liftedBy",
                        lift_reason AS "liftReason", ended_at IS NULL AND until_at > statement_timestamp() AS active
                   FROM throttle_block WHERE $2::uuid IS NULL OR user_id = $2)
               (SELECT * FROM mine WHERE active ORDER BY "startedAt" DESC, id LIMIT $1)
               UNION ALL
               (SELECT * FROM mine WHERE NOT active ORDER BY "startedAt" DESC, id LIMIT $1)
               ORDER BY active DESC, "startedAt" DESC, id LIMIT $1`,
        values: [limit, userId],
      });
      return rows.map((row) => ({ ...row, refused: Number(row.refused) }));
    },

    /**
     * Ends a block that stands, and forgets the attempts that led to it. False if there is none of this id, or it has
     * ended. The record is the truth: if Redis is away, the block goes on there until it runs out.
     */
    async lift(
      id: string,
      { actor, reason, origin }: { actor: string | null; reason: string; origin: Origin },
    ): Promise<boolean> {
      const key = await transact(async (transaction) => {
        const [block] = await transaction.$queryRaw<{ key: string; scope: string; user_id: string | null }[]>`
          UPDATE throttle_block SET ended_at = clock_timestamp(), end_reason = 'lifted', lifted_by = ${actor}::uuid,
                                    lift_reason = ${reason}
           WHERE id = ${id}::uuid AND ended_at IS NULL AND until_at > clock_timestamp()
          RETURNING key, scope, user_id`;
        if (!block) return null;
        const event = { type: 'throttle_block_lifted', outcome: 'success', actor, subject: block.user_id } as const;
        await recordEvent(transaction, { ...event, origin, detail: { block: id, scope: block.scope, reason } });
        return block.key;
      });
      if (key === null) return false;
      await throttle.forget(key).catch((error: unknown) => log.warn({ err: error }, 'a lifted block stands in Redis'));
      return true;
    },

    /** Writes down what was refused, and ends the records of blocks that ran out. Done twice it changes nothing. */
    async fold(): Promise<void> {
      const counts = Object.entries(await redis.hgetall(keys.throttleRefused)).map(([field, count]) => {
        const [blockId = '', since = '0'] = field.split(':');
        return { field, blockId, since: Number(since), count: Number(count) };
      });
      if (counts.length > 0) {
        await pool.query({
          text: `WITH told AS (
                   INSERT INTO throttle_refusal AS known (block_id, since, attempts)
                   SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[])
                   ON CONFLICT (block_id, since) DO UPDATE SET attempts = greatest(known.attempts, excluded.attempts))
                 SELECT 1`,
          values: [
            counts.map(({ blockId }) => blockId),
            counts.map(({ since }) => new Date(since)),
            counts.map(({ count }) => count),
          ],
        });
      }
      await pool.query(`UPDATE throttle_block b SET refused = s.refused
                          FROM (SELECT block_id, sum(attempts) AS refused FROM throttle_refusal
                                 WHERE since > statement_timestamp() - interval '1 day' GROUP BY block_id) s
                         WHERE b.id = s.block_id AND b.refused < s.refused`);
      const settled = counts.filter(({ since }) => since < Date.now() - SETTLED_MS);
      if (settled.length > 0) await redis.hdel(keys.throttleRefused, ...settled.map(({ field }) => field));
      for (let count = ENDED_AT_ONCE; count === ENDED_AT_ONCE; ) count = await endBlocks();
    },

    /** Tells of password spraying and credential stuffing in the last hour: once an hour, and a client. */
    async watch(): Promise<void> {
      const failures = `
        SELECT identifier_hash, ip, CASE WHEN family(ip) = 6 THEN network(set_masklen(ip, 64)) ELSE ip END AS client
          FROM login_attempt
         WHERE outcome = 'failure' AND ip IS NOT NULL AND occurred_at > statement_timestamp() - $1 * interval '1 millisecond'`;
      const sprayers = await pool.query<{ ip: string; accounts: number }>({
        text: `SELECT host(min(ip)) AS ip, count(DISTINCT identifier_hash)::int AS accounts FROM (${failures}) AS f
                GROUP BY client HAVING count(DISTINCT identifier_hash) >= $2`,
        values: [WATCH_WINDOW_MS, policy.sprayingAccounts],
      });
      await tellOnce(
        'authn_password_spraying',
        sprayers.rows.map(({ ip, accounts }) => ({ ip, detail: { accounts } })),
      );
      const stuffing = await pool.query<{ clients: number; accounts: number }>({
        text: `SELECT count(DISTINCT client)::int AS clients, count(DISTINCT identifier_hash)::int AS accounts
                 FROM (${failures}) AS f`,
        values: [WATCH_WINDOW_MS],
      });
      const all = stuffing.rows[0];
      const many = all && Math.min(all.clients, all.accounts) >= policy.stuffingClients;
      await tellOnce('authn_credential_stuffing', many ? [{ ip: null, detail: { ...all } }] : []);
    },
  };
}

interface Found {
  readonly ip: string | null;
  readonly detail: Readonly<Record<string, number>>;
}

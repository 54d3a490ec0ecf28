// The state of the whole, for operators. A part is null where its store is away. No part costs more
// with a longer log or more sessions: large numbers are counted to a limit, estimated, or summed up
// hourly.
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Database } from './platform/database.ts';
import type { Log } from './platform/log.ts';
import { QUEUE_NAMES, type QueueName, type Queues } from './platform/queues.ts';
import { sessionStoreName } from './sessions/session-cache.ts';
import type { SessionTable } from './sessions/session-table.ts';

/** Sessions and waiting events are counted to this number. */
export const COUNTED_TO = 10_000;
const WITHIN_MS = 3_000;

export interface Logins {
  readonly successes: number;
  readonly failures: number;
}

export interface QueueCounts {
  readonly name: QueueName;
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
}

export interface Overview {
  /** Live sessions; `exact` is false for PostgreSQL's estimate. */
  readonly sessions: { readonly count: number; readonly exact: boolean } | null;
  /** Since midnight UTC, and in the same span a week ago. */
  readonly logins: { readonly today: Logins; readonly weekAgo: Logins } | null;
  readonly activeBlocks: number | null;
  readonly outbox: { readonly waiting: number; readonly oldest: Date | null } | null;
  readonly head: { readonly seq: number; readonly sealedAt: Date } | null;
  /** The newest; seq 0 where there is none. `alarm`: the event since then that says why none is signed. */
  readonly checkpoint: { readonly seq: number; readonly madeAt: Date; readonly alarm: number | null } | null;
  /** Failed within a day, and due. */
  readonly mails: { readonly failed: number; readonly due: number } | null;
  readonly queues: readonly QueueCounts[] | null;
  readonly workers: number | null;
  /** PostgreSQL has gone back in time, and nobody has accepted that. */
  readonly rewound: boolean;
  /** How long the store took to answer. */
  readonly postgresMs: number | null;
  readonly redisMs: number | null;
  /** Where sessions have Redis of their own, each of them. */
  readonly sessionStores: readonly { readonly name: string; readonly ms: number | null }[];
}

export interface OverviewOptions {
  readonly database: Database;
  readonly sessionTable: Pick<SessionTable, 'countLive'>;
  readonly isRewound: () => boolean;
  readonly redis: Redis;
  readonly sessionRedis: readonly Redis[];
  readonly queues: Queues;
  readonly log: Log;
}

export type ReadOverview = () => Promise<Overview>;

export function createOverview({
  database: { pool },
  sessionTable,
  isRewound,
  redis,
  sessionRedis,
  queues,
  log,
}: OverviewOptions): ReadOverview {
  /** Null if it fails or takes longer than three seconds. */
  async function part<T>(reading: Promise<T>): Promise<T | null> {
    const late = delay(WITHIN_MS, null, { ref: false });
    return Promise.race([reading, late]).catch((error: unknown) => {
      log.debug({ err: error }, 'a part of the overview could not be read');
      return null;
    });
  }

  async function timed(asking: Promise<unknown>): Promise<number> {
    const startedAt = performance.now();
    await asking;
    return Math.round((performance.now() - startedAt) * 10) / 10;
  }

  async function first<Row extends object>(name: string, text: string, values: unknown[] = []): Promise<Row> {
    const { rows } = await pool.query<Row>({ name, text, values });
    if (!rows[0]) throw new Error(`${name} found nothing`);
    return rows[0];
  }

  async function sessions() {
    const { counted, estimate } = await sessionTable.countLive(COUNTED_TO + 1);
    if (counted <= COUNTED_TO) return { count: counted, exact: true };
    return { count: Math.max(counted, Math.round(estimate)), exact: false };
  }

  async function logins() {
    const row = await first<Record<'s' | 'f' | 'week_s' | 'week_f', number>>('overview-logins', LOGINS);
    return {
      today: { successes: row.s, failures: row.f },
      weekAgo: { successes: row.week_s, failures: row.week_f },
    };
  }

  return async () => {
    const asked = sessionRedis.map(async (one, place) => {
      return { name: sessionStoreName(place), ms: await part(timed(one.ping())) };
    });
    const [sessionsNow, loginsNow, blocks, outbox, head, checkpoint, mails, counts, workers, postgresMs, redisMs] =
      await Promise.all([
        part(sessions()),
        part(logins()),
        part(first<{ active: number }>('overview-blocks', BLOCKS)),
        part(first<{ waiting: number; oldest: Date | null }>('overview-outbox', OUTBOX)),
        part(first<{ seq: number; sealedAt: Date }>('overview-head', HEAD)),
        part(first<{ seq: number; madeAt: Date; alarm: number | null }>('overview-checkpoint', CHECKPOINT)),
        part(first<{ failed: number; due: number }>('overview-mails', MAILS)),
        part(redis.ping().then(() => Promise.all(QUEUE_NAMES.map((name) => countsOf(queues, name))))),
        part(redis.ping().then(async () => (await queues.open('audit')).getWorkersCount())),
        part(timed(pool.query('SELECT 1'))),
        part(timed(redis.ping())),
      ]);
    return {
      sessions: sessionsNow,
      logins: loginsNow,
      activeBlocks: blocks?.active ?? null,
      outbox,
      head,
      checkpoint,
      mails,
      queues: counts,
      workers,
      rewound: isRewound(),
      postgresMs,
      redisMs,
      sessionStores: await Promise.all(asked),
    };
  };
}

async function countsOf(queues: Queues, name: QueueName): Promise<QueueCounts> {
  const queue = await queues.open(name);
  const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'failed');
  const { waiting = 0, active = 0, delayed = 0, failed = 0 } = counts;
  return { name, waiting, active, delayed, failed };
}

/** Whole hours from the summary; the rest of the hour a week ago from the attempts. */
const LOGINS = `
  WITH span AS (SELECT date_trunc('day', now(), 'UTC') AS today, now() - interval '7 days' AS week_now),
       hours AS (
         SELECT hour >= today AS is_today, type, sum(events) AS events FROM audit_summary, span
          WHERE hour >= today - interval '7 days' AND type IN ('authn_login_success', 'authn_login_fail')
            AND (hour >= today OR hour < date_trunc('hour', week_now, 'UTC'))
          GROUP BY 1, 2
         UNION ALL
         SELECT false, CASE outcome WHEN 'success' THEN 'authn_login_success' ELSE 'authn_login_fail' END, count(*)
           FROM login_attempt, span
          WHERE occurred_at >= date_trunc('hour', week_now, 'UTC') AND occurred_at < week_now
          GROUP BY 2)
  SELECT coalesce(sum(events) FILTER (WHERE is_today AND type = 'authn_login_success'), 0)::float8 AS s,
         coalesce(sum(events) FILTER (WHERE is_today AND type = 'authn_login_fail'), 0)::float8 AS f,
         coalesce(sum(events) FILTER (WHERE NOT is_today AND type = 'authn_login_success'), 0)::float8 AS week_s,
         coalesce(sum(events) FILTER (WHERE NOT is_today AND type = 'authn_login_fail'), 0)::float8 AS week_f
    FROM hours`;

const BLOCKS = 'SELECT count(*)::int AS active FROM throttle_block WHERE ended_at IS NULL AND until_at > now()';

const OUTBOX = 'SELECT waiting::int AS waiting, oldest FROM outbox_waiting()';

const HEAD = 'SELECT seq::float8 AS seq, sealed_at AS "sealedAt" FROM audit_head WHERE id = 1';

const CHECKPOINT = `
  SELECT coalesce(max(seq), 0)::float8 AS seq, coalesce(max(made_at), now()) AS "madeAt",
         (SELECT max(seq)::float8 FROM (
             SELECT seq FROM audit_event WHERE type IN ('sys_audit_altered', 'sys_audit_rewound')
                AND occurred_at > coalesce((SELECT max(made_at) FROM audit_checkpoint), '-infinity') OFFSET 0) AS alarms) AS alarm
    FROM (SELECT seq, made_at FROM audit_checkpoint ORDER BY seq DESC, made_at DESC LIMIT 1) AS newest`;

const MAILS = `
  SELECT (SELECT count(*) FROM mail WHERE outcome = 'failed' AND ended_at > now() - interval '1 day')::int AS failed,
         (SELECT count(*) FROM (SELECT FROM mail WHERE ended_at IS NULL AND due_at < now() LIMIT 10001) AS waiting)::int AS due`;

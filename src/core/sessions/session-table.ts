// The session table as the whole process asks it: reading, listing, last uses, what has ended. What
// happens within somebody's transaction is in session-rows.ts.
import type pg from 'pg';
import { Prisma } from '../../generated/prisma/client.ts';
import type { Database } from '../platform/database.ts';
import { type AuthenticationMethod, readAuthenticationMethod } from './authentication-method.ts';
import { createKnownEndings } from './known-endings.ts';
import {
  ENDED_WITH_ALL,
  type EndReason,
  FIND_SESSION,
  type FoundRecord,
  type FoundSession,
  judgeSession,
  LOCK_ORDER,
} from './session-record.ts';

/** One of a person's sessions, as they are shown it. */
export interface ListedSession {
  readonly id: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  readonly remember: boolean;
  readonly authenticationMethod: AuthenticationMethod;
  /** When it ends if it is not used, and when at the latest. */
  readonly idleDeadline: Date;
  readonly absoluteDeadline: Date;
}

/** A session, live or not, as operators are shown it. */
export interface SessionSight extends Pick<ListedSession, 'id' | 'ip' | 'userAgent' | 'createdAt' | 'lastSeenAt'> {
  readonly userId: string;
  /** Both null while it lives. */
  readonly endedAt: Date | null;
  readonly endReason: EndReason | null;
}

/** One of a person's sessions at applications. */
export interface ListedAtApplication {
  readonly id: string;
  readonly parentId: string;
  readonly applicationId: string;
  readonly slug: string;
  readonly name: string;
  readonly userAgent: string | null;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
}

export type SessionTable = ReturnType<typeof createSessionTable>;

const inOrder = Prisma.raw(LOCK_ORDER);

/** Every function throws where PostgreSQL is away. */
export function createSessionTable({ database: { prisma, pool, clock } }: { database: Database }) {
  return {
    ...createKnownEndings(pool, clock),

    async find(tokenHash: Buffer): Promise<FoundRecord> {
      const { rows } = await pool.query<FoundSession>({
        name: 'session-find',
        text: FIND_SESSION,
        values: [tokenHash],
      });
      const row = rows[0];
      return row
        ? { record: judgeSession(row), timeline: row.timeline }
        : { record: { state: 'unknown' }, timeline: null };
    },

    /** Whether a session is live and its owner proved who they are no longer ago than that. */
    async isRecent(sessionId: string, withinMs: number): Promise<boolean> {
      const { rows } = await pool.query<{ recent: boolean }>({
        name: 'session-is-recent',
        text: `SELECT coalesce(proved_at, created_at) > clock_timestamp() - $2 * interval '1 millisecond' AS recent
                 FROM session AS s WHERE id = $1 AND ended_at IS NULL AND NOT ${ENDED_WITH_ALL}`,
        values: [sessionId, withinMs],
      });
      return rows[0]?.recent ?? false;
    },

    list: (userId: string): Promise<ListedSession[]> => listLiveSessions(pool, userId),

    /** A person's ended sessions whose rows are kept, the newest first; not those at applications, nor those that another replaced. */
    async listEnded(userId: string, limit: number): Promise<SessionSight[]> {
      const { rows } = await pool.query<SessionSight & { proved: string }>({
        name: 'session-list-ended',
        text: LIST_ENDED,
        values: [userId, limit],
      });
      return rows.map(({ proved, ...row }) => ({ ...row, authenticationMethod: readAuthenticationMethod(proved) }));
    },

    /** One session, live or ended; null once its row is gone. */
    async look(sessionId: string): Promise<SessionSight | null> {
      const [sight] = await prisma.$queryRaw<SessionSight[]>`
        WITH looked AS (
               SELECT s.*, least(idle_deadline, absolute_deadline) AS deadline,
                      (SELECT min(asked_at) FROM everybody_ended AS e
                        WHERE e.asked_at >= s.created_at AND e.kept_session_id IS DISTINCT FROM s.id) AS all_ended
                 FROM session AS s WHERE id = ${sessionId}::uuid)
        SELECT id, user_id AS "userId", host(ip) AS ip, user_agent AS "userAgent", created_at AS "createdAt",
               last_seen_at AS "lastSeenAt",
               coalesce(ended_at, all_ended, CASE WHEN deadline <= clock_timestamp() THEN deadline END) AS "endedAt",
               coalesce(end_reason, CASE WHEN all_ended IS NOT NULL THEN 'revoked_by_operator'
                                         WHEN deadline <= clock_timestamp() THEN 'expired' END) AS "endReason"
          FROM looked`;
      return sight ?? null;
    },

    /** How long a session lives unused from now, and at most; null if it has ended. */
    async remaining(sessionId: string): Promise<{ idleSeconds: number; absoluteSeconds: number } | null> {
      const { rows } = await pool.query<{ idleSeconds: number; absoluteSeconds: number }>({
        name: 'session-remaining',
        text: `SELECT floor(extract(epoch FROM idle_deadline - clock_timestamp()))::float8 AS "idleSeconds",
                      floor(extract(epoch FROM absolute_deadline - clock_timestamp()))::float8 AS "absoluteSeconds"
                 FROM session WHERE id = $1 AND ended_at IS NULL`,
        values: [sessionId],
      });
      return rows[0] ?? null;
    },

    /** A person's live sessions at applications, the one used last first. */
    async listAtApplications(userId: string): Promise<ListedAtApplication[]> {
      const { rows } = await pool.query<ListedAtApplication>({
        name: 'session-list-at-applications',
        text: `
        SELECT s.id, s.parent_id AS "parentId", a.id AS "applicationId", a.slug, a.name,
               s.user_agent AS "userAgent", s.created_at AS "createdAt", s.last_seen_at AS "lastSeenAt"
          FROM session AS s JOIN application AS a ON a.id = s.application_id
         WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.absolute_deadline > clock_timestamp()
           AND s.idle_deadline > clock_timestamp() AND NOT ${ENDED_WITH_ALL}
         ORDER BY s.last_seen_at DESC, s.id DESC LIMIT 200`,
        values: [userId],
      });
      return rows;
    },

    /** Live sessions, counted up to `limit`, and the planner's estimate of all. */
    async countLive(limit: number): Promise<{ counted: number; estimate: number }> {
      const { rows } = await pool.query<{ counted: number; estimate: number }>({
        name: 'session-count-live',
        text: COUNT_LIVE,
        values: [limit],
      });
      return rows[0] ?? { counted: 0, estimate: 0 };
    },

    /** Moves a session's idle deadline and its parent's, at most once a minute; for when Redis can't. */
    async touch(sessionId: string): Promise<void> {
      await prisma.$executeRaw`
        UPDATE session SET last_seen_at = clock_timestamp(),
                           idle_deadline = clock_timestamp() + idle_timeout_seconds * interval '1 second'
         WHERE id = ANY (ARRAY(SELECT id FROM session WHERE id IN (
                 SELECT unnest(ARRAY[id, parent_id]) FROM session WHERE id = ${sessionId}::uuid) ${inOrder} FOR NO KEY UPDATE))
           AND ended_at IS NULL
           AND last_seen_at NOT BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp()`;
    },

    /**
     * Writes down when sessions were last seen, as ages in milliseconds: of one at an application its parent too. Moves one
     * back only where PostgreSQL's clock went back. Returns those that have no row.
     */
    async writeLastSeen(touches: readonly { tokenHash: Buffer; ageMs: number }[]): Promise<Unknown> {
      const { rows } = await pool.query<Unknown>(WRITE_LAST_SEEN, [
        touches.map((touch) => touch.tokenHash),
        touches.map((touch) => touch.ageMs),
      ]);
      return rows[0] ?? { unknown: [], timeline: null };
    },

    /** The rows of these sessions: why each has ended, or null, and what is left of it at most. */
    async rowsOf(tokenHashes: readonly Buffer[]): Promise<FoundRows> {
      const { rows } = await pool.query<(SessionRow | { id: null }) & { timeline: string | null }>(ROWS_OF, [
        tokenHashes,
      ]);
      const found = rows.flatMap((row) => (row.id === null ? [] : [row]));
      return { rows: found, timeline: rows[0]?.timeline ?? null };
    },
  };
}

/** Sessions without a row, and in which timeline they have none. */
interface Unknown {
  readonly unknown: readonly Buffer[];
  readonly timeline: string | null;
}

export interface SessionRow {
  readonly id: string;
  readonly tokenHash: Buffer;
  readonly reason: EndReason | null;
  readonly remainingMs: number;
}

interface FoundRows {
  readonly rows: readonly SessionRow[];
  readonly timeline: string | null;
}

/** At least one row, which says the timeline. */
const ROWS_OF = `
  SELECT * FROM (SELECT database_timeline() AS timeline OFFSET 0) AS once LEFT JOIN (
    SELECT id, token_hash AS "tokenHash", end_reason AS reason,
           extract(epoch FROM absolute_deadline - clock_timestamp())::float8 * 1000 AS "remainingMs"
      FROM session WHERE token_hash = ANY ($1::bytea[])) AS found ON true`;

const WRITE_LAST_SEEN = `
  WITH t AS (SELECT token_hash, clock_timestamp() - age * interval '1 millisecond' AS seen_at
               FROM unnest($1::bytea[], $2::float8[]) AS given(token_hash, age)),
       found AS (SELECT s.id, s.parent_id, s.token_hash, t.seen_at FROM t JOIN session AS s ON s.token_hash = t.token_hash),
       seen AS (SELECT id, max(seen_at) AS seen_at
                  FROM (SELECT id, seen_at FROM found
                        UNION ALL SELECT parent_id, seen_at FROM found WHERE parent_id IS NOT NULL) AS both_ GROUP BY id),
       locked AS (SELECT session.id, seen.seen_at FROM session JOIN seen ON seen.id = session.id
                   WHERE ended_at IS NULL AND last_seen_at NOT BETWEEN seen.seen_at AND clock_timestamp()
                   ${LOCK_ORDER} FOR NO KEY UPDATE OF session),
       written AS (
         UPDATE session SET last_seen_at = seen_at, idle_deadline = seen_at + idle_timeout_seconds * interval '1 second'
           FROM locked WHERE session.id = locked.id)
  SELECT database_timeline() AS timeline,
         ARRAY(SELECT token_hash FROM t WHERE NOT EXISTS (SELECT FROM found WHERE found.token_hash = t.token_hash)) AS unknown`;

const LIST_LIVE = `
  SELECT id, host(ip) AS ip, user_agent AS "userAgent", created_at AS "createdAt", last_seen_at AS "lastSeenAt",
         remember, proved, least(idle_deadline, absolute_deadline) AS "idleDeadline",
         absolute_deadline AS "absoluteDeadline"
    FROM session AS s
   WHERE user_id = $1 AND ended_at IS NULL AND application_id IS NULL AND absolute_deadline > clock_timestamp()
     AND idle_deadline > clock_timestamp() AND NOT ${ENDED_WITH_ALL}
   ORDER BY last_seen_at DESC, id DESC LIMIT 200`;

const LIST_ENDED = `
  SELECT id, user_id AS "userId", host(ip) AS ip, user_agent AS "userAgent", created_at AS "createdAt", last_seen_at AS "lastSeenAt",
         remember, proved, least(idle_deadline, absolute_deadline) AS "idleDeadline", absolute_deadline AS "absoluteDeadline",
         ended_at AS "endedAt", end_reason AS "endReason"
    FROM session
   WHERE user_id = $1 AND ended_at IS NOT NULL AND application_id IS NULL AND end_reason <> 'replaced'
   ORDER BY created_at DESC, id DESC LIMIT $2`;

type ListedRow = Omit<ListedSession, 'authenticationMethod'> & { readonly proved: string };

/** A person's live sessions, the one used last first; not those at applications. */
export async function listLiveSessions(pool: pg.Pool, userId: string): Promise<ListedSession[]> {
  const { rows } = await pool.query<ListedRow>({ name: 'session-list', text: LIST_LIVE, values: [userId] });
  return rows.map(({ proved, ...row }) => ({ ...row, authenticationMethod: readAuthenticationMethod(proved) }));
}

const COUNT_LIVE = `
  SELECT (SELECT count(*) FROM (SELECT FROM session WHERE ended_at IS NULL AND idle_deadline > now() LIMIT $1) AS live)::int
           AS counted,
         (SELECT greatest(reltuples, 0)::float8 FROM pg_class WHERE oid = 'session_live_idle'::regclass) AS estimate`;

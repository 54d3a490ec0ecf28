// The session table: all of its SQL, but for what end-all-sessions.ts and the sealing do with many
// rows at once.
import type pg from 'pg';
import { Prisma } from '../../generated/prisma/client.ts';
import type { Origin } from '../audit/events.ts';
import { type Database, deleteSome, type Transaction } from '../platform/database.ts';
import type { DatabaseClock } from '../platform/database-clock.ts';
import { type AuthenticationMethod, readAuthenticationMethod } from './authentication-method.ts';
import {
  type AllSessionsEnded,
  ENDED_WITH_ALL,
  type Ending,
  type EndReason,
  FIND_SESSION,
  type FoundSession,
  judgeSession,
  type SessionData,
  type SessionRecord,
} from './session-record.ts';

const MAX_USER_AGENT = 512;

/** {@link ENDED_WITH_ALL} where Prisma writes the query. */
export const endedWithAll = Prisma.raw(ENDED_WITH_ALL);

/** One of a person's sessions, as they are shown it. */
export interface ListedSession {
  readonly id: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
}

export type SessionTable = ReturnType<typeof createSessionTable>;

/** Every function throws where PostgreSQL is away. */
export function createSessionTable({ database: { prisma, pool, clock } }: { database: Database }) {
  return {
    ...knownEndings(pool, clock),

    async find(tokenHash: Buffer): Promise<SessionRecord> {
      const { rows } = await pool.query<FoundSession>({
        name: 'session-find',
        text: FIND_SESSION,
        values: [tokenHash],
      });
      const row = rows[0];
      return row ? judgeSession(row) : { state: 'unknown' };
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

    /** A person's live sessions, the one used last first. */
    async list(userId: string): Promise<ListedSession[]> {
      return prisma.$queryRaw<ListedSession[]>`
        SELECT id, host(ip) AS ip, user_agent AS "userAgent", created_at AS "createdAt", last_seen_at AS "lastSeenAt"
          FROM session AS s
         WHERE user_id = ${userId}::uuid AND ended_at IS NULL AND absolute_deadline > clock_timestamp()
           AND idle_deadline > clock_timestamp() AND NOT ${endedWithAll}
         ORDER BY last_seen_at DESC, id DESC LIMIT 200`;
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

    /** Moves a session's idle deadline, at most once a minute; for when Redis can't. */
    async touch(sessionId: string): Promise<void> {
      await prisma.$executeRaw`
        UPDATE session SET last_seen_at = clock_timestamp(),
                           idle_deadline = clock_timestamp() + idle_timeout_seconds * interval '1 second'
         WHERE id = ${sessionId}::uuid AND ended_at IS NULL
           AND last_seen_at NOT BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp()`;
    },

    /**
     * Writes down when sessions were last seen, as ages in milliseconds. Moves one back only where PostgreSQL's clock went
     * back. Returns those that have no row.
     */
    async writeLastSeen(touches: readonly { tokenHash: Buffer; ageMs: number }[]): Promise<Buffer[]> {
      const { rows } = await pool.query<{ token_hash: Buffer }>(
        `WITH t AS (SELECT token_hash, clock_timestamp() - age * interval '1 millisecond' AS seen_at
                      FROM unnest($1::bytea[], $2::float8[]) AS given(token_hash, age)),
              written AS (
                UPDATE session SET last_seen_at = t.seen_at, idle_deadline = t.seen_at + idle_timeout_seconds * interval '1 second'
                  FROM t WHERE session.token_hash = t.token_hash AND session.ended_at IS NULL
                           AND session.last_seen_at NOT BETWEEN t.seen_at AND clock_timestamp())
         SELECT token_hash FROM t WHERE NOT EXISTS (SELECT FROM session WHERE session.token_hash = t.token_hash)`,
        [touches.map((touch) => touch.tokenHash), touches.map((touch) => touch.ageMs)],
      );
      return rows.map((row) => row.token_hash);
    },

    /** The rows of these sessions: why each has ended, or null, and what is left of it at most. */
    async rowsOf(tokenHashes: readonly Buffer[]) {
      const { rows } = await pool.query<{
        id: string;
        tokenHash: Buffer;
        reason: EndReason | null;
        remainingMs: number;
      }>(
        `SELECT id, token_hash AS "tokenHash", end_reason AS reason,
                extract(epoch FROM absolute_deadline - clock_timestamp())::float8 * 1000 AS "remainingMs"
           FROM session WHERE token_hash = ANY ($1::bytea[])`,
        [tokenHashes],
      );
      return rows;
    },
  };
}

const COUNT_LIVE = `
  SELECT (SELECT count(*) FROM (SELECT FROM session WHERE ended_at IS NULL AND idle_deadline > now() LIMIT $1) AS live)::int
           AS counted,
         (SELECT greatest(reltuples, 0)::float8 FROM pg_class WHERE oid = 'session_live_idle'::regclass) AS estimate`;

const NEWEST = `
  SELECT ending_seq, asked_at, kept_session_id, extract(epoch FROM clock_timestamp())::float8 * 1000 AS now FROM audit_head
    LEFT JOIN (SELECT asked_at, kept_session_id FROM everybody_ended ORDER BY asked_at DESC LIMIT 1) AS last ON true
   WHERE audit_head.id = 1`;

/** What PostgreSQL knows of endings that a Redis may have missed. */
function knownEndings(pool: pg.Pool, clock: DatabaseClock) {
  return {
    /**
     * The seq of the newest sealed ending, and when all sessions were last ended, or null. Read
     * together, so that nobody trusts a Redis and knows only one of them. Every process asks once a
     * second, and so learns PostgreSQL's time.
     */
    async newest(): Promise<{ ending: number; allEnded: AllSessionsEnded | null }> {
      const askedAt = performance.now();
      const { rows } = await pool.query<NewestRecord>({ name: 'session-newest', text: NEWEST });
      const [row] = rows;
      if (row) clock.learn(row.now, askedAt);
      const allEnded = row?.asked_at ? { at: row.asked_at.getTime(), kept: row.kept_session_id } : null;
      return { ending: Number(row?.ending_seq ?? 0), allEnded };
    },

    /**
     * Endings that a Redis at this high-water mark may have missed: sealed after it, or not sealed
     * yet. Null: an empty Redis.
     */
    async endingsAfter(mark: number | null): Promise<Ending[]> {
      const sealed = mark === null ? `ended_at > statement_timestamp() - interval '1 minute'` : 'ending_seq > $1';
      const { rows } = await pool.query<EndedRecord>(
        `SELECT token_hash, end_reason FROM session
          WHERE absolute_deadline > statement_timestamp() AND ended_at IS NOT NULL AND (ending_seq IS NULL OR ${sealed})`,
        mark === null ? [] : [mark],
      );
      return rows.map(toEnding);
    },

    /**
     * Endings that the worker has left unsealed for more than a second and a half: an ending made
     * elsewhere may not have reached this Redis. Only those after `since`, less five seconds for
     * transactions that took their time; and the newest moment, to go on from. One in the future, where PostgreSQL's clock
     * went back, is told again until it is sealed.
     */
    async overdueEndings(since: Date): Promise<{ endings: Ending[]; until: Date }> {
      const { rows } = await pool.query<EndedRecord & { ended_at: Date }>(
        `SELECT token_hash, end_reason, ended_at FROM session
          WHERE ended_at IS NOT NULL AND ending_seq IS NULL
            AND ended_at NOT BETWEEN statement_timestamp() - interval '1500 milliseconds' AND statement_timestamp()
            AND ended_at > $1::timestamptz - interval '5 seconds'
          ORDER BY ended_at LIMIT 10000`,
        [earlier(since, clock.now())],
      );
      return { endings: rows.map(toEnding), until: earlier(rows.at(-1)?.ended_at ?? since, clock.now()) };
    },
  };
}

interface NewestRecord {
  ending_seq: string;
  asked_at: Date | null;
  kept_session_id: string | null;
  now: number;
}

interface EndedRecord {
  token_hash: Buffer;
  end_reason: EndReason;
}

function earlier(one: Date, other: Date): Date {
  return one < other ? one : other;
}

function toEnding({ token_hash, end_reason }: EndedRecord): Ending {
  return { tokenHash: token_hash, reason: end_reason };
}

/** What a session keeps of the one whose place it takes. */
export interface Replaced {
  /** When the log-in was that it goes back to. */
  readonly loggedInAt: Date;
  /** When its owner last proved who they are; null for now. */
  readonly provedAt: Date | null;
  readonly absoluteDeadline: Date;
}

export interface SessionInsert {
  readonly id: string;
  readonly tokenHash: Buffer;
  readonly userId: string;
  readonly remember: boolean;
  readonly replaces: Replaced | null;
  readonly idleTimeoutMs: number;
  readonly absoluteLifetimeMs: number;
  readonly data: SessionData;
  readonly authenticationMethod: AuthenticationMethod;
  readonly origin: Origin;
}

/**
 * The statement that inserts a session for each row of `from` and returns its `created_at` and `remaining_ms`. It comes after
 * the newest end of all sessions, even where PostgreSQL's clock went back since: else nobody could log in until it has caught
 * up. The absolute deadline is never later than that of the session whose place it takes.
 */
export function insertSession(session: SessionInsert, from: Prisma.Sql = Prisma.sql`(SELECT) AS once`): Prisma.Sql {
  const { id, tokenHash, userId, remember, replaces, idleTimeoutMs, absoluteLifetimeMs, origin } = session;
  return Prisma.sql`
    INSERT INTO session (id, token_hash, user_id, remember, created_at, logged_in_at, proved_at, last_seen_at,
                         idle_timeout_seconds, idle_deadline, absolute_deadline, data, proved, ip, user_agent)
    SELECT ${id}::uuid, ${new Uint8Array(tokenHash)}::bytea, ${userId}::uuid, ${remember}::boolean,
           greatest(clock_timestamp(), (SELECT max(asked_at) + interval '1 millisecond' FROM everybody_ended)),
           ${replaces?.loggedInAt ?? null}::timestamptz, ${replaces?.provedAt ?? null}::timestamptz, clock_timestamp(),
           ${Math.ceil(idleTimeoutMs / 1_000)}::int,
           clock_timestamp() + ${idleTimeoutMs} * interval '1 millisecond',
           least(${replaces?.absoluteDeadline ?? null}::timestamptz,
                 clock_timestamp() + ${absoluteLifetimeMs} * interval '1 millisecond'), ${JSON.stringify(session.data)}::jsonb,
           ${session.authenticationMethod}::text, ${origin.ip}::inet, ${keptUserAgent(origin)}::text
      FROM ${from}
    RETURNING created_at, (extract(epoch FROM absolute_deadline - clock_timestamp()) * 1000)::float8 AS remaining_ms`;
}

/**
 * Columns beside a row of `user_account`: whether it has had a session; one from this address; one
 * by this browser.
 */
export function seenBefore(origin: Origin): Prisma.Sql {
  return Prisma.sql`
    EXISTS (SELECT FROM session WHERE user_id = user_account.id) AS seen,
    EXISTS (SELECT FROM session WHERE user_id = user_account.id AND ip = ${origin.ip}::inet) AS seen_ip,
    EXISTS (SELECT FROM session
             WHERE user_id = user_account.id AND user_agent IS NOT DISTINCT FROM ${keptUserAgent(origin)}) AS seen_browser`;
}

/** A column beside a row of `user_account`: whether it has room for one more live session. */
export function roomForSession(most: number): Prisma.Sql {
  return Prisma.sql`
    (SELECT count(*) FROM (SELECT FROM session WHERE user_id = user_account.id AND ended_at IS NULL LIMIT ${most}) AS live)
      < ${most} AS roomy`;
}

/** Live sessions of an account beyond so many, the ones unused for longest, locked for the caller. */
export async function lockSurplus(transaction: Transaction, userId: string, most: number): Promise<string[]> {
  const rows = await transaction.$queryRaw<{ id: string }[]>`
    SELECT id FROM session WHERE user_id = ${userId}::uuid AND ended_at IS NULL
     ORDER BY last_seen_at DESC, id DESC OFFSET ${most} FOR UPDATE`;
  return rows.map((row) => row.id);
}

/** A browser's name for itself as it is kept with a session. */
function keptUserAgent({ userAgent }: Origin): string | null {
  return userAgent?.slice(0, MAX_USER_AGENT).toWellFormed().replaceAll('\u0000', '') ?? null;
}

/**
 * Locks a live session for the caller's transaction, and gives what goes along when another takes
 * its place without a new proof.
 */
export async function lockSession(
  transaction: Transaction,
  { sessionId, userId }: { sessionId: string; userId: string },
): Promise<LockedSession | null> {
  const [row] = await transaction.$queryRaw<
    (Replaced & { remember: boolean; proved: string; data: SessionData; provedAt: Date })[]
  >`
    SELECT remember, proved, data, coalesce(logged_in_at, created_at) AS "loggedInAt",
           coalesce(proved_at, created_at) AS "provedAt", absolute_deadline AS "absoluteDeadline" FROM session AS s
     WHERE id = ${sessionId}::uuid AND user_id = ${userId}::uuid AND ended_at IS NULL AND NOT ${endedWithAll}
       FOR UPDATE`;
  if (!row) return null;
  const { remember, proved, data, ...replaces } = row;
  return { remember, authenticationMethod: readAuthenticationMethod(proved), data, replaces };
}

type LockedSession = Pick<SessionInsert, 'remember' | 'authenticationMethod' | 'data'> & {
  readonly replaces: Replaced;
};

export interface EndedSession extends Ending {
  readonly id: string;
  readonly userId: string;
}

/**
 * Ends live sessions in the caller's transaction and returns them; those that have ended already
 * stay as they are.
 */
export async function endRows(
  transaction: Transaction,
  which: EndSelection,
  reason: EndReason,
): Promise<EndedSession[]> {
  const rows = await transaction.$queryRaw<{ id: string; user_id: string; token_hash: Uint8Array }[]>`
    UPDATE session SET ended_at = clock_timestamp(), end_reason = ${reason}
     WHERE ended_at IS NULL AND ${condition(which)}
    RETURNING id, user_id, token_hash`;
  return rows.map((row) => ({ id: row.id, userId: row.user_id, tokenHash: Buffer.from(row.token_hash), reason }));
}

/**
 * Which sessions to end: one (of one owner, where it matters whose), several, or all of an account
 * but one.
 */
export type EndSelection =
  | { readonly sessionIds: readonly string[] }
  | { readonly sessionId: string; readonly ownerId?: string }
  | { readonly userId: string; readonly exceptSessionId?: string };

function condition(which: EndSelection): Prisma.Sql {
  if ('sessionId' in which) {
    const owned = which.ownerId ? Prisma.sql`AND user_id = ${which.ownerId}::uuid` : Prisma.empty;
    return Prisma.sql`id = ${which.sessionId}::uuid ${owned}`;
  }
  if ('sessionIds' in which) return Prisma.sql`id = ANY (${[...which.sessionIds]}::uuid[])`;
  const others = which.exceptSessionId ? Prisma.sql`AND id <> ${which.exceptSessionId}::uuid` : Prisma.empty;
  return Prisma.sql`user_id = ${which.userId}::uuid ${others}`;
}

/**
 * Live sessions whose idle or absolute deadline passed `graceMs` ago, at most `limit`, locked for
 * the caller.
 */
export async function lockExpired(
  transaction: Transaction,
  { graceMs, limit }: { graceMs: number; limit: number },
): Promise<string[]> {
  const rows = await transaction.$queryRaw<{ id: string }[]>`
    SELECT id FROM session
     WHERE ended_at IS NULL
       AND (absolute_deadline < statement_timestamp() - ${graceMs} * interval '1 millisecond'
            OR idle_deadline < statement_timestamp() - ${graceMs} * interval '1 millisecond')
     LIMIT ${limit} FOR UPDATE SKIP LOCKED`;
  return rows.map((row) => row.id);
}

/**
 * Deletes at most `limit` sessions that ended a month ago and that no copy in any Redis can
 * outlive; returns how many.
 */
export async function deleteOldSessions(transaction: Transaction, limit: number): Promise<number> {
  const where = Prisma.sql`ended_at < statement_timestamp() - interval '30 days'
    AND absolute_deadline < statement_timestamp() - interval '1 day' AND ending_seq IS NOT NULL`;
  return deleteSome(transaction, { from: 'session', where, limit, key: 'id' });
}

/**
 * The moment of something that an account adds now: never before its newest session began, even where PostgreSQL's clock went
 * back since. So what is added after a log-in can be told from what was there.
 */
export async function momentWithin(transaction: Transaction, userId: string): Promise<Date> {
  const [row] = await transaction.$queryRaw<{ at: Date }[]>`
    SELECT greatest(clock_timestamp(), max(created_at)) AS at FROM session WHERE user_id = ${userId}::uuid`;
  if (!row) throw new Error('an aggregate gives one row');
  return row.at;
}

/** Where a session came from, live or not; null once its row is gone. */
export async function findOrigin(client: Pick<Transaction, 'session'>, sessionId: string) {
  const row = await client.session.findUnique({
    where: { id: sessionId },
    select: { userId: true, createdAt: true, loggedInAt: true, proved: true, ip: true, userAgent: true },
  });
  if (!row) return null;
  const { proved, ...origin } = row;
  return {
    ...origin,
    loggedInAt: row.loggedInAt ?? row.createdAt,
    authenticationMethod: readAuthenticationMethod(proved),
  };
}

/** By id, from after one. */
export function readSessionsOf(database: Transaction, userId: string, after: string | null, take: number) {
  return database.session.findMany({
    where: { userId, ...(after === null ? {} : { id: { gt: after } }) },
    orderBy: { id: 'asc' },
    take,
    select: {
      id: true,
      createdAt: true,
      lastSeenAt: true,
      absoluteDeadline: true,
      remember: true,
      ip: true,
      userAgent: true,
      data: true,
      endedAt: true,
      endReason: true,
    },
  });
}

/** The rows stay for as long as an old copy of a session could come back. */
export async function emptySessionsWithin(transaction: Transaction, userId: string): Promise<void> {
  await transaction.session.updateMany({ where: { userId }, data: { data: {} } });
}

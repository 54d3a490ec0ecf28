// The session table: who is logged in, as PostgreSQL knows it. Deadlines are judged by its clock alone, and handed out as
// time that remains, so that no other clock needs to agree with it.
import { Prisma, type Role } from '../../generated/prisma/client.ts';
import { type Database, deleteSome, type Transaction } from '../platform/database.ts';
import { type AuthenticationMethod, readAuthenticationMethod } from './authentication-method.ts';

/** Why a session is no more; the visitor is told in these terms. */
export const END_REASONS = [
  'logged_out',
  'replaced',
  'revoked',
  'revoked_by_operator',
  'password_changed',
  'email_changed',
  'role_changed',
  'account_disabled',
  'account_deleted',
  'second_factor_added',
  'expired',
] as const;
export type EndReason = (typeof END_REASONS)[number];

/**
 * Application data kept with a session; anything that JSON can hold. Nothing writes it today: what older versions kept goes
 * along when a session is replaced, and with its copies.
 */
export type SessionData = Readonly<Record<string, unknown>>;

/** Who a session belongs to: what a restricted page may rely on. */
export interface SessionOwner {
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  readonly role: Role;
  /** Whether the browser keeps the cookie when it is closed. */
  readonly remember: boolean;
  /** How they logged in. */
  readonly authenticationMethod: AuthenticationMethod;
  /** Milliseconds since 1970: when this session began, and when the account was made. */
  readonly createdAt: number;
  readonly memberSince: number;
}

export interface LiveRecord {
  readonly state: 'live';
  readonly owner: SessionOwner;
  readonly data: SessionData;
  readonly sinceSeenMs: number;
  readonly idleTimeoutMs: number;
  readonly absoluteRemainingMs: number;
}

export type SessionRecord =
  | LiveRecord
  | { readonly state: 'ended'; readonly reason: EndReason }
  | { readonly state: 'unknown' };

/** A session that has ended, as Redis must be told. */
export interface Ending {
  readonly tokenHash: Buffer;
  readonly reason: EndReason;
}

/** No session that began at or before this moment (PostgreSQL's clock, milliseconds) counts, but the one that is kept. */
export interface AllSessionsEnded {
  readonly at: number;
  readonly kept: string | null;
}

interface Row {
  id: string;
  user_id: string;
  email: string;
  role: Role;
  remember: boolean;
  proved: string;
  data: SessionData;
  created_at: Date;
  member_since: Date;
  end_reason: EndReason | null;
  disabled: boolean;
  ended_with_all: boolean;
  since_seen_ms: number;
  idle_remaining_ms: number;
  idle_timeout_seconds: number;
  absolute_remaining_ms: number;
}

/** Whether the session `s` ended with everybody's, whatever its row says yet. */
export const ENDED_WITH_ALL = `EXISTS (
  SELECT FROM everybody_ended AS e WHERE e.asked_at >= s.created_at AND e.kept_session_id IS DISTINCT FROM s.id)`;

/** The same, where Prisma writes the query. */
export const endedWithAll = Prisma.raw(ENDED_WITH_ALL);

const FIND = `
  SELECT s.id, s.user_id, u.email, u.role, s.remember, s.proved, s.data, s.created_at, u.created_at AS member_since, s.end_reason,
         u.disabled_at IS NOT NULL AS disabled, ${ENDED_WITH_ALL} AS ended_with_all, s.idle_timeout_seconds,
         extract(epoch FROM clock_timestamp() - s.last_seen_at)::float8 * 1000 AS since_seen_ms,
         extract(epoch FROM s.idle_deadline - clock_timestamp())::float8 * 1000 AS idle_remaining_ms,
         extract(epoch FROM s.absolute_deadline - clock_timestamp())::float8 * 1000 AS absolute_remaining_ms
    FROM session s JOIN user_account u ON u.id = s.user_id
   WHERE s.token_hash = $1`;

const NEWEST = `
  SELECT ending_seq, asked_at, kept_session_id FROM audit_head
    LEFT JOIN (SELECT asked_at, kept_session_id FROM everybody_ended ORDER BY asked_at DESC LIMIT 1) AS last ON true
   WHERE audit_head.id = 1`;

export type SessionTable = ReturnType<typeof createSessionTable>;

export function createSessionTable({ database: { prisma, pool } }: { database: Database }) {
  return {
    /** What PostgreSQL knows of a session, by the SHA-256 of its token. Throws if PostgreSQL is away. */
    async find(tokenHash: Buffer): Promise<SessionRecord> {
      const { rows } = await pool.query<Row>({ name: 'session-find', text: FIND, values: [tokenHash] });
      const row = rows[0];
      return row ? judge(row) : { state: 'unknown' };
    },

    /** Whether a session is live and began no longer ago than that. Throws if PostgreSQL is away. */
    async isRecent(sessionId: string, withinMs: number): Promise<boolean> {
      const { rows } = await pool.query<{ recent: boolean }>({
        name: 'session-is-recent',
        text: `SELECT created_at > clock_timestamp() - $2 * interval '1 millisecond' AS recent
                 FROM session AS s WHERE id = $1 AND ended_at IS NULL AND NOT ${ENDED_WITH_ALL}`,
        values: [sessionId, withinMs],
      });
      return rows[0]?.recent ?? false;
    },

    /** Locks a live session for the caller's transaction, and gives what goes along when another takes its place. */
    async lock(
      transaction: Transaction,
      { sessionId, userId }: { sessionId: string; userId: string },
    ): Promise<{
      remember: boolean;
      authenticationMethod: AuthenticationMethod;
      data: SessionData;
      loggedInAt: Date;
    } | null> {
      const [row] = await transaction.$queryRaw<
        { remember: boolean; proved: string; data: SessionData; loggedInAt: Date }[]
      >`
        SELECT remember, proved, data, coalesce(logged_in_at, created_at) AS "loggedInAt" FROM session AS s
         WHERE id = ${sessionId}::uuid AND user_id = ${userId}::uuid AND ended_at IS NULL AND NOT ${endedWithAll}
           FOR UPDATE`;
      if (!row) return null;
      const { remember, proved, data, loggedInAt } = row;
      return { remember, authenticationMethod: readAuthenticationMethod(proved), data, loggedInAt };
    },

    /** Moves a session's idle deadline, at most once a minute; for when Redis, which does it otherwise, is away. */
    async touch(sessionId: string): Promise<void> {
      await prisma.$executeRaw`
        UPDATE session SET last_seen_at = clock_timestamp(),
                           idle_deadline = clock_timestamp() + idle_timeout_seconds * interval '1 second'
         WHERE id = ${sessionId}::uuid AND ended_at IS NULL AND last_seen_at < clock_timestamp() - interval '1 minute'`;
    },

    /** Writes down when sessions were last seen, as ages in milliseconds; never moves one back. */
    async writeLastSeen(touches: readonly { tokenHash: Buffer; ageMs: number }[]): Promise<void> {
      await pool.query(
        `UPDATE session SET last_seen_at = t.seen_at, idle_deadline = t.seen_at + idle_timeout_seconds * interval '1 second'
           FROM (SELECT token_hash, clock_timestamp() - age * interval '1 millisecond' AS seen_at
                   FROM unnest($1::bytea[], $2::float8[]) AS given(token_hash, age)) AS t
          WHERE session.token_hash = t.token_hash AND session.ended_at IS NULL AND session.last_seen_at < t.seen_at`,
        [touches.map((touch) => touch.tokenHash), touches.map((touch) => touch.ageMs)],
      );
    },

    /**
     * The seq of the newest sealed ending, which a Redis that can be believed has carried out; and when everybody's
     * sessions were last ended, or null. Read together, so that nobody believes a Redis and knows only one of them.
     */
    async newest(): Promise<{ ending: number; allEnded: AllSessionsEnded | null }> {
      const { rows } = await pool.query<{ ending_seq: string; asked_at: Date | null; kept_session_id: string | null }>({
        name: 'session-newest',
        text: NEWEST,
      });
      const [row] = rows;
      const allEnded = row?.asked_at ? { at: row.asked_at.getTime(), kept: row.kept_session_id } : null;
      return { ending: Number(row?.ending_seq ?? 0), allEnded };
    },

    /** Endings that a Redis at `mark` may have missed: sealed after it, or not sealed yet. Null: an empty Redis. */
    async endingsAfter(mark: number | null): Promise<Ending[]> {
      const sealed = mark === null ? `ended_at > statement_timestamp() - interval '1 minute'` : 'ending_seq > $1';
      const { rows } = await pool.query<{ token_hash: Buffer; end_reason: EndReason }>(
        `SELECT token_hash, end_reason FROM session
          WHERE absolute_deadline > statement_timestamp() AND ended_at IS NOT NULL AND (ending_seq IS NULL OR ${sealed})`,
        mark === null ? [] : [mark],
      );
      return rows.map((row) => ({ tokenHash: row.token_hash, reason: row.end_reason }));
    },

    /**
     * Endings that the worker has left unsealed for more than a second and a half: it is late or away, and with it the
     * repetition that brings an ending made elsewhere into this Redis. Only those after `since`, less
     * five seconds for transactions that took their time; and the newest moment, to go on from.
     */
    async overdueEndings(since: Date): Promise<{ endings: Ending[]; until: Date }> {
      const { rows } = await pool.query<{ token_hash: Buffer; end_reason: EndReason; ended_at: Date }>(
        `SELECT token_hash, end_reason, ended_at FROM session
          WHERE ended_at IS NOT NULL AND ending_seq IS NULL
            AND ended_at < statement_timestamp() - interval '1500 milliseconds' AND ended_at > $1::timestamptz - interval '5 seconds'
          ORDER BY ended_at LIMIT 10000`,
        [since],
      );
      return {
        endings: rows.map((row) => ({ tokenHash: row.token_hash, reason: row.end_reason })),
        until: rows.at(-1)?.ended_at ?? since,
      };
    },

    /** Live sessions whose idle or absolute deadline passed `graceMs` ago, at most `limit`, locked for the caller. */
    async findExpired(
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
    },

    /** Deletes ended sessions that no copy in any Redis can outlive, and that were kept for a month, at most `limit`; returns how many. */
    async deleteOld(transaction: Transaction, limit: number): Promise<number> {
      const where = Prisma.sql`ended_at < statement_timestamp() - interval '30 days'
        AND absolute_deadline < statement_timestamp() - interval '1 day' AND ending_seq IS NOT NULL`;
      return deleteSome(transaction, { from: 'session', where, limit });
    },

    /** Ends live sessions in the caller's transaction and returns them; those that have ended already stay as they are. */
    async end(transaction: Transaction, which: EndSelection, reason: EndReason): Promise<EndedSession[]> {
      const rows = await transaction.$queryRaw<{ id: string; user_id: string; token_hash: Uint8Array }[]>`
        UPDATE session SET ended_at = clock_timestamp(), end_reason = ${reason}
         WHERE ended_at IS NULL AND ${condition(which)}
        RETURNING id, user_id, token_hash`;
      return rows.map((row) => ({ id: row.id, userId: row.user_id, tokenHash: Buffer.from(row.token_hash), reason }));
    },
  };
}

/** Which sessions to end: one (of one owner, where it matters whose), several, or all of an account but one. */
export type EndSelection =
  | { readonly sessionIds: readonly string[] }
  | { readonly sessionId: string; readonly ownerId?: string }
  | { readonly userId: string; readonly exceptSessionId?: string };

export interface EndedSession extends Ending {
  readonly id: string;
  readonly userId: string;
}

function condition(which: EndSelection): Prisma.Sql {
  if ('sessionId' in which) {
    const owned = which.ownerId ? Prisma.sql`AND user_id = ${which.ownerId}::uuid` : Prisma.empty;
    return Prisma.sql`id = ${which.sessionId}::uuid ${owned}`;
  }
  if ('sessionIds' in which) return Prisma.sql`id = ANY (${[...which.sessionIds]}::uuid[])`;
  const others = which.exceptSessionId ? Prisma.sql`AND id <> ${which.exceptSessionId}::uuid` : Prisma.empty;
  return Prisma.sql`user_id = ${which.userId}::uuid ${others}`;
}

function judge(row: Row): SessionRecord {
  if (row.end_reason) return { state: 'ended', reason: row.end_reason };
  if (row.ended_with_all) return { state: 'ended', reason: 'revoked_by_operator' };
  if (row.disabled) return { state: 'ended', reason: 'account_disabled' };
  if (row.idle_remaining_ms <= 0 || row.absolute_remaining_ms <= 0) return { state: 'ended', reason: 'expired' };
  return {
    state: 'live',
    owner: {
      id: row.id,
      userId: row.user_id,
      email: row.email,
      role: row.role,
      remember: row.remember,
      authenticationMethod: readAuthenticationMethod(row.proved),
      createdAt: row.created_at.getTime(),
      memberSince: row.member_since.getTime(),
    },
    data: row.data,
    sinceSeenMs: row.since_seen_ms,
    idleTimeoutMs: row.idle_timeout_seconds * 1_000,
    absoluteRemainingMs: row.absolute_remaining_ms,
  };
}

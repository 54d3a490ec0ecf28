// A session as PostgreSQL knows it. Deadlines are judged by its clock alone and handed out as time
// that remains, so that no other clock needs to agree with it.
import { type AuthenticationMethod, readAuthenticationMethod } from './authentication-method.ts';
import { type Role, roleIn } from './role.ts';

/** Why a session has ended; the visitor is told in these terms. */
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
  'too_many_sessions',
  'entry_lost',
  'expired',
] as const;
export type EndReason = (typeof END_REASONS)[number];

/**
 * Application data kept with a session; anything that JSON can hold. Nothing writes it today: what
 * older versions kept goes along when a session is replaced, and with its copies.
 */
export type SessionData = Readonly<Record<string, unknown>>;

/** What a restricted page may rely on. */
export interface SessionOwner {
  /** The session's public id. */
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  readonly role: Role;
  /** Whether the browser keeps the cookie when it is closed. */
  readonly remember: boolean;
  readonly authenticationMethod: AuthenticationMethod;
  /** Milliseconds since 1970: when this session began, and when the account was made. */
  readonly createdAt: number;
  readonly memberSince: number;
  /** The first session since the log-in: stays when another takes its place, and is an application's parent's. */
  readonly loginId: string;
  /** Of a session at an application; a person's own has none. It opens no page of ours. */
  readonly application?: AtApplication;
}

export interface AtApplication {
  readonly id: string;
  /** When its owner last proved who they are: milliseconds since 1970, by PostgreSQL's clock. */
  readonly provedAt: number;
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

/**
 * No session that began at or before this moment (PostgreSQL's clock, milliseconds) counts, but the
 * one that is kept.
 */
export interface AllSessionsEnded {
  readonly at: number;
  readonly kept: string | null;
}

/** Whether the session `s` ended with all others, whatever its row says yet. */
export const ENDED_WITH_ALL = `EXISTS (
  SELECT FROM everybody_ended AS e WHERE e.asked_at >= s.created_at AND e.kept_session_id IS DISTINCT FROM s.id)`;

/**
 * The order in which whoever locks several sessions locks them, people's before those at applications: of two who want some of
 * the same, one waits for the other and never both.
 */
export const LOCK_ORDER = 'ORDER BY application_id IS NOT NULL, id';

/** What PostgreSQL knows of a session, and in which timeline (its epoch, in failover/epochs.ts); null where it does not tell. */
export interface FoundRecord {
  readonly record: SessionRecord;
  readonly timeline: string | null;
}

export interface FoundSession {
  timeline: string | null;
  /** Null: there is no such session, and nothing else. */
  id: string | null;
  user_id: string;
  email: string;
  role: Role;
  remember: boolean;
  proved: string;
  data: SessionData;
  created_at: Date;
  member_since: Date;
  end_reason: EndReason | null;
  /** Why its parent has ended, in whatever way that went past its children. */
  parent_end: EndReason | null;
  application_id: string | null;
  login_id: string;
  proved_at: Date;
  disabled: boolean;
  ended_with_all: boolean;
  since_seen_ms: number;
  idle_remaining_ms: number;
  idle_timeout_seconds: number;
  absolute_remaining_ms: number;
}

/** One row, with the timeline alone where there is no such session. */
export const FIND_SESSION = `
  SELECT database_timeline() AS timeline, found.* FROM (SELECT) AS once LEFT JOIN (
  SELECT s.id, s.user_id, u.email, ${roleIn('u')} AS role, s.remember, s.proved, s.data, s.created_at, u.created_at AS member_since, s.end_reason,
         s.application_id, coalesce(s.login_id, s.id) AS login_id, coalesce(s.proved_at, s.created_at) AS proved_at,
         CASE WHEN s.parent_id IS NULL THEN NULL WHEN p.id IS NULL THEN 'expired' ELSE p.end_reason END AS parent_end,
         u.disabled_at IS NOT NULL AS disabled, ${ENDED_WITH_ALL} AS ended_with_all, s.idle_timeout_seconds,
         extract(epoch FROM clock_timestamp() - s.last_seen_at)::float8 * 1000 AS since_seen_ms,
         extract(epoch FROM s.idle_deadline - clock_timestamp())::float8 * 1000 AS idle_remaining_ms,
         extract(epoch FROM s.absolute_deadline - clock_timestamp())::float8 * 1000 AS absolute_remaining_ms
    FROM session s JOIN user_account u ON u.id = s.user_id LEFT JOIN session p ON p.id = s.parent_id
   WHERE s.token_hash = $1) AS found ON true`;

export function judgeSession(row: FoundSession): SessionRecord {
  if (row.id === null) return { state: 'unknown' };
  if (row.end_reason) return { state: 'ended', reason: row.end_reason };
  if (row.parent_end) return { state: 'ended', reason: row.parent_end };
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
      loginId: row.login_id,
      ...(row.application_id && { application: { id: row.application_id, provedAt: row.proved_at.getTime() } }),
    },
    data: row.data,
    sinceSeenMs: row.since_seen_ms,
    idleTimeoutMs: row.idle_timeout_seconds * 1_000,
    absoluteRemainingMs: row.absolute_remaining_ms,
  };
}

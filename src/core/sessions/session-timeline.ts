// A session as an operator follows it: every session of its log-in (those that took its place, those
// at applications that hang on it), and what the log holds of them.
import type pg from 'pg';
import { readSessionEvents, type SessionEvents } from '../audit/reading/session-events.ts';
import { readAuthenticationMethod } from './authentication-method.ts';
import type { EndReason } from './session-record.ts';
import type { ListedSession, SessionSight } from './session-table.ts';

/** One of a log-in. The first of a person's own began with the log-in. */
export interface SessionOfLogin extends SessionSight, ListedSession {
  readonly email: string;
  readonly loginId: string;
  readonly loggedInAt: Date;
  /** The application that it is at; null for a person's own. */
  readonly application: string | null;
}

export interface SessionTimeline extends SessionEvents {
  /** Oldest first; empty once the rows are gone. The one that was asked for is among them. */
  readonly sessions: readonly SessionOfLogin[];
  /** Null where neither a row nor an event says whose it was: there is no such session. */
  readonly userId: string | null;
}

/** A log-in has a session for each time that its owner confirmed who they are, and those at applications. */
const MOST_SESSIONS = 200;

/** By the id of any of its sessions. */
export async function readSessionTimeline(pool: pg.Pool, sessionId: string): Promise<SessionTimeline> {
  const sessions = await sessionsOfLogin(pool, sessionId);
  const ids = sessions.length > 0 ? sessions.map(({ id }) => id) : [sessionId];
  const over = sessions.every(({ endedAt }) => endedAt !== null);
  const events = await readSessionEvents(pool, { sessions: ids, over });
  return { sessions, userId: sessions[0]?.userId ?? events.inside[0]?.subject ?? null, ...events };
}

interface Row {
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  readonly loginId: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly remember: boolean;
  readonly proved: string;
  readonly createdAt: Date;
  readonly loggedInAt: Date;
  readonly lastSeenAt: Date;
  readonly idleDeadline: Date;
  readonly absoluteDeadline: Date;
  readonly endedAt: Date | null;
  readonly endReason: EndReason | null;
  readonly application: string | null;
}

async function sessionsOfLogin(pool: pg.Pool, sessionId: string): Promise<SessionOfLogin[]> {
  const { rows } = await pool.query<Row>({ name: 'sessions-of-login', text: OF_LOGIN, values: [sessionId] });
  return rows.map(({ proved, ...row }) => ({ ...row, authenticationMethod: readAuthenticationMethod(proved) }));
}

const OF_LOGIN = `
  WITH asked AS (SELECT user_id, coalesce(login_id, id) AS login FROM session WHERE id = $1),
       told AS (
         SELECT s.*, least(s.idle_deadline, s.absolute_deadline) AS deadline,
                (SELECT min(asked_at) FROM everybody_ended AS e
                  WHERE e.asked_at >= s.created_at AND e.kept_session_id IS DISTINCT FROM s.id) AS all_ended
           FROM asked JOIN session AS s ON s.user_id = asked.user_id AND coalesce(s.login_id, s.id) = asked.login)
  SELECT told.id, user_id AS "userId", u.email, coalesce(login_id, told.id) AS "loginId", host(ip) AS ip, user_agent AS "userAgent",
         remember, proved, told.created_at AS "createdAt", coalesce(logged_in_at, told.created_at) AS "loggedInAt",
         last_seen_at AS "lastSeenAt", deadline AS "idleDeadline", absolute_deadline AS "absoluteDeadline",
         coalesce(ended_at, all_ended, CASE WHEN deadline <= clock_timestamp() THEN deadline END) AS "endedAt",
         coalesce(end_reason, CASE WHEN all_ended IS NOT NULL THEN 'revoked_by_operator'
                                   WHEN deadline <= clock_timestamp() THEN 'expired' END) AS "endReason",
         CASE WHEN application_id IS NOT NULL THEN coalesce(a.name, 'a removed application') END AS application
    FROM told JOIN user_account AS u ON u.id = user_id LEFT JOIN application AS a ON a.id = application_id
   ORDER BY told.created_at, told.id LIMIT ${MOST_SESSIONS}`;

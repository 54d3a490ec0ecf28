// The session table within a transaction: its rows begun, locked, ended, emptied and deleted.
import { Prisma } from '../../generated/prisma/client.ts';
import type { Origin } from '../audit/events.ts';
import { deleteSome, type Transaction } from '../platform/database.ts';
import { keptUserAgent } from '../platform/kept-user-agent.ts';
import { type AuthenticationMethod, readAuthenticationMethod } from './authentication-method.ts';
import { ENDED_WITH_ALL, type Ending, type EndReason, LOCK_ORDER, type SessionData } from './session-record.ts';

/** {@link ENDED_WITH_ALL} where Prisma writes the query. */
export const endedWithAll = Prisma.raw(ENDED_WITH_ALL);
const inOrder = Prisma.raw(LOCK_ORDER);

/** What a session keeps of the one whose place it takes. */
export interface Replaced {
  /** When the log-in was that it goes back to. */
  readonly loggedInAt: Date;
  /** When its owner last proved who they are; null for now. */
  readonly provedAt: Date | null;
  readonly absoluteDeadline: Date;
  readonly loginId: string;
  /** The known browser that it began in; null where that is not known. */
  readonly deviceId: string | null;
}

/** The session of its person that a session at an application hangs on. */
export interface Hanging {
  readonly parentId: string;
  readonly applicationId: string;
}

export interface SessionInsert {
  readonly id: string;
  readonly tokenHash: Buffer;
  readonly userId: string;
  readonly remember: boolean;
  readonly replaces: Replaced | null;
  readonly hangs?: Hanging;
  /** The id of the known browser that it begins in, for the statement; else that of the session whose place it takes. */
  readonly browser?: Prisma.Sql | undefined;
  readonly idleTimeoutMs: number;
  readonly absoluteLifetimeMs: number;
  readonly data: SessionData;
  readonly authenticationMethod: AuthenticationMethod;
  readonly origin: Origin;
}

/**
 * The statement that inserts a session for each row of `from` and returns its `created_at`, `remaining_ms` and `timeline`. It comes after
 * the newest end of all sessions, even where PostgreSQL's clock went back since: else nobody could log in until it has caught
 * up. The absolute deadline is never later than that of the session whose place it takes.
 */
export function insertSession(session: SessionInsert, from: Prisma.Sql = Prisma.sql`(SELECT) AS once`): Prisma.Sql {
  const { id, tokenHash, userId, remember, replaces, hangs, idleTimeoutMs, absoluteLifetimeMs, origin } = session;
  const { browser = Prisma.sql`${hangs ? null : (replaces?.deviceId ?? null)}::uuid` } = session;
  return Prisma.sql`
    INSERT INTO session (id, token_hash, user_id, remember, created_at, logged_in_at, proved_at, last_seen_at,
                         idle_timeout_seconds, idle_deadline, absolute_deadline, data, proved, ip, user_agent,
                         parent_id, application_id, login_id, device_id)
    SELECT ${id}::uuid, ${new Uint8Array(tokenHash)}::bytea, ${userId}::uuid, ${remember}::boolean,
           greatest(clock_timestamp(), (SELECT max(asked_at) + interval '1 millisecond' FROM everybody_ended)),
           ${replaces?.loggedInAt ?? null}::timestamptz, ${replaces?.provedAt ?? null}::timestamptz, clock_timestamp(),
           ${Math.ceil(idleTimeoutMs / 1_000)}::int,
           clock_timestamp() + ${idleTimeoutMs} * interval '1 millisecond',
           least(${replaces?.absoluteDeadline ?? null}::timestamptz,
                 clock_timestamp() + ${absoluteLifetimeMs} * interval '1 millisecond'), ${JSON.stringify(session.data)}::jsonb,
           ${session.authenticationMethod}::text, ${origin.ip}::inet, ${keptUserAgent(origin)}::text,
           ${hangs?.parentId ?? null}::uuid, ${hangs?.applicationId ?? null}::uuid, ${replaces?.loginId ?? null}::uuid,
           ${browser}
      FROM ${from}
    RETURNING created_at, (extract(epoch FROM absolute_deadline - clock_timestamp()) * 1000)::float8 AS remaining_ms,
              database_timeline() AS timeline`;
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

/** A column beside a row of `user_account`: whether it has room for one more live session; those at applications take none. */
export function roomForSession(most: number): Prisma.Sql {
  return Prisma.sql`
    (SELECT count(*) FROM (SELECT FROM session WHERE user_id = user_account.id AND ended_at IS NULL
                                  AND application_id IS NULL LIMIT ${most}) AS live)
      < ${most} AS roomy`;
}

/** Live sessions of an account beyond so many, the ones unused for longest. */
export async function findSurplus(transaction: Transaction, userId: string, most: number): Promise<string[]> {
  const rows = await transaction.$queryRaw<{ id: string }[]>`
    SELECT id FROM session WHERE user_id = ${userId}::uuid AND ended_at IS NULL AND application_id IS NULL
     ORDER BY last_seen_at DESC, id DESC OFFSET ${most}`;
  return rows.map((row) => row.id);
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
    (Replaced & { remember: boolean; proved: string; data: SessionData; provedAt: Date; idleSeconds: number })[]
  >`
    SELECT remember, proved, data, idle_timeout_seconds AS "idleSeconds", coalesce(logged_in_at, created_at) AS "loggedInAt",
           coalesce(proved_at, created_at) AS "provedAt", absolute_deadline AS "absoluteDeadline",
           coalesce(login_id, id) AS "loginId", device_id AS "deviceId" FROM session AS s
     WHERE id = ${sessionId}::uuid AND user_id = ${userId}::uuid AND application_id IS NULL
       AND ended_at IS NULL AND NOT ${endedWithAll}
       FOR UPDATE`;
  if (!row) return null;
  const { remember, proved, data, idleSeconds, ...replaces } = row;
  const authenticationMethod = readAuthenticationMethod(proved);
  return { remember, authenticationMethod, data, replaces, idleTimeoutMs: idleSeconds * 1_000 };
}

export type LockedSession = Pick<SessionInsert, 'remember' | 'authenticationMethod' | 'data' | 'idleTimeoutMs'> & {
  readonly replaces: Replaced;
};

/**
 * A person's live session since a log-in, whichever took the place of which. The log-in may be named by any of these: a copy
 * that a version without log-ins wrote names its own session.
 */
export async function findLiveOf(
  client: Pick<Transaction, '$queryRaw'>,
  { userId, loginId }: { userId: string; loginId: string },
): Promise<{ id: string; authenticationMethod: AuthenticationMethod; provedAt: Date } | null> {
  const [row] = await client.$queryRaw<{ id: string; proved: string; provedAt: Date }[]>`
    SELECT id, proved, coalesce(proved_at, created_at) AS "provedAt" FROM session AS s
     WHERE user_id = ${userId}::uuid AND application_id IS NULL AND coalesce(login_id, id) = coalesce(
             (SELECT login_id FROM session WHERE id = ${loginId}::uuid AND user_id = ${userId}::uuid), ${loginId}::uuid)
       AND ended_at IS NULL AND absolute_deadline > clock_timestamp() AND NOT ${endedWithAll}`;
  return row
    ? { id: row.id, authenticationMethod: readAuthenticationMethod(row.proved), provedAt: row.provedAt }
    : null;
}

export interface EndedSession extends Ending {
  readonly id: string;
  readonly userId: string;
  /** The slug of the application it was at; null for a person's own. */
  readonly application: string | null;
  /** The known browser that it began in; null where that is not known. */
  readonly deviceId: string | null;
}

/**
 * Ends live sessions in the caller's transaction and returns them; those that have ended already
 * stay as they are. Sessions at applications end with their parents. `'replaced'` leaves them: they
 * go on with the session that takes its place.
 */
export async function endRows(
  transaction: Transaction,
  which: EndSelection,
  reason: EndReason,
  children: 'end' | 'leave' = 'end',
): Promise<EndedSession[]> {
  const ended = await endWhere(transaction, condition(which), reason);
  if (children === 'leave') return ended;
  const parents = ended.filter(({ application }) => application === null).map(({ id }) => id);
  if (parents.length === 0) return ended;
  // A statement of its own: it sees what somebody entered meanwhile who held the parent.
  const hanging = Prisma.sql`parent_id IS NOT NULL AND parent_id = ANY (${parents}::uuid[])`;
  return [...ended, ...(await endWhere(transaction, hanging, reason))];
}

/**
 * Ends the live sessions that a condition of the table describes, and nothing with them.
 */
export async function endWhere(
  transaction: Transaction,
  condition: Prisma.Sql,
  reason: EndReason,
): Promise<EndedSession[]> {
  const rows = await transaction.$queryRaw<EndedRow[]>`
    UPDATE session SET ended_at = clock_timestamp(), end_reason = ${reason}
     WHERE id = ANY (ARRAY(SELECT id FROM session WHERE ended_at IS NULL AND ${condition} ${inOrder} FOR UPDATE))
       AND ended_at IS NULL
    RETURNING id, user_id, token_hash, device_id, CASE WHEN application_id IS NOT NULL THEN
      coalesce((SELECT slug FROM application WHERE application.id = session.application_id), application_id::text) END AS application`;
  return rows.map(({ id, user_id: userId, token_hash, application, device_id: deviceId }) => {
    return { id, userId, tokenHash: Buffer.from(token_hash), reason, application, deviceId };
  });
}

interface EndedRow {
  readonly id: string;
  readonly user_id: string;
  readonly token_hash: Uint8Array;
  readonly application: string | null;
  readonly device_id: string | null;
}

/** The sessions at applications go on with the session that took the place of their parent. */
export async function moveChildren(transaction: Transaction, from: string, to: string): Promise<void> {
  await transaction.$executeRaw`
    UPDATE session SET parent_id = ${to}::uuid
     WHERE id = ANY (ARRAY(SELECT id FROM session WHERE parent_id IS NOT NULL AND parent_id = ${from}::uuid ${inOrder} FOR UPDATE))
       AND ended_at IS NULL`;
}

/**
 * Which sessions to end: one (of one owner, where it matters whose), several, or all of an account
 * but one and those at applications that hang on it.
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
  const kept = which.exceptSessionId;
  if (kept === undefined) return Prisma.sql`user_id = ${which.userId}::uuid`;
  return Prisma.sql`user_id = ${which.userId}::uuid AND id <> ${kept}::uuid AND parent_id IS DISTINCT FROM ${kept}::uuid`;
}

/**
 * Live sessions whose idle or absolute deadline passed `graceMs` ago, at most `limit`, locked for
 * the caller.
 */
export async function lockExpired(
  transaction: Transaction,
  { graceMs, limit, whose }: { graceMs: number; limit: number; whose: 'people' | 'applications' },
): Promise<string[]> {
  // Apart, because ending a parent locks its children: two who hold some of both would wait for each other.
  const kind = whose === 'people' ? Prisma.sql`application_id IS NULL` : Prisma.sql`application_id IS NOT NULL`;
  const rows = await transaction.$queryRaw<{ id: string }[]>`
    SELECT id FROM session
     WHERE ended_at IS NULL AND ${kind}
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
      parentId: true,
      applicationId: true,
    },
  });
}

/** The rows stay for as long as an old copy of a session could come back. */
export async function emptySessionsWithin(transaction: Transaction, userId: string): Promise<void> {
  await transaction.session.updateMany({ where: { userId }, data: { data: {} } });
}

/** The session that the log-in began to which a session goes back, however often it was replaced; null once its row is gone. */
export async function findLoginOf(client: Pick<Transaction, '$queryRaw'>, sessionId: string): Promise<string | null> {
  const [row] = await client.$queryRaw<{ id: string }[]>`
    SELECT first.id FROM session AS own
      JOIN session AS first ON first.user_id = own.user_id AND first.created_at = coalesce(own.logged_in_at, own.created_at)
     WHERE own.id = ${sessionId}::uuid AND first.logged_in_at IS NULL LIMIT 1`;
  return row?.id ?? null;
}

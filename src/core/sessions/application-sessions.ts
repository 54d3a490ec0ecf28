// Sessions at applications: rows that hang on the session of their person, with a token of their own. They begin here; the
// registry of applications ends them here, in the transaction of whatever takes the right to enter away.
import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../../generated/prisma/client.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { hashApplicationToken, newToken } from '../credentials/random-token.ts';
import { afterCommit, type Database, type Transaction } from '../platform/database.ts';
import type { Epoch } from '../platform/postgres/epoch.ts';
import type { InsertedSession, NewSession, SessionAccount, SessionLimits } from './begin-session.ts';
import type { SessionCache } from './session-cache.ts';
import { ENDED_WITH_ALL, type LiveRecord, type SessionData } from './session-record.ts';
import { endWhere, insertSession, type LockedSession } from './session-rows.ts';
import type { Sessions } from './sessions.ts';

/** As long as two tabs of one browser may enter beside each other. */
const SIBLINGS_MS = 60_000;

/** Which sessions of an application end: all that every part which is given is true of. */
export interface ApplicationEnding {
  readonly applicationId: string;
  readonly userIds?: readonly string[];
  /** A query for the accounts whose sessions go on. */
  readonly exceptOf?: Prisma.Sql;
  /** Those alone that began without a second factor. */
  readonly withoutSecondFactor?: boolean;
}

interface WhyEnded {
  readonly reason: 'entry_lost' | 'revoked_by_operator';
  readonly actor: string | null;
  readonly origin: Origin;
  /** In an operator's words. */
  readonly note?: string;
}

/** One that lives, as operators see it. */
export interface ApplicationSession {
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

export interface Entering {
  readonly account: SessionAccount;
  /** The session that it hangs on, locked. */
  readonly parent: LockedSession & { readonly id: string };
  readonly application: { readonly id: string; readonly slug: string };
  /** The longest that the application allows; never beyond the parent's. */
  readonly limits: SessionLimits;
  readonly data: SessionData;
  readonly origin: Origin;
}

export interface ApplicationSessionsOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly cache: SessionCache;
}

export function createApplicationSessions({ database: { prisma, pool }, sessions, cache }: ApplicationSessionsOptions) {
  return {
    /**
     * Ends sessions in the caller's transaction, with their events; their copies go after the commit. Returns how many. Where
     * the right to enter changes, the caller holds the lock of the registry (`application_version`): nobody enters meanwhile.
     */
    async endWithin(transaction: Transaction, which: ApplicationEnding, why: WhyEnded): Promise<number> {
      const ended = await endWhere(transaction, selected(which), why.reason);
      await sessions.followEndings(transaction, ended, why);
      return ended.length;
    },

    /** Those of an application that live, newest first. */
    list(applicationId: string, limit: number): Promise<readonly ApplicationSession[]> {
      return prisma.$queryRaw<ApplicationSession[]>`
        SELECT s.id, s.user_id AS "userId", u.email, s.created_at AS "createdAt", s.last_seen_at AS "lastSeenAt",
               host(s.ip) AS ip, s.user_agent AS "userAgent"
          FROM session AS s JOIN user_account AS u ON u.id = s.user_id
         WHERE s.application_id IS NOT NULL AND s.application_id = ${applicationId}::uuid AND ${live}
         ORDER BY s.created_at DESC, s.id DESC LIMIT ${limit}`;
    },

    /** How many live, by application. */
    async counts(): Promise<ReadonlyMap<string, number>> {
      const { rows } = await pool.query<{ id: string; count: number }>(COUNTS);
      return new Map(rows.map(({ id, count }) => [id, count]));
    },

    /** Begins a session in the caller's transaction: row and event, and after the commit its copy. */
    async enterWithin(transaction: Transaction, entering: Entering): Promise<NewSession> {
      const { parent, application, account, origin } = entering;
      await endSiblings(transaction, entering);
      const { session, insert } = draft(entering);
      const [row] = await transaction.$queryRaw<InsertedSession[]>(insert);
      if (!row) throw new Error('a row that was inserted was not returned');
      const begun = session(row, cache.epochs.of(row.timeline));
      const who = { actor: account.id, subject: account.id, session: begun.record.owner.id, origin };
      const detail = { application: application.slug, parent: parent.id };
      await recordEvent(transaction, { type: 'application_entered', outcome: 'success', ...who, detail });
      afterCommit(transaction, () => cache.put(begun));
      return begun;
    },
  };

  /** A browser that enters anew has lost the token before, or another tab has just got one. */
  async function endSiblings(transaction: Transaction, { parent, application, account, origin }: Entering) {
    const older = Prisma.sql`parent_id IS NOT NULL AND parent_id = ${parent.id}::uuid AND application_id = ${application.id}::uuid
      AND created_at < clock_timestamp() - ${SIBLINGS_MS} * interval '1 millisecond'`;
    const ended = await endWhere(transaction, older, 'replaced');
    if (ended.length > 0)
      await sessions.followEndings(transaction, ended, { reason: 'replaced', actor: account.id, origin });
  }
}

function draft({ account, parent, application, limits, data, origin }: Entering) {
  const { remember, authenticationMethod, replaces } = parent;
  const token = newToken();
  const tokenHash = hashApplicationToken(token);
  const id = uuidv7();
  const kept = { id, userId: account.id, remember, authenticationMethod };
  const hangs = { parentId: parent.id, applicationId: application.id };
  const insert = insertSession({ ...kept, ...limits, tokenHash, replaces, hangs, data, origin });
  const session = (
    { created_at: createdAt, remaining_ms: absoluteRemainingMs }: InsertedSession,
    epoch: Epoch | null,
  ): NewSession => {
    const since = { createdAt: createdAt.getTime(), memberSince: account.createdAt.getTime() };
    const provedAt = (replaces.provedAt ?? createdAt).getTime();
    const at = { loginId: replaces.loginId, application: { id: application.id, provedAt } };
    const owner = { ...kept, ...since, ...at, email: account.email, role: account.role };
    const deadlines = { sinceSeenMs: 0, idleTimeoutMs: limits.idleTimeoutMs, absoluteRemainingMs };
    const record: LiveRecord = { state: 'live', owner, data, ...deadlines };
    return { token, tokenHash, record, epoch };
  };
  return { insert, session };
}

const LIVE = `s.ended_at IS NULL AND s.idle_deadline > clock_timestamp() AND s.absolute_deadline > clock_timestamp()
  AND NOT ${ENDED_WITH_ALL}`;
const live = Prisma.raw(LIVE);

const COUNTS = `SELECT s.application_id AS id, count(*)::int AS count FROM session AS s
  WHERE s.application_id IS NOT NULL AND ${LIVE} GROUP BY s.application_id`;

function selected({ applicationId, userIds, exceptOf, withoutSecondFactor = false }: ApplicationEnding): Prisma.Sql {
  return Prisma.sql`application_id IS NOT NULL AND application_id = ${applicationId}::uuid
    ${userIds ? Prisma.sql`AND user_id = ANY (${[...userIds]}::uuid[])` : Prisma.empty}
    ${exceptOf ? Prisma.sql`AND user_id NOT IN (${exceptOf})` : Prisma.empty}
    ${withoutSecondFactor ? Prisma.sql`AND proved = 'password'` : Prisma.empty}`;
}

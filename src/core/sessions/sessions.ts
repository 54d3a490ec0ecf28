// What can happen to a session: it begins, is listed, and ends. Each act and the event that tells of it are one
// transaction; then Redis is told. If PostgreSQL is away, an end takes effect in Redis and a job waits to record it.
import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../../generated/prisma/client.ts';
import { type NewAuditEvent, NO_ORIGIN, type Origin } from '../audit/events.ts';
import { type EventNote, recordEvents } from '../audit/outbox.ts';
import { hashToken, newToken } from '../credentials/random-token.ts';
import { afterCommit, type Database, isDatabaseOutage, type Transaction } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { type EndSessionJob, LAST_FAILURE_ONLY, type Queues } from '../platform/queues.ts';
import type { AuthenticationMethod } from './authentication-method.ts';
import type { SessionCache } from './session-cache.ts';
import {
  type EndedSession,
  type EndReason,
  type EndSelection,
  endedWithAll,
  type LiveRecord,
  type SessionData,
  type SessionOwner,
  type SessionTable,
} from './session-table.ts';

const MAX_USER_AGENT = 512;
const EXPIRY_BATCH = 500;
/** A touch happens at most once a minute, and the worker writes it down seconds later. */
const EXPIRY_GRACE_MS = 2 * 60_000;
/** Stands until PostgreSQL has been told, however long that takes. */
const UNRECORDED_TOMBSTONE_MS = 30 * 86_400_000;
/** Every two seconds for as long as the tombstone stands. */
const UNTIL_RECORDED = {
  ...{ attempts: UNRECORDED_TOMBSTONE_MS / 2_000, backoff: { type: 'fixed', delay: 2_000 } },
  ...LAST_FAILURE_ONLY,
} as const;

export interface SessionPolicy {
  readonly standard: SessionLimits;
  readonly remembered: SessionLimits;
  readonly operator: SessionLimits;
}

/** A session that has begun, with the token that its browser keeps: the only time the token is seen. */
export interface NewSession {
  readonly token: string;
  readonly tokenHash: Buffer;
  readonly record: LiveRecord;
}

export interface SessionAccount {
  readonly id: string;
  readonly email: string;
  readonly role: 'member' | 'operator';
  readonly createdAt: Date;
}

/** One of a person's sessions, as they are shown it. */
export interface ListedSession {
  readonly id: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
}

/** How a session begins. */
export interface Beginning {
  readonly remember: boolean;
  readonly authenticationMethod: AuthenticationMethod;
  readonly data?: SessionData;
  /** When the log-in was that it goes back to, if that is not now. */
  readonly loggedInAt?: Date;
  readonly origin: Origin;
  /** What is recorded right after its beginning, in the same statement. */
  readonly also?: (sessionId: string) => readonly EventNote[];
}

/** Who ends a session, and from where. */
export interface EndOptions {
  readonly reason: EndReason;
  readonly actor: string | null;
  readonly origin: Origin;
  /** Why, in an operator's words. */
  readonly note?: string;
  /** Of the session that is ended: its copy goes even if PostgreSQL knows no such session, as after it has lost its last rows. */
  readonly tokenHash?: Buffer;
}

export interface SessionsOptions {
  readonly database: Database;
  readonly table: SessionTable;
  readonly cache: SessionCache;
  readonly queues: Queues;
  readonly policy: SessionPolicy;
  readonly log: Log;
}

export type Sessions = ReturnType<typeof createSessions>;

export function createSessions({ database, table, cache, queues, policy, log }: SessionsOptions) {
  /** Ends sessions in the caller's transaction, with their events; their copies in Redis go after the commit. */
  async function endWithin(
    transaction: Transaction,
    which: EndSelection,
    options: EndOptions,
  ): Promise<EndedSession[]> {
    const ended = await table.end(transaction, which, options.reason);
    await recordEvents(
      transaction,
      ended.map((session) => ({ event: endingEvent(session, options) })),
    );
    afterCommit(transaction, () => cache.invalidate(ended));
    return ended;
  }

  /** Puts the copy of a session whose beginning is committed into Redis. Never throws. */
  const open = ({ tokenHash, record }: NewSession): Promise<void> => cache.put(tokenHash, record);

  /** Buries the copies that Redis holds of the sessions, with a job for each that PostgreSQL is told by; false if it can't. */
  async function endWithoutDatabase(which: EndSelection, { reason, actor, origin }: EndOptions): Promise<boolean> {
    const userId = 'userId' in which ? which.userId : 'ownerId' in which ? which.ownerId : undefined;
    if (userId === undefined) return false;
    const copies = (await cache.copiesOf(userId)).filter((copy) => isSelected(copy.sessionId, which));
    if (copies.length === 0) return false;
    const queue = await queues.open('sessions');
    for (const { sessionId } of copies) {
      const job: EndSessionJob = { sessionId, reason, actor, origin };
      await queue.add('end-session', job, { jobId: `end-${sessionId}`, ...UNTIL_RECORDED });
    }
    const invalidated = await cache.invalidate(
      copies.map(({ tokenHash }) => ({ tokenHash, reason })),
      UNRECORDED_TOMBSTONE_MS,
    );
    if (invalidated)
      log.info({ count: copies.length }, 'sessions were ended in Redis; PostgreSQL is told when it returns');
    return invalidated;
  }

  /**
   * Makes up a session that is to begin. The token is random, 256 bits. Limits are the operator's for an operator, else by
   * whether to keep the browser logged in.
   */
  function draft(
    account: SessionAccount,
    { remember, authenticationMethod, data = {}, loggedInAt, origin, also = () => [] }: Beginning,
  ) {
    const limits = limitsFor(policy, account.role, remember);
    const token = newToken();
    const tokenHash = hashToken(token);
    const id = uuidv7();
    const began = {
      type: 'session_created',
      outcome: 'success',
      actor: account.id,
      subject: account.id,
      session: id,
      origin,
      detail: { remember },
    } as const;
    return {
      /** The statement that inserts its row, for each row of `from`, and returns when it began. */
      insert: (from: Prisma.Sql = Prisma.sql`(SELECT) AS once`): Prisma.Sql => Prisma.sql`
        INSERT INTO session (id, token_hash, user_id, remember, created_at, logged_in_at, last_seen_at, idle_timeout_seconds,
                             idle_deadline, absolute_deadline, data, proved, ip, user_agent)
        SELECT ${id}::uuid, ${new Uint8Array(tokenHash)}::bytea, ${account.id}::uuid, ${remember}::boolean, clock_timestamp(),
               ${loggedInAt ?? null}::timestamptz, clock_timestamp(), ${Math.ceil(limits.idleTimeoutMs / 1_000)}::int,
               clock_timestamp() + ${limits.idleTimeoutMs} * interval '1 millisecond',
               clock_timestamp() + ${limits.absoluteLifetimeMs} * interval '1 millisecond', ${JSON.stringify(data)}::jsonb,
               ${authenticationMethod}::text, ${origin.ip}::inet, ${keptUserAgent(origin)}::text
          FROM ${from}
        RETURNING created_at`,
      /** What is to be recorded with it. */
      notes: [{ event: began }, ...also(id)] as readonly EventNote[],
      /** The session, once it has begun. */
      begun(createdAt: Date): NewSession {
        const owner: SessionOwner = {
          id,
          userId: account.id,
          email: account.email,
          role: account.role,
          remember,
          authenticationMethod,
          createdAt: createdAt.getTime(),
          memberSince: account.createdAt.getTime(),
        };
        const deadlines = {
          sinceSeenMs: 0,
          idleTimeoutMs: limits.idleTimeoutMs,
          absoluteRemainingMs: limits.absoluteLifetimeMs,
        };
        return { token, tokenHash, record: { state: 'live', owner, data, ...deadlines } };
      },
    };
  }

  /** Begins a session in the caller's transaction: row and event, and after the commit its copy in Redis. */
  async function createWithin(
    transaction: Transaction,
    account: SessionAccount,
    beginning: Beginning,
  ): Promise<NewSession> {
    const { insert, notes, begun } = draft(account, beginning);
    const [row] = await transaction.$queryRaw<{ created_at: Date }[]>(insert());
    if (!row) throw new Error('a row that was inserted was not returned');
    await recordEvents(transaction, notes);
    const session = begun(row.created_at);
    afterCommit(transaction, () => open(session));
    return session;
  }

  return {
    endWithin,
    open,
    draft,
    createWithin,

    /**
     * Begins a session in the place of one that is live, with a new token, in the caller's transaction; null if that one
     * has ended. What was proved before goes along unless more was now, and so does what the application keeps in it.
     */
    async replaceWithin(
      transaction: Transaction,
      {
        sessionId,
        userId,
        authenticationMethod,
        origin,
      }: { sessionId: string; userId: string; authenticationMethod?: AuthenticationMethod; origin: Origin },
    ): Promise<NewSession | null> {
      // First the account, as everything does that changes it: a change that came before has ended the session by now.
      const [account] = await transaction.$queryRaw<SessionAccount[]>`
        SELECT id, email, role, created_at AS "createdAt" FROM user_account WHERE id = ${userId}::uuid FOR SHARE`;
      const old = await table.lock(transaction, { sessionId, userId });
      if (!account || !old) return null;
      await endWithin(transaction, { sessionId }, { reason: 'replaced', actor: userId, origin });
      return createWithin(transaction, account, {
        ...old,
        ...(authenticationMethod ? { authenticationMethod } : {}),
        origin,
      });
    },

    /** Whether a session is live and began no longer ago than that, by PostgreSQL's clock. Throws if PostgreSQL is away. */
    isRecent: (sessionId: string, withinMs: number): Promise<boolean> => table.isRecent(sessionId, withinMs),

    /**
     * Ends sessions, wherever they are used, before it returns. Ending what has ended is no error. If PostgreSQL is away,
     * the end of a person's sessions takes effect in Redis at once and jobs record it when PostgreSQL returns; where that
     * can't be kept either, the error is thrown and nothing was ended.
     */
    async end(which: EndSelection, options: EndOptions): Promise<void> {
      try {
        const ended = await database.transact((transaction) => endWithin(transaction, which, options));
        if (ended.length === 0 && options.tokenHash)
          await cache.invalidate([{ tokenHash: options.tokenHash, reason: options.reason }]);
      } catch (error) {
        if (!isDatabaseOutage(error) || !(await endWithoutDatabase(which, options))) throw error;
      }
    },

    /**
     * The worker's part: ends what has expired, five hundred at a time, and returns how many. Waits out a grace in which
     * an extension that is still on its way from Redis arrives.
     */
    async endExpired(): Promise<number> {
      let total = 0;
      for (let count = EXPIRY_BATCH; count === EXPIRY_BATCH; total += count) {
        const ended = await database.transact(async (transaction) => {
          const sessionIds = await table.findExpired(transaction, { graceMs: EXPIRY_GRACE_MS, limit: EXPIRY_BATCH });
          return endWithin(transaction, { sessionIds }, { reason: 'expired', actor: null, origin: NO_ORIGIN });
        });
        count = ended.length;
      }
      return total;
    },

    /** A person's live sessions, the one used last first. Never scans a key space. */
    async list(userId: string): Promise<ListedSession[]> {
      return database.prisma.$queryRaw<ListedSession[]>`
        SELECT id, host(ip) AS ip, user_agent AS "userAgent", created_at AS "createdAt", last_seen_at AS "lastSeenAt"
          FROM session AS s
         WHERE user_id = ${userId}::uuid AND ended_at IS NULL AND absolute_deadline > clock_timestamp()
           AND idle_deadline > clock_timestamp() AND NOT ${endedWithAll}
         ORDER BY last_seen_at DESC, id DESC LIMIT 200`;
    },
  };
}

function isSelected(sessionId: string, which: EndSelection): boolean {
  if ('sessionId' in which) return sessionId === which.sessionId;
  return !('exceptSessionId' in which) || sessionId !== which.exceptSessionId;
}

/** A browser's name for itself as it is kept with a session. */
export function keptUserAgent({ userAgent }: Origin): string | null {
  return userAgent?.slice(0, MAX_USER_AGENT).toWellFormed().replaceAll('\u0000', '') ?? null;
}

function limitsFor(policy: SessionPolicy, role: 'member' | 'operator', remember: boolean): SessionLimits {
  if (role === 'operator') return policy.operator;
  return remember ? policy.remembered : policy.standard;
}

function endingEvent(session: EndedSession, { reason, actor, origin, note }: EndOptions): NewAuditEvent {
  return {
    type: reason === 'expired' ? 'session_expired' : 'session_ended',
    outcome: 'success',
    actor,
    subject: session.userId,
    session: session.id,
    origin,
    detail: { reason, ...(note ? { note } : {}) },
  };
}

/** How long a session lives without being used, and at most. */
export interface SessionLimits {
  readonly idleTimeoutMs: number;
  readonly absoluteLifetimeMs: number;
}

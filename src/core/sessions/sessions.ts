// What can happen to a session: it begins, is replaced, is listed, and ends. Each act and its event
// are one transaction; then Redis is told. Where PostgreSQL is away, an end takes effect in Redis,
// and a job waits to record it.
import { Prisma } from '../../generated/prisma/client.ts';
import { type NewAuditEvent, NO_ORIGIN, type Origin } from '../audit/events.ts';
import { recordEvent, recordEvents } from '../audit/outbox.ts';
import { afterCommit, type Database, isDatabaseOutage, type Transaction } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { type EndSessionJob, LAST_FAILURE_ONLY, type Queues } from '../platform/queues.ts';
import type { AuthenticationMethod } from './authentication-method.ts';
import { createSessionBeginnings, type NewSession, type SessionAccount, type SessionPolicy } from './begin-session.ts';
import { roleIn } from './role.ts';
import type { Copy, SessionCache } from './session-cache.ts';
import type { EndReason } from './session-record.ts';
import {
  type EndedSession,
  type EndSelection,
  endRows,
  findLiveOf,
  findSurplus,
  lockExpired,
  lockSession,
  moveChildren,
} from './session-rows.ts';
import type { SessionTable } from './session-table.ts';

export type { NewSession } from './begin-session.ts';

const EXPIRY_BATCH = 500;
/** A touch happens at most once a minute, and the worker writes it down seconds later. */
const EXPIRY_GRACE_MS = 2 * 60_000;
/** Stands until PostgreSQL has been told, however long that takes. */
const UNRECORDED_TOMBSTONE_MS = 30 * 86_400_000;
/** Every two seconds for as long as the tombstone stands. */
const UNTIL_RECORDED = {
  attempts: UNRECORDED_TOMBSTONE_MS / 2_000,
  backoff: { type: 'fixed', delay: 2_000 },
  ...LAST_FAILURE_ONLY,
} as const;

/** Of an end by which its owner or an operator says that a session is not its owner's any more. */
const DISOWNS: ReadonlySet<EndReason> = new Set(['revoked', 'revoked_by_operator']);

/** Who ends a session, and from where. */
export interface EndOptions {
  readonly reason: EndReason;
  readonly actor: string | null;
  readonly origin: Origin;
  /** Why, in an operator's words. */
  readonly note?: string;
  /** Nobody says that these are not their owner's any more, or whoever ends them forgets every browser afterwards. */
  readonly browsersStay?: boolean;
  /** It had ended before, and PostgreSQL has lost that. */
  readonly after?: 'failover';
  /** Of the session that is ended: its copy goes even where PostgreSQL has lost its row. */
  readonly tokenHash?: Buffer;
}

export interface SessionsOptions {
  readonly database: Database;
  readonly table: SessionTable;
  readonly cache: SessionCache;
  readonly queues: Queues;
  readonly policy: SessionPolicy;
  readonly log: Log;
  /** Of the room above: makes known browsers strangers, and counts them by account. */
  readonly forgetBrowsers: (
    transaction: Transaction,
    ids: readonly string[],
  ) => Promise<readonly { readonly userId: string; readonly count: number }[]>;
  /** From the room above: ends the log-ins of an account that wait for their second factor, and counts them. */
  readonly endWaiting: (transaction: Transaction, userId: string) => Promise<number>;
}

export type Sessions = ReturnType<typeof createSessions>;

export function createSessions({
  database,
  table,
  cache,
  queues,
  policy,
  log,
  endWaiting,
  forgetBrowsers,
}: SessionsOptions) {
  const { draft, open, createWithin } = createSessionBeginnings({ cache, policy });

  /**
   * Ends sessions in the caller's transaction, and those at applications that hang on them, with their events; their copies
   * go after the commit. With the sessions of an account, log-ins of it that wait for their second factor end too.
   */
  async function endWithin(
    transaction: Transaction,
    which: EndSelection,
    options: EndOptions,
  ): Promise<EndedSession[]> {
    const ended = await endRows(transaction, which, options.reason);
    await follow(transaction, ended, options);
    if (DISOWNS.has(options.reason) && options.browsersStay !== true)
      await forgetBrowsersWithin(transaction, ended, options);
    if ('userId' in which) {
      afterCommit(transaction, () => cache.dropGhosts(which.userId));
      await endWaitingWithin(transaction, which.userId, options);
    }
    return ended;
  }

  /** The browsers of sessions that were ended as not their owner's are strangers; but one that another live session is in. */
  async function forgetBrowsersWithin(
    transaction: Transaction,
    ended: readonly EndedSession[],
    { actor, origin, note }: EndOptions,
  ): Promise<void> {
    const ids = ended.flatMap(({ deviceId }) => deviceId ?? []);
    for (const { userId, count } of await forgetBrowsers(transaction, ids)) {
      const detail = { count, by: 'session_ended', ...(note ? { reason: note } : {}) };
      const about = { actor, subject: userId, origin, detail };
      await recordEvent(transaction, { type: 'known_devices_forgotten', outcome: 'success', ...about });
    }
  }

  /** What goes with rows that have ended: their events, and after the commit their tombstones. */
  async function follow(transaction: Transaction, ended: readonly EndedSession[], options: EndOptions): Promise<void> {
    await recordEvents(
      transaction,
      ended.map((session) => ({ event: endingEvent(session, options) })),
    );
    afterCommit(transaction, () => cache.invalidate(ended));
  }

  async function endWaitingWithin(
    transaction: Transaction,
    userId: string,
    { actor, origin, reason }: EndOptions,
  ): Promise<void> {
    const count = await endWaiting(transaction, userId);
    const about = { actor, subject: userId, origin, detail: { count, reason } };
    if (count > 0) await recordEvent(transaction, { type: 'authn_waiting_ended', outcome: 'success', ...about });
  }

  /**
   * Ends sessions, wherever they are used, before it returns. Ending what has ended is no error.
   * Where PostgreSQL is away, the end of a person's sessions takes effect in Redis at once and
   * jobs record it when PostgreSQL returns; where Redis can't keep it either, or none of its replicas
   * has it, PostgreSQL's error is thrown and nothing was ended.
   */
  async function end(which: EndSelection, options: EndOptions): Promise<void> {
    const { tokenHash, reason } = options;
    try {
      const ended = await database.transact((transaction) => endWithin(transaction, which, options));
      if (ended.length === 0 && tokenHash) await cache.invalidate([{ tokenHash, reason }]);
    } catch (error) {
      if (!isDatabaseOutage(error)) throw error;
      const ended = await endInRedis({ cache, queues, log }, which, options).catch((refusal: unknown) => {
        log.warn({ err: refusal }, 'Redis can not keep the end of sessions while PostgreSQL is away');
        return false;
      });
      if (!ended) throw error;
    }
  }

  async function endExpiredOf(whose: 'people' | 'applications'): Promise<number> {
    let total = 0;
    for (let count = EXPIRY_BATCH; count >= EXPIRY_BATCH; total += count) {
      const ended = await database.transact(async (transaction) => {
        const sessionIds = await lockExpired(transaction, { graceMs: EXPIRY_GRACE_MS, limit: EXPIRY_BATCH, whose });
        return endWithin(transaction, { sessionIds }, { reason: 'expired', actor: null, origin: NO_ORIGIN });
      });
      count = ended.length;
    }
    return total;
  }

  return {
    draft,
    open,
    createWithin,
    endWithin,

    /**
     * Begins a session in the place of one that is live, with a new token, in the caller's
     * transaction; null if that one has ended. Its data, its deadline and the sessions at applications
     * that hang on it go along, its authentication method unless there is a new one, and the age of
     * its proof unless its owner proved anew who they are.
     */
    async replaceWithin(transaction: Transaction, replacement: Replacement): Promise<NewSession | null> {
      const { sessionId, userId, authenticationMethod, provedNow, rememberBrowser, origin } = replacement;
      // The account first, as in everything that changes it: a change that came before has ended
      // the session by now.
      const [account] = await transaction.$queryRaw<SessionAccount[]>`
        SELECT id, email, ${Prisma.raw(roleIn('user_account'))} AS role, created_at AS "createdAt" FROM user_account WHERE id = ${userId}::uuid FOR SHARE`;
      const old = await lockSession(transaction, { sessionId, userId });
      if (!account || !old) return null;
      const about = { reason: 'replaced', actor: userId, origin } as const;
      await follow(transaction, await endRows(transaction, { sessionId }, 'replaced', 'leave'), about);
      const method = authenticationMethod ? { authenticationMethod } : {};
      const replaces = provedNow ? { ...old.replaces, provedAt: null } : old.replaces;
      const browser = rememberBrowser ? { browser: Prisma.sql`${await rememberBrowser()}::uuid` } : {};
      const session = await createWithin(transaction, account, { ...old, ...method, ...browser, replaces, origin });
      await moveChildren(transaction, sessionId, session.record.owner.id);
      return session;
    },

    followEndings: follow,

    mostOfAccount: policy.mostOfAccount,

    /** Ends what leaves an account no room for one more session, the ones unused for longest, in the caller's transaction. */
    async makeRoomWithin(transaction: Transaction, userId: string, origin: Origin): Promise<void> {
      const sessionIds = await findSurplus(transaction, userId, policy.mostOfAccount - 1);
      const why = { reason: 'too_many_sessions', actor: null, origin } as const;
      if (sessionIds.length > 0) await endWithin(transaction, { sessionIds }, why);
    },

    isRecent: table.isRecent,

    list: table.list,
    listEnded: table.listEnded,

    look: table.look,
    listAtApplications: table.listAtApplications,

    remaining: table.remaining,

    end,

    /**
     * Ends a person's session since this log-in, as {@link end} does, and with it those at applications. False if there is none.
     */
    async endLogin({ userId, loginId }: { userId: string; loginId: string }, options: EndOptions): Promise<boolean> {
      const found = await findLiveOf(database.prisma, { userId, loginId }).catch(async (error: unknown) => {
        if (!isDatabaseOutage(error)) throw error;
        const copies = await cache.copiesOf(userId).catch(() => null);
        const copy = copies?.find((one) => one.loginId === loginId && !one.atApplication);
        if (!copy) throw error; // one of an older version does not say it: rather nothing than half of it
        return { id: copy.sessionId };
      });
      if (found) await end({ sessionId: found.id, ownerId: userId }, options);
      return found !== null;
    },

    /**
     * The worker's part: ends what has expired, five hundred at a time, and returns how many. Waits
     * out a grace in which an extension that is still on its way from Redis arrives.
     */
    async endExpired(): Promise<number> {
      return (await endExpiredOf('people')) + (await endExpiredOf('applications'));
    },
  };
}

interface Replacement {
  readonly sessionId: string;
  readonly userId: string;
  /** What its owner has shown by now; else that of the one before stays. */
  readonly authenticationMethod?: AuthenticationMethod | null;
  /** Remembers the known browser that it goes on in, where that may be another; called once the sessions are locked. Returns its id. */
  readonly rememberBrowser?: () => Promise<string>;
  /** Whether its owner has just proved again who they are. */
  readonly provedNow?: boolean;
  readonly origin: Origin;
}

/**
 * Invalidates the copies that Redis holds of the sessions, with a job for each that tells
 * PostgreSQL; false if it can't. Nothing but Redis knows of it then: where it has replicas, one of
 * them must have it, or a failover would bring the sessions back.
 */
async function endInRedis(
  { cache, queues, log }: Pick<SessionsOptions, 'cache' | 'queues' | 'log'>,
  which: EndSelection,
  { reason, actor, origin }: EndOptions,
): Promise<boolean> {
  const userId = 'userId' in which ? which.userId : 'ownerId' in which ? which.ownerId : undefined;
  if (userId === undefined) return false;
  const all = await cache.copiesOf(userId);
  if (all === null) return false; // rather nothing than half of it
  const copies = all.filter((copy) => isSelected(copy, which, all));
  if (copies.length === 0 || !(await isReplicated(cache, log))) return false;
  const queue = await queues.open('sessions');
  for (const { sessionId } of copies) {
    const job: EndSessionJob = { sessionId, reason, actor, origin };
    await queue.add('end-session', job, { jobId: `end-${sessionId}`, ...UNTIL_RECORDED });
  }
  const endings = copies.map(({ tokenHash }) => ({ tokenHash, reason }));
  const ended = (await cache.invalidate(endings, UNRECORDED_TOMBSTONE_MS)) && (await isReplicated(cache, log));
  if (ended) log.info({ count: copies.length }, 'sessions were ended in Redis; PostgreSQL is told when it returns');
  return ended;
}

async function isReplicated(cache: SessionCache, log: Log): Promise<boolean> {
  const current = await cache.isReplicated().catch(() => false);
  if (!current) log.warn('no replica of Redis answers: sessions are not ended while PostgreSQL is away');
  return current;
}

/**
 * Those at applications go with the session that they hang on: both have the same log-in. One whose log-in no copy has may hang on
 * any whose copy an older version wrote.
 */
function isSelected({ sessionId, loginId, atApplication }: Copy, which: EndSelection, all: readonly Copy[]): boolean {
  const named = 'sessionId' in which ? which.sessionId : 'exceptSessionId' in which ? which.exceptSessionId : undefined;
  const person = all.find((copy) => copy.sessionId === named && !copy.atApplication);
  const hangs = atApplication && person?.loginId === loginId;
  const isNamed = sessionId === named || hangs;
  if (!('sessionId' in which)) return !isNamed;
  const mayHang = atApplication && person !== undefined;
  return isNamed || (mayHang && !all.some((copy) => copy.loginId === loginId && !copy.atApplication));
}

function endingEvent(session: EndedSession, { reason, actor, origin, note, after }: EndOptions): NewAuditEvent {
  const { application } = session;
  return {
    type: reason === 'expired' ? 'session_expired' : 'session_ended',
    outcome: 'success',
    actor,
    subject: session.userId,
    session: session.id,
    origin,
    detail: {
      reason,
      ...(application === null ? {} : { application }),
      ...(note ? { note } : {}),
      ...(after ? { after } : {}),
    },
  };
}

// How a session begins: with a random token, of which the stores hold only the hash, and the limits
// of the account's role.
import { v7 as uuidv7 } from 'uuid';
import type { Prisma } from '../../generated/prisma/client.ts';
import type { Origin } from '../audit/events.ts';
import { type EventNote, recordEvents } from '../audit/outbox.ts';
import { hashToken, newToken } from '../credentials/random-token.ts';
import { afterCommit, type Transaction } from '../platform/database.ts';
import type { Epoch } from '../platform/postgres/epoch.ts';
import type { AuthenticationMethod } from './authentication-method.ts';
import { type Role, seesConsole } from './role.ts';
import type { SessionCache } from './session-cache.ts';
import type { LiveRecord, SessionData } from './session-record.ts';
import { insertSession, type Replaced } from './session-rows.ts';

/** How long a session lives without being used, and at most. */
export interface SessionLimits {
  readonly idleTimeoutMs: number;
  readonly absoluteLifetimeMs: number;
}

export interface SessionPolicy {
  readonly standard: SessionLimits;
  readonly remembered: SessionLimits;
  readonly operator: SessionLimits;
  /** Live sessions of one account. */
  readonly mostOfAccount: number;
}

/**
 * A session that has begun, with the token that its browser keeps: the only time the token is seen.
 */
export interface NewSession {
  readonly token: string;
  readonly tokenHash: Buffer;
  readonly record: LiveRecord;
  /** The epoch of PostgreSQL that has its row; null where that is not told. */
  readonly epoch: Epoch | null;
}

/** What {@link insertSession} returns. */
export interface InsertedSession {
  readonly created_at: Date;
  readonly remaining_ms: number;
  readonly timeline: string | null;
}

export interface SessionAccount {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
  readonly createdAt: Date;
}

export interface Beginning {
  readonly remember: boolean;
  readonly authenticationMethod: AuthenticationMethod;
  readonly data?: SessionData;
  /** What it keeps of a session whose place it takes; nothing after a log-in. */
  readonly replaces?: Replaced;
  /** The known browser that it begins in, as the statement has it; without it that of the session it replaces. */
  readonly browser?: Prisma.Sql;
  readonly origin: Origin;
  /** What is recorded right after its beginning, in the same statement. */
  readonly also?: (sessionId: string) => readonly EventNote[];
}

export interface SessionDraft {
  /** The statement that inserts its row, for each row of `from`, and returns it ({@link InsertedSession}). */
  insert(from?: Prisma.Sql): Prisma.Sql;
  /** What must be recorded with it. */
  readonly notes: readonly EventNote[];
  /**
   * The session, once its row is there.
   * @throws StaleDatabaseError where the row is in a PostgreSQL that is believed no more.
   */
  begun(row: InsertedSession): NewSession;
}

export function createSessionBeginnings({ cache, policy }: { cache: SessionCache; policy: SessionPolicy }) {
  /** A session that is to begin, for a caller that writes it in a statement of its own. */
  function draft(account: SessionAccount, beginning: Beginning): SessionDraft {
    const { remember, authenticationMethod, data = {}, replaces = null, browser, origin, also = () => [] } = beginning;
    const { idleTimeoutMs, absoluteLifetimeMs } = limitsFor(policy, account.role, remember);
    const token = newToken();
    const tokenHash = hashToken(token);
    const id = uuidv7();
    const userId = account.id;
    const kept = { id, userId, remember, authenticationMethod };
    const row = { ...kept, tokenHash, replaces, browser, idleTimeoutMs, absoluteLifetimeMs, data, origin };
    const who = { actor: userId, subject: userId, session: id } as const;
    return {
      insert: (from) => insertSession(row, from),
      notes: [
        { event: { type: 'session_created', outcome: 'success', ...who, origin, detail: { remember } } },
        ...also(id),
      ],
      begun({ created_at: createdAt, remaining_ms: absoluteRemainingMs, timeline }) {
        const { email, role } = account;
        const since = { createdAt: createdAt.getTime(), memberSince: account.createdAt.getTime() };
        const loginId = replaces?.loginId ?? id;
        const deadlines = { sinceSeenMs: 0, idleTimeoutMs, absoluteRemainingMs };
        return {
          token,
          tokenHash,
          epoch: cache.epochs.of(timeline),
          record: { state: 'live', owner: { ...kept, email, role, ...since, loginId }, data, ...deadlines },
        };
      },
    };
  }

  /** Puts the copy of a session whose beginning is committed into Redis. Never throws. */
  function open(session: NewSession): Promise<void> {
    return cache.put(session);
  }

  return {
    draft,
    open,

    /**
     * Begins a session in the caller's transaction: row and event, and after the commit its copy.
     */
    async createWithin(transaction: Transaction, account: SessionAccount, beginning: Beginning): Promise<NewSession> {
      const { insert, notes, begun } = draft(account, beginning);
      const [row] = await transaction.$queryRaw<InsertedSession[]>(insert());
      if (!row) throw new Error('a row that was inserted was not returned');
      await recordEvents(transaction, notes);
      const session = begun(row);
      afterCommit(transaction, () => open(session));
      return session;
    },
  };
}

/** An operator's and an auditor's are their own, whether the browser is remembered or not. */
function limitsFor(policy: SessionPolicy, role: Role, remember: boolean): SessionLimits {
  if (seesConsole(role)) return policy.operator;
  return remember ? policy.remembered : policy.standard;
}

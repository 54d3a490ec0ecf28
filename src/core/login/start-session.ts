// Starts a session for somebody who has proved who they are: row, events, known browser and mail in
// one transaction. Where nothing is replaced, used up, ended or told, one statement does it.
import type { Prisma } from '../../generated/prisma/client.ts';
import { noteFirstLoginWithin, type User } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import type { TellOwner } from '../mail/owner-mail.ts';
import type { Told } from '../mail/templates.ts';
import { afterCommit, type Database, hasSqlState, nudgeAfterCommit, type Transaction } from '../platform/database.ts';
import { type AuthenticationMethod, showsPassword } from '../sessions/authentication-method.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import {
  type Begun,
  type CurrentAccount,
  createStartStatement,
  currentAccount,
  type StartRow,
  whatIsNew,
} from './start-statement.ts';

export type { Begun };

export interface Visit {
  /** The session that this browser holds already; it is replaced. */
  readonly previousSessionId: string | null;
  readonly remember: boolean;
  readonly origin: Origin;
  /** The value of the cookie that known browsers keep; empty without one. */
  readonly deviceCookie: string;
  /** For the mail about a log-in from a new browser or network; without it none goes out. */
  readonly told?: Told;
}

export interface Admitted {
  /** The id that the event must have, where the throttle gave one. */
  readonly attemptId?: string;
  readonly deviceId: string | null;
  /** `password` unless said otherwise. */
  readonly authenticationMethod?: AuthenticationMethod;
  /** Uses up what was proved, in the same transaction; false if it was used elsewhere meanwhile. */
  readonly useWithin?: (transaction: Transaction) => Promise<boolean>;
}

/** `account_changed`: since it was read. `factor_refused`: by `useWithin`. Nothing was kept. */
export type StartResult =
  | ({ readonly ok: true } & Begun)
  | { readonly ok: false; readonly reason: 'account_changed' | 'second_factor_needed' | 'factor_refused' };

const ACCOUNT_CHANGED = { ok: false, reason: 'account_changed' } as const;
const SECOND_FACTOR_NEEDED = { ok: false, reason: 'second_factor_needed' } as const;
const FACTOR_REFUSED = { ok: false, reason: 'factor_refused' } as const;

/** How the database refuses a session of a password alone: an older one has only the message. */
const NEEDS_FACTOR = { state: 'HF001', message: 'a session of this account needs its second factor' };

export interface StartSessionOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly devices: KnownDevices;
  readonly identifierHash: IdentifierHash;
  readonly tellOwnerWithin: TellOwner;
}

export type StartSession = ReturnType<typeof createStartSession>;

export function createStartSession({
  database: { prisma, pool, transact },
  sessions,
  devices,
  identifierHash,
  tellOwnerWithin,
}: StartSessionOptions) {
  type Start = Parameters<typeof currentAccount>[0];

  const statementOf = createStartStatement({ sessions, devices, identifierHash });

  /** As a prepared statement: planning is most of what it costs PostgreSQL. */
  const queryPrepared = async ({ text, values }: Prisma.Sql) =>
    (await pool.query<StartRow>({ name: 'start-session', text, values: [...values] })).rows;

  /** By one statement, if nothing about the log-in is new; else null. */
  async function startIfSeen(start: Start): Promise<StartResult | null> {
    const { statement, begun } = statementOf(start, 'none');
    const [row] = await queryPrepared(statement);
    if (!row?.unchanged) return ACCOUNT_CHANGED;
    if (!row.enough) return SECOND_FACTOR_NEEDED;
    const started = begun(row);
    if (!started) return null;
    nudgeAfterCommit(prisma, 'seal-events');
    await sessions.open(started.session);
    return { ok: true, ...started };
  }

  function startInTransaction(
    start: Start,
    { previousSessionId, told }: Visit,
    { useWithin }: Admitted,
  ): Promise<StartResult> {
    const { user, origin } = start;
    return transact<StartResult>(async (transaction, rollback) => {
      const noted = user.firstLoginAt === null && (await noteFirstLoginWithin(transaction, user.id));
      const [current] = await transaction.$queryRaw<CurrentAccount[]>(currentAccount(start, sessions.mostOfAccount));
      if (!current?.unchanged) return rollback(ACCOUNT_CHANGED);
      if (!current.enough) return rollback(SECOND_FACTOR_NEEDED);
      if (useWithin && !(await useWithin(transaction))) return rollback(FACTOR_REFUSED);
      if (previousSessionId) {
        const why = { reason: 'replaced', actor: user.id, origin } as const;
        await sessions.endWithin(transaction, { sessionId: previousSessionId }, why);
      }
      // Before the statement, which locks the browser: sessions come first, everywhere.
      if (!current.roomy) await sessions.makeRoomWithin(transaction, user.id, origin);
      const isFirst = noted && !current.seen; // a version before this one notes nothing
      const what = isFirst ? null : whatIsNew(current);
      const { statement, begun } = statementOf(start, { what });
      const [row] = await transaction.$queryRaw<StartRow[]>(statement);
      const started = begun(row);
      if (!started) return rollback(ACCOUNT_CHANGED);
      nudgeAfterCommit(transaction, 'seal-events');
      afterCommit(transaction, () => sessions.open(started.session));
      if (what && told) await tellWithin(transaction, user, started, told);
      return { ok: true, ...started };
    });
  }

  async function tellWithin(transaction: Transaction, user: User, { session }: Begun, { language, from }: Told) {
    const { id: sessionId, createdAt, authenticationMethod } = session.record.owner;
    const passwordHash = showsPassword(authenticationMethod) ? user.passwordHash : null;
    const login = { sessionId, since: new Date(createdAt), passwordHash };
    const letter = { owner: user, login, language, parameters: from };
    await tellOwnerWithin(transaction, { ...letter, template: 'new-device' });
  }

  /** Starts a session, if the account still allows it, and ends the one it replaces. */
  return async function startSession(user: User, visit: Visit, admitted: Admitted): Promise<StartResult> {
    const { authenticationMethod = 'password', useWithin } = admitted;
    const start = { user, ...visit, ...admitted, authenticationMethod };
    try {
      const alone = !visit.previousSessionId && !useWithin && user.firstLoginAt !== null;
      const started = alone ? await startIfSeen(start) : null;
      return started ?? (await startInTransaction(start, visit, admitted));
    } catch (error) {
      // A factor that was added while this waited for the account: the statement's snapshot is
      // older, the database's trigger sees it.
      if (needsFactor(error)) return SECOND_FACTOR_NEEDED;
      throw error;
    }
  };
}

function needsFactor(error: unknown): boolean {
  return (
    hasSqlState(error, NEEDS_FACTOR.state) || (error instanceof Error && error.message.includes(NEEDS_FACTOR.message))
  );
}

// Entering an application: whoever is logged in and may gets a ticket at the log-in's host, and with it a session on the
// application's host. Both steps are judged, each in the transaction that makes something of it.
import { Prisma } from '../../generated/prisma/client.ts';
import type { Application } from '../applications/application.ts';
import type { Entrant, EntryRefusal, EntryResult } from '../applications/entry.ts';
import type { Origin } from '../audit/events.ts';
import { hashToken, newToken } from '../credentials/random-token.ts';
import { holdApplicationVersionWithin } from '../groups/application-version.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { createApplicationSessions } from '../sessions/application-sessions.ts';
import type { SessionAccount } from '../sessions/begin-session.ts';
import { roleIn } from '../sessions/role.ts';
import type { SessionOwner } from '../sessions/session-record.ts';
import { findLiveOf, type LockedSession, lockSession } from '../sessions/session-rows.ts';
import type { NewSession } from '../sessions/sessions.ts';
import { countEntered, insertTicket, takeTicket, targetOf } from './tickets.ts';

/**
 * Times within half a minute; the next time the browser goes round and round. Each round is four redirects, and browsers give
 * up by themselves after twenty.
 */
const MOST_LATELY = 4;
/** Ten years: its parent's deadline comes first. */
const LONGEST_MS = 3_650 * 86_400_000;

export interface TicketRequest {
  /** Of whom is logged in at our own host. */
  readonly owner: SessionOwner;
  readonly slug: string;
  readonly stateHash: Buffer;
  readonly target: string;
}

export type TicketResult =
  | { readonly ok: true; readonly application: Application; readonly token: string }
  | { readonly ok: false; readonly reason: EntryRefusal | 'session_ended' | 'loop' };

export interface TicketGiven {
  readonly token: string;
  readonly application: Application;
  /** Of each state cookie that the browser sends. */
  readonly stateHashes: readonly Buffer[];
  readonly origin: Origin;
}

export type EnterResult =
  | { readonly ok: true; readonly session: NewSession; readonly target: string }
  | { readonly ok: false; readonly reason: 'no_ticket'; readonly target: string | null }
  | { readonly ok: false; readonly reason: EntryRefusal | 'session_ended'; readonly target: string };

export interface EnteringOptions {
  readonly database: Database;
  readonly mayEnterWithin: (
    transaction: Transaction,
    which: { readonly id: string } | { readonly slug: string },
    entrant: Entrant,
  ) => Promise<EntryResult>;
  readonly applicationSessions: Pick<ReturnType<typeof createApplicationSessions>, 'enterWithin'>;
}

export function createEntering({ database, mayEnterWithin, applicationSessions }: EnteringOptions) {
  const { transact, clock } = database;

  /** Account, registry, session: the order of locks of whatever else ends a session. */
  async function judge(transaction: Transaction, which: { id: string } | { slug: string }, who: Who): Promise<Judged> {
    const account = await lockAccount(transaction, who.userId);
    const found = await findLiveOf(transaction, who);
    if (!account || !found) return { ok: false, reason: 'session_ended' };
    const { id, authenticationMethod, provedAt } = found;
    const provedAgoMs = Math.max(0, Number(clock.now()) - Number(provedAt));
    const result = await mayEnterWithin(transaction, which, { userId: who.userId, authenticationMethod, provedAgoMs });
    if (!result.ok) return result;
    const parent = await lockSession(transaction, { sessionId: id, userId: who.userId });
    return parent ? { ...result, account, parent: { ...parent, id } } : { ok: false, reason: 'session_ended' };
  }

  return {
    /** At our own host. */
    giveTicket: ({ owner, slug, stateHash, target }: TicketRequest): Promise<TicketResult> =>
      transact<TicketResult>(async (transaction) => {
        const { userId, loginId } = owner;
        const judged = await judge(transaction, { slug }, { userId, loginId });
        if (!judged.ok) return judged;
        const { application } = judged;
        if ((await countEntered(transaction, loginId, application.id)) >= MOST_LATELY)
          return { ok: false, reason: 'loop' };
        const token = newToken();
        await insertTicket(transaction, { token, userId, loginId, applicationId: application.id, stateHash, target });
        return { ok: true, application, token };
      }),

    /** At the application's host. A refusal leaves nothing behind; the ticket stays used only where somebody entered. */
    enter: ({ token, application, stateHashes, origin }: TicketGiven): Promise<EnterResult> =>
      transact<EnterResult>(async (transaction, rollback) => {
        const which = { token, applicationId: application.id, stateHashes };
        const ticket = stateHashes.length === 0 ? null : await takeTicket(transaction, which);
        if (!ticket) {
          return { ok: false, reason: 'no_ticket', target: await targetOf(transaction, token, application.id) };
        }
        const { target } = ticket;
        const judged = await judge(transaction, { id: application.id }, ticket);
        if (!judged.ok) return rollback({ ok: false, reason: judged.reason, target });
        const { account, parent, groups } = judged;
        const limits = limitsOf(judged.application, parent);
        const data = { groups, registryVersion: Number(await holdApplicationVersionWithin(transaction)) };
        const about = { account, parent, application: judged.application, limits, data, origin };
        return { ok: true, target, session: await applicationSessions.enterWithin(transaction, about) };
      }),
  };
}

/** What an application keeps of a state secret is in its cookie; we are told its hash. */
export function hashState(secret: string): Buffer {
  return hashToken(`holdfast state ${secret}`);
}

interface Who {
  readonly userId: string;
  readonly loginId: string;
}

type Judged =
  | {
      readonly ok: true;
      readonly application: Application;
      readonly groups: readonly string[];
      readonly account: SessionAccount;
      readonly parent: LockedSession & { readonly id: string };
    }
  | { readonly ok: false; readonly reason: EntryRefusal | 'session_ended' };

async function lockAccount(transaction: Transaction, userId: string): Promise<SessionAccount | null> {
  const [account] = await transaction.$queryRaw<SessionAccount[]>`
    SELECT id, email, ${Prisma.raw(roleIn('user_account'))} AS role, created_at AS "createdAt" FROM user_account
     WHERE id = ${userId}::uuid AND disabled_at IS NULL FOR SHARE`;
  return account ?? null;
}

/** Never longer than the session that it hangs on, whose deadline the table holds it to. */
function limitsOf({ idleSeconds, absoluteSeconds }: Application, { idleTimeoutMs }: LockedSession) {
  return {
    idleTimeoutMs: idleSeconds === null ? idleTimeoutMs : Math.min(idleTimeoutMs, idleSeconds * 1_000),
    absoluteLifetimeMs: absoluteSeconds === null ? LONGEST_MS : absoluteSeconds * 1_000,
  };
}

// The beginning of a session for somebody who has proved who they are: row, events and known browser are one transaction,
// and where it tells of nothing new one statement.
import { Prisma } from '../../generated/prisma/client.ts';
import type { User } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { insertEvents } from '../audit/outbox.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import { bindingOf, type OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import { afterCommit, type Database, hasSqlState, nudgeAfterCommit, type Transaction } from '../platform/database.ts';
import { type AuthenticationMethod, isTwoFactors } from '../sessions/authentication-method.ts';
import { keptUserAgent, type NewSession, type Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';

export interface Visit {
  /** The session that this browser holds already; it is replaced. */
  readonly previousSessionId: string | null;
  readonly remember: boolean;
  readonly origin: Origin;
  /** The value of the cookie that known browsers keep; empty without one. */
  readonly deviceCookie: string;
  /** How to tell its owner of a log-in from a new browser or network; without it nobody is told. */
  readonly told?: Told;
}

export interface Credentials extends Visit {
  /** Where the browser wants to go afterwards, kept while the second factor is waited for. */
  readonly next?: string | null;
  readonly email: string;
  readonly password: string;
}

export interface Begun {
  readonly session: NewSession;
  /** What the browser is to keep as its device cookie. */
  readonly deviceCookie: string;
}

/** How somebody was let in. */
export interface Admitted {
  /** The id that the event must have, where the throttle gave one. */
  readonly attemptId?: string;
  readonly deviceId: string | null;
  readonly proved?: AuthenticationMethod;
  /** Done beside the telling of Redis, once the session has begun. Never throws. */
  readonly alongside?: () => Promise<void>;
  /** Uses up what proved it, in the same transaction. What it throws undoes everything. */
  readonly useWithin?: (transaction: Transaction) => Promise<void>;
}

/** The account changed between the proof and the beginning of the session. */
export class AccountChangedError extends Error {}

/** What was proved is not enough for this account. */
export class SecondFactorNeededError extends AccountChangedError {}

/** The SQLSTATE of a session that needs a second factor; a database that is not migrated yet has only the message. */
const NEEDS_FACTOR = { state: 'HF001', message: 'a session of this account needs its second factor' };

interface CurrentAccount {
  /** It is as it was when the proof was looked at. */
  unchanged: boolean;
  /** What was proved is enough for it. */
  enough: boolean;
  /** Whether the account has had a session before; one from this address, by this browser. */
  seen: boolean;
  seen_ip: boolean;
  seen_browser: boolean;
}

interface Begins extends CurrentAccount {
  readonly created_at: Date | null;
  readonly known: boolean;
}

export interface EntryOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly devices: KnownDevices;
  readonly identifierHash: IdentifierHash;
  readonly links: OneTimeLinks;
  readonly mail: Mail;
}

export type Entry = ReturnType<typeof createEntry>;

export function createEntry({
  database: { prisma, pool, transact },
  sessions,
  devices,
  identifierHash,
  links,
  mail,
}: EntryOptions) {
  /**
   * The account as it is now, locked: this serialises with a change of password, of role or of state, and none of them can
   * pass by unseen.
   */
  function accountNow(user: User, origin: Origin, proved: AuthenticationMethod): Prisma.Sql {
    return Prisma.sql`
      SELECT disabled_at IS NULL AND password_hash = ${user.passwordHash} AND role::text = ${user.role} AS unchanged,
             ${isTwoFactors(proved)} OR NOT (EXISTS (SELECT FROM totp WHERE user_id = user_account.id)
                                             OR EXISTS (SELECT FROM passkey WHERE user_id = user_account.id)) AS enough,
             EXISTS (SELECT FROM session WHERE user_id = user_account.id) AS seen,
             EXISTS (SELECT FROM session WHERE user_id = user_account.id AND ip = ${origin.ip}::inet) AS seen_ip,
             EXISTS (SELECT FROM session
                      WHERE user_id = user_account.id AND user_agent IS NOT DISTINCT FROM ${keptUserAgent(origin)}) AS seen_browser
        FROM user_account WHERE id = ${user.id}::uuid FOR SHARE`;
  }

  /** As a statement by itself, which PostgreSQL has planned before: that is most of what it costs there. */
  const alone = async ({ text, values }: Prisma.Sql) =>
    (await pool.query<Begins>({ name: 'begin-session', text, values: [...values] })).rows;

  /** Begins the session if the account allows it, in one statement; if nothing of it is new, unless it is known what. */
  async function beginIfAllowed(
    query: (statement: Prisma.Sql) => Promise<Begins[]>,
    user: User,
    { remember, origin, deviceCookie }: Visit,
    { attemptId, deviceId, proved = 'password' }: Admitted,
    news: { readonly what: string | null } | 'none',
  ): Promise<{ current: CurrentAccount | undefined; begun: Begun | null }> {
    const account = identifierHash(user.email);
    const about = { outcome: 'success', actor: user.id, subject: user.id, origin } as const;
    const event = {
      type: 'authn_login_success',
      ...about,
      ...(attemptId ? { id: attemptId } : {}),
      detail: { proved },
    } as const;
    const attempt = { identifierHash: account, device: deviceId };
    const what = news === 'none' ? null : news.what;
    const newDevice = { type: 'authn_new_device', ...about, detail: { new: what } } as const;
    const draft = sessions.draft(user, {
      ...{ remember, proved, origin },
      also: (session) => [
        { event: { ...event, session }, attempt },
        ...(what ? [{ event: { ...newDevice, session } }] : []),
      ],
    });
    const allowed = Prisma.sql`allowed`;
    const device = devices.remembering({ userId: user.id, deviceId, account, cookie: deviceCookie }, allowed);
    const [row] = await query(Prisma.sql`
      WITH account AS MATERIALIZED (${accountNow(user, origin, proved)}),
           allowed AS (SELECT FROM account
                        WHERE unchanged AND enough AND (${news !== 'none'} OR NOT seen OR (seen_ip AND seen_browser))),
           begun AS (${draft.insert(allowed)}),
           recorded AS (${insertEvents(draft.notes, allowed)}),
           ${device.tables}
      SELECT account.*, (SELECT created_at FROM begun) AS created_at, ${device.known} AS known FROM account`);
    if (!row?.created_at) return { current: row, begun: null };
    return { current: row, begun: { session: draft.begun(row.created_at), deviceCookie: device.cookie(row.known) } };
  }

  /** In one statement where nothing has to be replaced, used up or told of; else in one transaction. */
  async function beginAsItIs(user: User, visit: Visit, admitted: Admitted): Promise<Begun> {
    const { origin, previousSessionId, told } = visit;
    const { proved = 'password', useWithin, alongside } = admitted;
    if (!previousSessionId && !useWithin) {
      const { current, begun } = await beginIfAllowed(alone, user, visit, admitted, 'none');
      mustAllow(current);
      if (begun) {
        nudgeAfterCommit(prisma, 'seal-events');
        await Promise.all([sessions.open(begun.session), alongside?.()]);
        return begun;
      }
    }
    return transact(async (transaction) => {
      const [current] = await transaction.$queryRaw<CurrentAccount[]>(accountNow(user, origin, proved));
      const what = whatIsNew(mustAllow(current));
      await useWithin?.(transaction);
      if (previousSessionId) {
        const why = { reason: 'replaced', actor: user.id, origin } as const;
        await sessions.endWithin(transaction, { sessionId: previousSessionId }, why);
      }
      const { begun: created } = await beginIfAllowed(
        (statement) => transaction.$queryRaw(statement),
        user,
        visit,
        admitted,
        { what },
      );
      if (!created) throw new AccountChangedError();
      nudgeAfterCommit(transaction, 'seal-events');
      afterCommit(transaction, () => Promise.all([sessions.open(created.session), alongside?.()]));
      if (what && told && mail.possible) await tellWithin(transaction, user, created.session.record.owner.id, told);
      return created;
    });
  }

  /**
   * Begins a session for an account whose owner has proved who they are, and ends the one it replaces.
   * @throws SecondFactorNeededError when the account has a second factor, and none was proved.
   * @throws AccountChangedError when the account changed since it was read.
   */
  async function begin(user: User, visit: Visit, admitted: Admitted): Promise<Begun> {
    try {
      return await beginAsItIs(user, visit, admitted);
    } catch (error) {
      // A factor that was added while this waited for the account: the statement does not see it yet, the database does.
      if (needsFactor(error)) throw new SecondFactorNeededError();
      throw error;
    }
  }

  /** Writes the mail about a log-in, with the link that says that it was somebody else's. */
  async function tellWithin(transaction: Transaction, user: User, sessionId: string, { language, from }: Told) {
    const request = { purpose: 'not_me', userId: user.id, sessionId, binding: bindingOf(user) } as const;
    const tokenId = await links.issueWithin(transaction, request);
    const letter = { to: user.email, userId: user.id, language, tokenId };
    await mail.sendWithin(transaction, { ...letter, template: 'new-device', parameters: from });
  }

  return { begin };
}

function needsFactor(error: unknown): boolean {
  return (
    hasSqlState(error, NEEDS_FACTOR.state) || (error instanceof Error && error.message.includes(NEEDS_FACTOR.message))
  );
}

function mustAllow(current: CurrentAccount | undefined): CurrentAccount {
  if (!current?.unchanged) throw new AccountChangedError();
  if (!current.enough) throw new SecondFactorNeededError();
  return current;
}

/** What makes a log-in one from a new device: null at the first log-in, and for a browser and address seen before. */
function whatIsNew({ seen, seen_browser, seen_ip }: CurrentAccount): string | null {
  if (!seen) return null;
  const news = [seen_browser ? '' : 'browser', seen_ip ? '' : 'address'].filter((word) => word !== '');
  return news.length > 0 ? news.join(' and ') : null;
}

// The beginning of a session for somebody who has proved who they are: row, events and known browser are one transaction.
import type { Origin } from './audit-events.ts';
import type { Database, Transaction } from './database.ts';
import type { IdentifierHash } from './identifier.ts';
import type { KnownDevices } from './known-devices.ts';
import type { Mail } from './mail.ts';
import type { Told } from './mail-templates.ts';
import { isTwoFactors, type Proof } from './proofs.ts';
import { keptUserAgent, type NewSession, type Sessions } from './sessions.ts';
import { bindingOf, type Tokens } from './tokens.ts';
import type { Role, User } from './users.ts';

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
  readonly proved?: Proof;
  /** Uses up what proved it, in the same transaction. What it throws undoes everything. */
  readonly useWithin?: (transaction: Transaction) => Promise<void>;
}

/** The account changed between the proof and the beginning of the session. */
export class AccountChangedError extends Error {}

/** What was proved is not enough for this account. */
export class SecondFactorNeededError extends AccountChangedError {}

interface CurrentAccount {
  ok: boolean;
  role: Role;
  has_factor: boolean;
  /** Whether the account has had a session before; one from this address, by this browser. */
  seen: boolean;
  seen_ip: boolean;
  seen_browser: boolean;
}

export interface EntryOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly devices: KnownDevices;
  readonly identifierHash: IdentifierHash;
  readonly tokens: Tokens;
  readonly mail: Mail;
}

export type Entry = ReturnType<typeof createEntry>;

export function createEntry({ database: { prisma }, sessions, devices, identifierHash, tokens, mail }: EntryOptions) {
  /**
   * Begins a session for an account whose owner has proved who they are, and ends the one it replaces.
   * @throws SecondFactorNeededError when the account has a second factor, and none was proved.
   * @throws AccountChangedError when the account changed since it was read.
   */
  async function begin(
    user: User,
    { remember, origin, previousSessionId, deviceCookie, told }: Visit,
    { attemptId, deviceId, proved = 'password', useWithin }: Admitted,
  ): Promise<Begun> {
    const account = identifierHash(user.email);
    const [session, ended, cookie] = await prisma.$transaction(async (transaction) => {
      // Serialises with a change of password, of role or of state: none of them can pass by unseen.
      const [current] = await transaction.$queryRaw<CurrentAccount[]>`
        SELECT disabled_at IS NULL AND password_hash = ${user.passwordHash} AS ok, role,
               EXISTS (SELECT FROM totp WHERE user_id = user_account.id) OR EXISTS (SELECT FROM passkey WHERE user_id = user_account.id) AS has_factor,
               EXISTS (SELECT FROM session WHERE user_id = user_account.id) AS seen,
               EXISTS (SELECT FROM session WHERE user_id = user_account.id AND ip = ${origin.ip}::inet) AS seen_ip,
               EXISTS (SELECT FROM session
                        WHERE user_id = user_account.id AND user_agent IS NOT DISTINCT FROM ${keptUserAgent(origin)}) AS seen_browser
          FROM user_account WHERE id = ${user.id}::uuid FOR SHARE`;
      if (!current?.ok) throw new AccountChangedError();
      if (current.has_factor && !isTwoFactors(proved)) throw new SecondFactorNeededError();
      await useWithin?.(transaction);
      const what = whatIsNew(current);
      const replaced = previousSessionId
        ? await sessions.endWithin(
            transaction,
            { sessionId: previousSessionId },
            { reason: 'replaced', actor: user.id, origin },
          )
        : [];
      const about = { outcome: 'success', actor: user.id, subject: user.id, origin } as const;
      const event = {
        type: 'authn_login_success',
        ...about,
        ...(attemptId ? { id: attemptId } : {}),
        detail: { proved },
      } as const;
      const attempt = { identifierHash: account, device: deviceId };
      const news = { type: 'authn_new_device', ...about, detail: { new: what } } as const;
      const created = await sessions.createWithin(
        transaction,
        { ...user, role: current.role },
        {
          ...{ remember, proved, origin },
          also: (session) => [
            { event: { ...event, session }, attempt },
            ...(what ? [{ event: { ...news, session } }] : []),
          ],
        },
      );
      const remembered = { userId: user.id, deviceId, account, cookie: deviceCookie };
      const kept = await devices.rememberWithin(transaction, remembered);
      if (what && told && mail.possible) await tellWithin(transaction, user, created.record.owner.id, told);
      return [created, replaced, kept] as const;
    });
    await Promise.all([sessions.open(session), sessions.afterCommit(ended)]);
    mail.nudge();
    return { session, deviceCookie: cookie };
  }

  /** Writes the mail about a log-in, with the link that says that it was somebody else's. */
  async function tellWithin(transaction: Transaction, user: User, sessionId: string, { language, from }: Told) {
    const request = { purpose: 'not_me', userId: user.id, sessionId, binding: bindingOf(user) } as const;
    const tokenId = await tokens.issueWithin(transaction, request);
    const letter = { to: user.email, userId: user.id, language, tokenId };
    await mail.sendWithin(transaction, { ...letter, template: 'new-device', parameters: from });
  }

  return { begin };
}

/** What makes a log-in one from a new device: null at the first log-in, and for a browser and address seen before. */
function whatIsNew({ seen, seen_browser, seen_ip }: CurrentAccount): string | null {
  if (!seen) return null;
  const news = [seen_browser ? '' : 'browser', seen_ip ? '' : 'address'].filter((word) => word !== '');
  return news.length > 0 ? news.join(' and ') : null;
}

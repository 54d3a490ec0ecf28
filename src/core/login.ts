// Registering, logging in, changing the password: each is one transaction of row, session and events, or nothing.
// An account that does not exist, one that is disabled and a wrong password give one answer, after the same work.
import { createHmac, hkdfSync } from 'node:crypto';
import type { Origin } from './audit-events.ts';
import { type Database, isUniqueViolation, type Transaction } from './database.ts';
import { recordEvent } from './outbox.ts';
import type { Passwords } from './passwords.ts';
import { nudgeSealing, type Queues } from './queues.ts';
import type { EndedSession } from './session-records.ts';
import type { NewSession, Sessions } from './sessions.ts';
import { emailKey, type Role, type User, type Users } from './users.ts';

/** A session that this browser holds already; it is replaced. */
interface Previous {
  readonly previousSessionId: string | null;
}

export interface Credentials extends Previous {
  readonly email: string;
  readonly password: string;
  readonly remember: boolean;
  readonly origin: Origin;
}

export type LoginResult =
  | { readonly ok: true; readonly session: NewSession }
  | { readonly ok: false; readonly reason: 'wrong_credentials' };

export type RegisterResult =
  | { readonly ok: true; readonly session: NewSession }
  | { readonly ok: false; readonly reason: 'email_taken' };

export interface PasswordChange {
  readonly userId: string;
  readonly sessionId: string;
  readonly current: string;
  readonly password: string;
  readonly origin: Origin;
}

/** A double click on "Create account" sends the form twice; the second finds an account this young and just logs in. */
const DOUBLE_SUBMIT_MS = 60_000;

export interface LoginOptions {
  readonly database: Database;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly queues: Queues;
  /** The oldest session key: what was typed as an address is kept only as a hash keyed with what derives from it. */
  readonly secret: string;
}

export type Login = ReturnType<typeof createLogin>;

export function createLogin({ database: { prisma }, users, sessions, passwords, queues, secret }: LoginOptions) {
  const identifierKey = Buffer.from(hkdfSync('sha256', secret, '', 'holdfast login identifier', 32));

  /** Begins a session for an account whose owner has proved who they are, and ends the one it replaces. */
  async function begin(
    user: User,
    { remember, origin, previousSessionId }: Omit<Credentials, 'email' | 'password'>,
  ): Promise<NewSession> {
    const [session, ended] = await prisma.$transaction(async (transaction) => {
      // Serialises with a change of password, of role or of state: none of them can pass by unseen.
      const [current] = await transaction.$queryRaw<{ ok: boolean; role: Role }[]>`
        SELECT disabled_at IS NULL AND password_hash = ${user.passwordHash} AS ok, role
          FROM user_account WHERE id = ${user.id}::uuid FOR SHARE`;
      if (!current?.ok) throw new AccountChangedError();
      const what = await whatIsNew(transaction, user.id, origin);
      const replaced = previousSessionId
        ? await sessions.endWithin(
            transaction,
            { sessionId: previousSessionId },
            { reason: 'replaced', actor: user.id, origin },
          )
        : [];
      const account = { ...user, role: current.role };
      const created = await sessions.createWithin(transaction, account, { remember, origin });
      const about = {
        outcome: 'success',
        actor: user.id,
        subject: user.id,
        session: created.record.owner.id,
        origin,
      } as const;
      await recordEvent(
        transaction,
        { type: 'authn_login_success', ...about },
        { identifierHash: identifierHash(user.email) },
      );
      if (what) await recordEvent(transaction, { type: 'authn_new_device', ...about, detail: { new: what } });
      return [created, replaced] as const;
    });
    await Promise.all([sessions.open(session), sessions.afterCommit(ended)]);
    return session;
  }

  /** What makes this log-in one from a new device: null at the first log-in, and for a browser and address seen before. */
  async function whatIsNew(
    transaction: Transaction,
    userId: string,
    { ip, userAgent }: Origin,
  ): Promise<string | null> {
    const [seen] = await transaction.$queryRaw<{ any: boolean; ip: boolean; browser: boolean }[]>`
      SELECT count(*) > 0 AS any, coalesce(bool_or(ip = ${ip}::inet), false) AS ip,
             coalesce(bool_or(user_agent IS NOT DISTINCT FROM ${userAgent}), false) AS browser
        FROM session WHERE user_id = ${userId}::uuid`;
    if (!seen?.any) return null;
    const news = [seen.browser ? '' : 'browser', seen.ip ? '' : 'address'].filter((word) => word !== '');
    return news.length > 0 ? news.join(' and ') : null;
  }

  function identifierHash(email: string): string {
    return createHmac('sha256', identifierKey).update(emailKey(email)).digest('base64url');
  }

  async function recordFailure(user: User | null, { email, origin }: Credentials, reason: string): Promise<void> {
    const event = {
      type: 'authn_login_fail',
      outcome: 'failure',
      actor: null,
      subject: user?.id ?? null,
      origin,
      detail: { reason },
    } as const;
    await prisma.$transaction((transaction) =>
      recordEvent(transaction, event, { identifierHash: identifierHash(email) }),
    );
    nudgeSealing(queues);
  }

  return {
    /**
     * Logs in. A refusal is recorded before it is answered, and so is a success: if PostgreSQL can't take the record,
     * the error is thrown and nobody is logged in.
     */
    async logIn(credentials: Credentials): Promise<LoginResult> {
      const user = await users.findByEmail(credentials.email);
      const matches = await passwords.verify(user?.passwordHash ?? null, credentials.password);
      if (!user || !matches || user.disabledAt) {
        await recordFailure(user, credentials, refusal(user, matches));
        return { ok: false, reason: 'wrong_credentials' };
      }
      try {
        return { ok: true, session: await begin(user, credentials) };
      } catch (error) {
        if (!(error instanceof AccountChangedError)) throw error;
        await recordFailure(user, credentials, 'account_changed');
        return { ok: false, reason: 'wrong_credentials' };
      }
    },

    /** Makes an account and logs in, in one transaction. Of two with one address at the same instant, one gets it. */
    async register(credentials: Credentials): Promise<RegisterResult> {
      const passwordHash = await passwords.hash(credentials.password);
      const { email, origin, remember, previousSessionId } = credentials;
      try {
        const [session, ended] = await prisma.$transaction(async (transaction) => {
          const user = await users.createWithin(transaction, { email, passwordHash, role: 'member', origin });
          const replaced: EndedSession[] = previousSessionId
            ? await sessions.endWithin(
                transaction,
                { sessionId: previousSessionId },
                { reason: 'replaced', actor: user.id, origin },
              )
            : [];
          return [await sessions.createWithin(transaction, user, { remember, origin }), replaced] as const;
        });
        await Promise.all([sessions.open(session), sessions.afterCommit(ended)]);
        return { ok: true, session };
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
      }
      const user = await users.findByEmail(email);
      const young = user !== null && Date.now() - user.createdAt.getTime() < DOUBLE_SUBMIT_MS;
      if (young && (await passwords.verify(user.passwordHash, credentials.password))) {
        return { ok: true, session: await begin(user, credentials) };
      }
      return { ok: false, reason: 'email_taken' };
    },

    /**
     * Changes a password and ends every session of the account, this one included; a new one takes its place.
     * A wrong current password is recorded and refused; so is a change from a session that ended meanwhile.
     */
    async changePassword(change: PasswordChange): Promise<LoginResult> {
      const user = await users.find(change.userId);
      const matches = await passwords.verify(user?.passwordHash ?? null, change.current);
      const { origin } = change;
      const about = { actor: change.userId, subject: change.userId, session: change.sessionId, origin } as const;
      if (!user || !matches) {
        await prisma.$transaction((transaction) =>
          recordEvent(transaction, { type: 'authn_password_change_fail', outcome: 'failure', ...about }),
        );
        nudgeSealing(queues);
        return { ok: false, reason: 'wrong_credentials' };
      }
      const passwordHash = await passwords.hash(change.password);
      const changed = await prisma.$transaction(async (transaction) => {
        const [old] = await transaction.$queryRaw<{ remember: boolean }[]>`
          SELECT remember FROM session WHERE id = ${change.sessionId}::uuid AND ended_at IS NULL FOR UPDATE`;
        if (!old) return null;
        await transaction.user.update({
          where: { id: user.id },
          data: { passwordHash, passwordChangedAt: new Date() },
        });
        await recordEvent(transaction, { type: 'authn_password_change', outcome: 'success', ...about });
        const reason = { reason: 'password_changed', actor: user.id, origin } as const;
        const all = await sessions.endWithin(transaction, { userId: user.id }, reason);
        return [await sessions.createWithin(transaction, user, { remember: old.remember, origin }), all] as const;
      });
      if (!changed) return { ok: false, reason: 'wrong_credentials' };
      const [session, ended] = changed;
      await Promise.all([sessions.open(session), sessions.afterCommit(ended)]);
      return { ok: true, session };
    },
  };
}

/** The account changed between the check of the password and the beginning of the session. */
class AccountChangedError extends Error {}

function refusal(user: User | null, matches: boolean): string {
  if (!user) return 'unknown_account';
  return matches ? 'account_disabled' : 'wrong_password';
}

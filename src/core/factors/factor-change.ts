// A change of an account's second factors. The change, its event, its mail and a new session in
// place of the changer's are one transaction, which locks the account.
import { lockUserWithin, type Role } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import type { TellOwner } from '../mail/owner-mail.ts';
import type { FactorChange, Told } from '../mail/templates.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { type AuthenticationMethod, isTwoFactors, showsPassword } from '../sessions/authentication-method.ts';
import { lockSession } from '../sessions/session-rows.ts';
import type { NewSession, Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';

export interface Changer {
  readonly userId: string;
  readonly sessionId: string;
  readonly origin: Origin;
  readonly told: Told;
}

export interface LockedAccount {
  readonly id: string;
  readonly email: string;
  readonly emailKey: string;
  readonly role: Role;
  /** The log-in that the changer's session goes back to. */
  readonly loggedInAt: Date;
  /** Of the account's password, if that log-in showed it. */
  readonly shownPassword: string | null;
  readonly passkeys: number;
  readonly count: number;
}

export type ChangeResult<Reason extends string> =
  | { readonly ok: true; readonly session: NewSession }
  | { readonly ok: false; readonly reason: Reason | 'session_ended' };

export interface FactorChangesOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly devices: KnownDevices;
  readonly tellOwnerWithin: TellOwner;
}

export type FactorChanges = ReturnType<typeof createFactorChanges>;

export function createFactorChanges({
  database: { transact },
  sessions,
  devices,
  tellOwnerWithin,
}: FactorChangesOptions) {
  return {
    /**
     * Makes a change; those of one account follow one another. `work` answers with null, or with a
     * reason against it: then nothing is kept. The first factor, added with `method`, ends every
     * other session: they proved less than is asked now.
     */
    change<Reason extends string = never>(
      { userId, sessionId, origin }: Changer,
      method: AuthenticationMethod | null,
      work: (transaction: Transaction, account: LockedAccount) => Promise<Reason | null>,
    ): Promise<ChangeResult<Reason>> {
      return transact<ChangeResult<Reason>>(async (transaction, rollback) => {
        const user = await lockUserWithin(transaction, userId);
        const session = user && (await lockSession(transaction, { sessionId, userId }));
        if (!session) return rollback({ ok: false, reason: 'session_ended' });
        const { loggedInAt } = session.replaces;
        const shownPassword = showsPassword(session.authenticationMethod) ? user.passwordHash : null;
        const account = { ...user, loggedInAt, shownPassword, ...(await countWithin(transaction, userId)) };
        const reason = await work(transaction, account);
        if (reason !== null) return rollback({ ok: false, reason });
        if (method !== null && account.count === 0) {
          const others = { userId, exceptSessionId: sessionId };
          await sessions.endWithin(transaction, others, { reason: 'second_factor_added', actor: userId, origin });
          // They became known by a password alone; each would have tries of its own at a code.
          await devices.forgetAllWithin(transaction, userId, { actor: userId, session: sessionId, origin });
        }
        // A session that showed two factors goes on saying which.
        const authenticationMethod = isTwoFactors(session.authenticationMethod) ? null : method;
        const replacement = { sessionId, userId, authenticationMethod, origin };
        const begun = await sessions.replaceWithin(transaction, replacement);
        return begun ? { ok: true, session: begun } : rollback({ ok: false, reason: 'session_ended' });
      });
    },

    tellWithin(
      transaction: Transaction,
      { sessionId, told: { language, from } }: Changer,
      owner: LockedAccount,
      change: FactorChange,
    ): Promise<void> {
      const login = { sessionId, since: owner.loggedInAt, passwordHash: owner.shownPassword };
      const letter = { owner, login, language, parameters: { ...from, change } };
      return tellOwnerWithin(transaction, { ...letter, template: 'factor-changed' });
    },
  };
}

export async function countWithin(
  transaction: Transaction,
  userId: string,
): Promise<Pick<LockedAccount, 'passkeys' | 'count'>> {
  const [apps, passkeys] = await Promise.all([
    transaction.totp.count({ where: { userId } }),
    transaction.passkey.count({ where: { userId } }),
  ]);
  return { passkeys, count: apps + passkeys };
}

export function byWhom({ userId, sessionId, origin }: Changer) {
  return { actor: userId, subject: userId, session: sessionId, origin };
}

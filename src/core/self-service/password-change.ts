// Changing the password: the new hash, the end of every session and the new one are one transaction, or nothing.
import { lockUserWithin, type Users } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { BreachedPasswords } from '../credentials/breached-passwords.ts';
import type { AccountPasswords } from '../credentials/imported/account-passwords.ts';
import { type BadPassword, BREACHED } from '../credentials/password-policy.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { TellOwner } from '../mail/owner-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Database } from '../platform/database.ts';
import { isTwoFactors } from '../sessions/authentication-method.ts';
import { lockSession } from '../sessions/session-rows.ts';
import type { NewSession, Sessions } from '../sessions/sessions.ts';
import type { Refusals, Throttled, Tried } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';

export interface PasswordChange {
  readonly userId: string;
  readonly sessionId: string;
  readonly current: string;
  readonly password: string;
  readonly origin: Origin;
  readonly told: Told;
}

export type PasswordChangeResult =
  | { readonly ok: true; readonly session: NewSession }
  | { readonly ok: false; readonly reason: 'wrong_credentials' | 'session_ended' }
  | BadPassword
  | Throttled;

export interface PasswordChangesOptions {
  readonly database: Database;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly accountPasswords: AccountPasswords;
  readonly breachedPasswords: BreachedPasswords;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly tellOwnerWithin: TellOwner;
}

export function createPasswordChanges({
  database: { transact, clock },
  users,
  sessions,
  passwords,
  accountPasswords,
  breachedPasswords,
  throttle,
  refusals,
  tellOwnerWithin,
}: PasswordChangesOptions) {
  async function tryPasswordChange(change: PasswordChange, tried: Tried): Promise<PasswordChangeResult> {
    const user = await users.find(change.userId);
    const { origin } = change;
    const asker = { account: user?.email ?? change.userId, ip: origin.ip };
    const matches = await accountPasswords.verify(user, change.current, asker);
    const about = { actor: change.userId, subject: change.userId, session: change.sessionId, origin } as const;
    if (!user || !matches) {
      const live = await transact(async (transaction) => {
        // A form sent twice: the first has changed the password, and ended the session of both.
        if (!(await lockSession(transaction, change))) return false;
        await tried.record(
          { type: 'authn_password_change_fail', outcome: 'failure', ...about },
          { within: transaction },
        );
        return true;
      });
      if (!live) return { ok: false, reason: 'session_ended' };
      return { ok: false, reason: 'wrong_credentials' };
    }
    if (await breachedPasswords.has(change.password, { userId: user.id, origin })) return BREACHED;
    const passwordHash = await passwords.hash(change.password, asker);
    const session = await transact(async (transaction) => {
      await lockUserWithin(transaction, user.id);
      const old = await lockSession(transaction, change);
      if (!old) return null;
      await transaction.user.update({
        where: { id: user.id },
        data: { passwordHash, passwordChangedAt: clock.now() },
      });
      await recordEvent(transaction, { type: 'authn_password_change', outcome: 'success', ...about });
      const { language, from: parameters } = change.told;
      const login = { sessionId: change.sessionId, since: old.replaces.loggedInAt, passwordHash: user.passwordHash };
      const letter = { owner: user, login, language, parameters };
      await tellOwnerWithin(transaction, { ...letter, template: 'password-changed' });
      const reason = { reason: 'password_changed', actor: user.id, origin } as const;
      await sessions.endWithin(transaction, { userId: user.id }, reason);
      // The password alone proves nothing new where there is a second factor.
      const replaces = isTwoFactors(old.authenticationMethod) ? old.replaces : { ...old.replaces, provedAt: null };
      return sessions.createWithin(transaction, user, { ...old, replaces, origin });
    });
    return session ? { ok: true, session } : { ok: false, reason: 'session_ended' };
  }

  return {
    /**
     * Ends every session of the account, this one included; a new one takes its place. From a session that ended meanwhile,
     * nothing is changed or said of the password, and the attempt costs nothing.
     */
    change(change: PasswordChange): Promise<PasswordChangeResult> {
      const { userId, origin } = change;
      return refusals.attempt<PasswordChangeResult>(
        throttle.takePasswordChange(userId),
        { subject: userId, origin },
        async (tried) => {
          const result = await tryPasswordChange(change, tried);
          if (!result.ok && result.reason === 'bad_password') await tried.succeeded(); // the current one was right
          if (!result.ok && result.reason === 'session_ended') await tried.giveBack();
          return result;
        },
      );
    },
  };
}

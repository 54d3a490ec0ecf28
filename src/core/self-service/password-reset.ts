// Choosing a new password by a one-time link to the account's mailbox. Whoever asks gets the same answer after the same
// work, account or not. A reset ends every session and every API token, and logs nobody in: a second factor is asked for at the
// log-in.
import { revokeTokensWithin } from '../accounts/token-rows.ts';
import { lockUnchangedWithin, type User, type Users } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { BreachedPasswords } from '../credentials/breached-passwords.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import { takeBackNotMeWithin } from '../credentials/login-links.ts';
import type { OneTimeLinks } from '../credentials/one-time-links.ts';
import { type BadPassword, BREACHED, type PasswordPolicy } from '../credentials/password-policy.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { TellOwner } from '../mail/owner-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Database } from '../platform/database.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Refusals, Throttled } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import { DEAD_LINK, type DeadLink, type OpenLink } from './open-link.ts';
import type { ResetLinks } from './reset-links.ts';

export interface PasswordReset {
  readonly secret: string;
  readonly password: string;
  readonly origin: Origin;
  readonly told: Told;
}

export type PasswordResetResult =
  | { readonly ok: true; readonly userId: string }
  | (BadPassword & { readonly email: string })
  | DeadLink
  | Throttled;

export interface PasswordResetsOptions {
  readonly database: Database;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly passwordPolicy: PasswordPolicy;
  readonly breachedPasswords: BreachedPasswords;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly devices: KnownDevices;
  readonly identifierHash: IdentifierHash;
  readonly links: OneTimeLinks;
  readonly openLink: OpenLink;
  readonly resetLinks: ResetLinks;
  readonly mail: Mail;
  readonly tellOwnerWithin: TellOwner;
}

const PURPOSE = 'reset_password';

export function createPasswordResets({
  database: { transact, clock },
  users,
  sessions,
  passwords,
  passwordPolicy,
  breachedPasswords,
  throttle,
  refusals,
  devices,
  identifierHash,
  links,
  openLink,
  resetLinks,
  mail,
  tellOwnerWithin,
}: PasswordResetsOptions) {
  /** False if the account is no longer what the link was for. */
  async function change(user: User, { secret, password, origin, told }: PasswordReset): Promise<boolean> {
    const passwordHash = await passwords.hash(password, { account: user.email, ip: origin.ip });
    return transact(async (transaction) => {
      if (!(await lockUnchangedWithin(transaction, user))) return false;
      if (!(await links.useWithin(transaction, PURPOSE, secret))) return false;
      const data = { passwordHash, passwordChangedAt: clock.now() };
      await transaction.user.update({ where: { id: user.id }, data });
      const about = { actor: user.id, subject: user.id, origin };
      await recordEvent(transaction, { type: 'authn_password_reset', outcome: 'success', ...about });
      // Whoever reads the mailbox may have reset it: neither what counted before nor this proves an owner from now on.
      await takeBackNotMeWithin(transaction, user.id, user.emailKey);
      const letter = { owner: user, login: null, language: told.language, parameters: told.from };
      await tellOwnerWithin(transaction, { ...letter, template: 'password-changed' });
      const reason = { reason: 'password_changed', actor: user.id, origin } as const;
      await sessions.endWithin(transaction, { userId: user.id }, reason);
      // Whoever made a reset necessary may have logged in before.
      await devices.forgetAllWithin(transaction, user.id, { actor: user.id, origin });
      await revokeTokensWithin(transaction, user.id, { actor: user.id, origin, reason: 'password_reset' });
      return true;
    });
  }

  return {
    /** Mails a link if the address has an account that may log in; else answer and work are the same. */
    request({ email, origin, told }: { email: string; origin: Origin; told: Told }): Promise<{ ok: true } | Throttled> {
      const taking = throttle.takeMail({ address: identifierHash(email), ip: origin.ip });
      return refusals.attempt(taking, { subject: null, origin }, async (tried) => {
        const user = await users.findByEmail(email);
        const able = user !== null && !user.disabledAt;
        const detail = { by: 'form', ...(able ? {} : { reason: user ? 'account_disabled' : 'unknown_account' }) };
        await transact(async (transaction) => {
          if (able) await resetLinks.mailWithin(transaction, user, told);
          else {
            await links.issueWithin(transaction, { purpose: PURPOSE });
            await mail.pretendWithin(transaction, 'reset-password');
          }
          const about = { actor: null, subject: user?.id ?? null, origin, detail };
          const outcome = able ? 'success' : 'failure';
          await tried.record({ type: 'authn_password_reset_request', outcome, ...about }, { within: transaction });
        });
        return { ok: true } as const;
      });
    },

    /** The address of the account. */
    async look(secret: string, origin: Origin): Promise<{ ok: true; email: string } | DeadLink | Throttled> {
      const opened = await openLink.openOfAccount({ purpose: PURPOSE, secret, origin }, ({ email }) => email);
      return opened.ok ? { ok: true, email: opened.target } : opened;
    },

    /** Only a password that is accepted uses the link up. */
    async reset(wanted: PasswordReset): Promise<PasswordResetResult> {
      const opened = await openLink.openOfAccount({ purpose: PURPOSE, ...wanted }, (account) => account);
      if (!opened.ok) return opened;
      const user = opened.target;
      const problem = await passwordPolicy.problem(wanted.password, user.email);
      if (problem) return { ok: false, reason: 'bad_password', problem, email: user.email };
      const setting = { userId: user.id, origin: wanted.origin };
      if (await breachedPasswords.has(wanted.password, setting)) return { ...BREACHED, email: user.email };
      return (await change(user, wanted)) ? { ok: true, userId: user.id } : DEAD_LINK;
    },
  };
}

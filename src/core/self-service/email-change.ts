// Another address for an account: it counts once its own mailbox has confirmed it. The old one gets a mail, and can take
// the account back for a week (email-undo.ts).
import type { User } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { AccountPasswords } from '../credentials/imported/account-passwords.ts';
import { addressBinding } from '../credentials/login-links.ts';
import type { OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import { showsPassword } from '../sessions/authentication-method.ts';
import { findOrigin } from '../sessions/session-rows.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Refusals, Throttled } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import { type EmailMove, emailEvent } from './email-move.ts';
import { DEAD_LINK, type DeadLink } from './open-link.ts';

export interface EmailChange {
  readonly secret: string;
  readonly origin: Origin;
  readonly told: Told;
}

export type EmailChangeResult = { readonly ok: true; readonly email: string } | DeadLink | Throttled;

/** `wrong_password`: of the account whose address it is to be. */
export type ConfirmedChange =
  | EmailChangeResult
  | { readonly ok: false; readonly reason: 'wrong_password'; readonly email: string };

export interface EmailChangesOptions {
  readonly accountPasswords: AccountPasswords;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly devices: KnownDevices;
  readonly links: OneTimeLinks;
  readonly emailMove: EmailMove;
  readonly mail: Mail;
}

export function createEmailChanges({
  accountPasswords,
  throttle,
  refusals,
  devices,
  links,
  emailMove,
  mail,
}: EmailChangesOptions) {
  /** Shares the throttle of password changes: links must not give further guesses. */
  async function knowsPassword(user: User, email: string, password: string, origin: Origin) {
    const about = { subject: user.id, origin };
    return refusals.attempt(throttle.takePasswordChange(user.id), about, async (tried) => {
      if (await accountPasswords.verify(user, password, { account: user.email, ip: origin.ip }))
        return { ok: true } as const;
      const failed = { outcome: 'failure', actor: null, detail: { reason: 'wrong_password' } } as const;
      await tried.record({ ...emailEvent('user_email_change_fail', user.id, origin), ...failed });
      return { ok: false, reason: 'wrong_password', email } as const;
    });
  }

  return {
    async look(
      secret: string,
      origin: Origin,
    ): Promise<{ ok: true; email: string; userId: string } | DeadLink | Throttled> {
      const opened = await emailMove.open('change_email', secret, origin);
      return opened.ok ? { ok: true, email: opened.target.email, userId: opened.target.user.id } : opened;
    },

    /**
     * The new address counts from now on; the old one gets a link that takes the account back. Whoever isn't logged in to
     * the account gives its password: else a mailbox's owner could be made to confirm somebody else's account.
     */
    async confirm({
      secret,
      origin,
      told,
      by,
    }: EmailChange & { by: { userId: string | null; password: string } }): Promise<ConfirmedChange> {
      const opened = await emailMove.open('change_email', secret, origin);
      if (!opened.ok) return opened;
      const { user, email, sessionId, since } = opened.target;
      if (by.userId !== user.id) {
        const known = await knowsPassword(user, email, by.password, origin);
        if (!known.ok) return known;
      }
      const moved = await emailMove.move('change_email', user, { secret, email, origin }, async (transaction) => {
        const asked = sessionId === null ? null : await findOrigin(transaction, sessionId);
        const passwordHash = asked && showsPassword(asked.authenticationMethod) ? user.passwordHash : null;
        const binding = addressBinding(user.emailKey);
        const undo = {
          purpose: 'undo_email_change',
          userId: user.id,
          email: user.email,
          binding,
          passwordHash,
        } as const;
        // Their cookies are signed for the old address, which may be somebody else's next.
        await devices.forgetAllWithin(transaction, user.id, { actor: user.id, origin });
        const tokenId = await links.issueWithin(transaction, { ...undo, ...(since ? { since } : {}) });
        const letter = { to: user.email, userId: user.id, language: told.language, tokenId };
        const parameters = { ...told.from, to: email };
        await mail.sendWithin(transaction, { ...letter, template: 'email-changed', parameters });
        await recordEvent(transaction, emailEvent('user_email_changed', user.id, origin));
      });
      return moved ? { ok: true, email } : DEAD_LINK;
    },
  };
}

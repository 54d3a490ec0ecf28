// Another address for an account: it counts once its own mailbox has confirmed it. The old one gets a mail, and can take
// the account back for a week.
import { lockUnchangedWithin, type User } from '../accounts/users.ts';
import type { NewAuditEvent, Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Passwords } from '../credentials/passwords.ts';
import { newToken } from '../credentials/random-token.ts';
import { removeNewerWithin } from '../factors/factor-removal.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import { type Database, isUniqueViolation, type Transaction } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Refusals, Throttled } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import { DEAD_LINK, type DeadLink, type OpenLink } from './open-link.ts';
import type { ResetLinks } from './reset-links.ts';

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
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly devices: KnownDevices;
  readonly links: OneTimeLinks;
  readonly emailMove: EmailMove;
  readonly mail: Mail;
  readonly resetLinks: ResetLinks;
}

export function createEmailChanges({
  passwords,
  throttle,
  refusals,
  devices,
  links,
  emailMove,
  mail,
  resetLinks,
}: EmailChangesOptions) {
  /** Shares the throttle of password changes: links must not give further guesses. */
  async function knowsPassword(user: User, email: string, password: string, origin: Origin) {
    const about = { subject: user.id, origin };
    return refusals.attempt(throttle.takePasswordChange(user.id), about, async (tried) => {
      if (await passwords.verify(user.passwordHash, password, { account: user.email, ip: origin.ip }))
        return { ok: true } as const;
      const failed = { outcome: 'failure', actor: null, detail: { reason: 'wrong_password' } } as const;
      await tried.record({ ...event('user_email_change_fail', user.id, origin), ...failed });
      return { ok: false, reason: 'wrong_password', email } as const;
    });
  }

  return {
    async look(
      purpose: EmailPurpose,
      secret: string,
      origin: Origin,
    ): Promise<{ ok: true; email: string; userId: string } | DeadLink | Throttled> {
      const opened = await emailMove.open(purpose, secret, origin);
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
      const { user, email, since } = opened.target;
      if (by.userId !== user.id) {
        const known = await knowsPassword(user, email, by.password, origin);
        if (!known.ok) return known;
      }
      const moved = await emailMove.move('change_email', user, { secret, email, origin }, async (transaction) => {
        const undo = { purpose: 'undo_email_change', userId: user.id, email: user.email } as const;
        // Their cookies are signed for the old address, which may be somebody else's next.
        await devices.forgetAllWithin(transaction, user.id, { actor: user.id, origin });
        const tokenId = await links.issueWithin(transaction, { ...undo, ...(since ? { since } : {}) });
        const letter = { to: user.email, userId: user.id, language: told.language, tokenId };
        const parameters = { ...told.from, to: email };
        await mail.sendWithin(transaction, { ...letter, template: 'email-changed', parameters });
        await recordEvent(transaction, event('user_email_changed', user.id, origin));
      });
      return moved ? { ok: true, email } : DEAD_LINK;
    },

    /**
     * The old address counts again. Whoever changed it may know the password, so it is replaced, second factors added since
     * they logged in are removed, and a link to a new password goes to the old address. No other link counts any more.
     */
    async undo({ secret, origin, told }: EmailChange): Promise<EmailChangeResult> {
      const opened = await emailMove.open('undo_email_change', secret, origin);
      if (!opened.ok) return opened;
      const { user, email, since } = opened.target;
      const passwordHash = await passwords.hash(newToken(), { account: user.email, ip: origin.ip });
      const moved = await emailMove.move(
        'undo_email_change',
        user,
        { secret, email, origin, passwordHash },
        async (transaction) => {
          await links.takeBackWithin(transaction, user.id, ['change_email', 'undo_email_change']);
          await devices.forgetAllWithin(transaction, user.id, { actor: user.id, origin });
          if (since) await removeNewerWithin(transaction, { userId: user.id, email, since, origin, told }, mail);
          await resetLinks.mailWithin(transaction, { ...user, email, emailKey: emailKey(email), passwordHash }, told);
          await recordEvent(transaction, event('user_email_change_undone', user.id, origin));
        },
      );
      return moved ? { ok: true, email } : DEAD_LINK;
    },
  };
}

type EventType = Extract<NewAuditEvent['type'], `user_email_${string}`>;

function event(type: EventType, userId: string | null, origin: Origin): NewAuditEvent {
  return { type, outcome: 'success', actor: userId, subject: userId, origin };
}

export type EmailPurpose = 'change_email' | 'undo_email_change';

interface Move {
  readonly secret: string;
  readonly email: string;
  readonly origin: Origin;
  /** Where the password changes too. */
  readonly passwordHash?: string;
}

export interface EmailMoveOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly links: OneTimeLinks;
  readonly openLink: OpenLink;
}

export type EmailMove = ReturnType<typeof createEmailMove>;

export function createEmailMove({ database: { transact, clock }, sessions, links, openLink }: EmailMoveOptions) {
  return {
    open(purpose: EmailPurpose, secret: string, origin: Origin) {
      return openLink.openOfAccount({ purpose, secret, origin }, (user, { email, since }) =>
        email === null ? null : { user, email, since },
      );
    },

    /** False if the account is no longer what was read, the link was used, or the address is taken. */
    async move(
      purpose: EmailPurpose,
      user: User,
      { secret, email, origin, passwordHash }: Move,
      more: (transaction: Transaction) => Promise<void>,
    ): Promise<boolean> {
      try {
        return await transact(async (transaction) => {
          if (!(await lockUnchangedWithin(transaction, user))) return false;
          if (!(await links.useWithin(transaction, purpose, secret))) return false;
          const password = passwordHash ? { passwordHash, passwordChangedAt: clock.now() } : {};
          const data = { email, emailKey: emailKey(email), ...password };
          await transaction.user.update({ where: { id: user.id }, data });
          await more(transaction);
          const reason = { reason: 'email_changed', actor: user.id, origin } as const;
          await sessions.endWithin(transaction, { userId: user.id }, reason);
          return true;
        });
      } catch (error) {
        if (isUniqueViolation(error)) return false; // somebody else has the address by now
        throw error;
      }
    },
  };
}

// Another address for an account: it counts once its own mailbox has confirmed it, and the old one is told and can take it
// back for a week. A change ends every session, because a session's copies carry the address and log-ins go by it.
import { lockUnchangedWithin, type User, type Users } from '../accounts/users.ts';
import type { NewAuditEvent, Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import { bindingOf, type OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Passwords } from '../credentials/passwords.ts';
import { newToken } from '../credentials/random-token.ts';
import { removeNewerWithin } from '../factors/factor-removal.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import { type Database, isUniqueViolation, type Transaction } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';
import { findOrigin } from '../sessions/session-table.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Refusals, Throttled } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import { DEAD_LINK, type DeadLink, type OpenLink } from './open-link.ts';
import type { PasswordResets } from './password-reset.ts';

type Purpose = 'change_email' | 'undo_email_change';

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
  readonly database: Database;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly devices: KnownDevices;
  readonly identifierHash: IdentifierHash;
  readonly links: OneTimeLinks;
  readonly openLink: OpenLink;
  readonly mail: Mail;
  readonly passwordResets: PasswordResets;
}

export type EmailChanges = ReturnType<typeof createEmailChanges>;

export function createEmailChanges({
  database: { transact },
  users,
  sessions,
  passwords,
  throttle,
  refusals,
  devices,
  identifierHash,
  links,
  openLink,
  mail,
  passwordResets,
}: EmailChangesOptions) {
  const open = (purpose: Purpose, secret: string, origin: Origin) =>
    openLink.openOfAccount({ purpose, secret, origin }, (user, { email, since }) =>
      email === null ? null : { user, email, since },
    );

  /** Throttled together with changes of it: a link could else be asked for to try it from any number of addresses. */
  async function knowsPassword(user: User, email: string, password: string, origin: Origin) {
    const about = { subject: user.id, origin };
    return refusals.attempt(throttle.takePasswordChange(user.id), about, async (tried) => {
      if (await passwords.verify(user.passwordHash, password)) return { ok: true } as const;
      const failed = { outcome: 'failure', actor: null, detail: { reason: 'wrong_password' } } as const;
      await tried.record({ ...event('user_email_change_fail', user.id, origin), ...failed });
      return { ok: false, reason: 'wrong_password', email } as const;
    });
  }

  /** Gives the account its address and ends its sessions, if it is still what was read and the link is unused. */
  async function move(
    purpose: Purpose,
    user: User,
    { secret, email, origin, passwordHash }: { secret: string; email: string; origin: Origin; passwordHash?: string },
    more: (transaction: Transaction) => Promise<void>,
  ): Promise<boolean> {
    try {
      return await transact(async (transaction) => {
        if (!(await lockUnchangedWithin(transaction, user))) return false;
        if (!(await links.useWithin(transaction, purpose, secret))) return false;
        const password = passwordHash ? { passwordHash, passwordChangedAt: new Date() } : {};
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
  }

  return {
    /** Mails a link to the new address; if it has an account, no mail goes out, and the answer and the work are the same. */
    async request({
      userId,
      sessionId,
      email,
      origin,
      told,
    }: {
      userId: string;
      sessionId: string;
      email: string;
      origin: Origin;
      told: Told;
    }): Promise<{ ok: true } | { ok: false; reason: 'same' } | Throttled> {
      const user = await users.find(userId);
      if (!user || user.emailKey === emailKey(email)) return { ok: false, reason: 'same' };
      const taking = throttle.takeMail({ address: identifierHash(email), ip: origin.ip });
      return refusals.attempt(taking, { subject: userId, origin }, async (tried) => {
        const free = (await users.findByEmail(email)) === null;
        await transact(async (transaction) => {
          await links.takeBackWithin(transaction, userId, ['change_email']);
          const since = (await findOrigin(transaction, sessionId))?.loggedInAt ?? new Date();
          const link = { purpose: 'change_email', userId, email, since, binding: bindingOf(user) } as const;
          const tokenId = await links.issueWithin(transaction, link);
          const letter = { to: email, userId, language: told.language, parameters: {}, tokenId };
          if (free) await mail.sendWithin(transaction, { ...letter, template: 'confirm-email' });
          else await mail.pretendWithin(transaction, 'confirm-email');
          await tried.record(event('user_email_change_asked', userId, origin), { within: transaction });
        });
        return { ok: true } as const;
      });
    },

    /** What a link is about, and whose account; looking changes nothing. */
    async look(
      purpose: Purpose,
      secret: string,
      origin: Origin,
    ): Promise<{ ok: true; email: string; userId: string } | DeadLink | Throttled> {
      const opened = await open(purpose, secret, origin);
      return opened.ok ? { ok: true, email: opened.target.email, userId: opened.target.user.id } : opened;
    },

    /**
     * The new address counts from now on; the old one is told, with a link that takes it back. Who is not logged in to the
     * account gives its password: whoever reads the mailbox could be made to confirm an account that is somebody else's.
     */
    async confirm({
      secret,
      origin,
      told,
      by,
    }: EmailChange & { by: { userId: string | null; password: string } }): Promise<ConfirmedChange> {
      const opened = await open('change_email', secret, origin);
      if (!opened.ok) return opened;
      const { user, email, since } = opened.target;
      if (by.userId !== user.id) {
        const known = await knowsPassword(user, email, by.password, origin);
        if (!known.ok) return known;
      }
      const moved = await move('change_email', user, { secret, email, origin }, async (transaction) => {
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
     * The old address counts again. Whoever changed it may know the password, so that no longer opens anything, and neither
     * does a second factor that was added since they logged in: a link to a new password goes to the old address. No other
     * link of the account counts after that.
     */
    async undo({ secret, origin, told }: EmailChange): Promise<EmailChangeResult> {
      const opened = await open('undo_email_change', secret, origin);
      if (!opened.ok) return opened;
      const { user, email, since } = opened.target;
      const passwordHash = await passwords.hash(newToken());
      const moved = await move(
        'undo_email_change',
        user,
        { secret, email, origin, passwordHash },
        async (transaction) => {
          await links.takeBackWithin(transaction, user.id, ['change_email', 'undo_email_change']);
          await devices.forgetAllWithin(transaction, user.id, { actor: user.id, origin });
          if (since) await removeNewerWithin(transaction, { userId: user.id, email, since, origin, told }, mail);
          await passwordResets.mailLinkWithin(
            transaction,
            { ...user, email, emailKey: emailKey(email), passwordHash },
            told,
          );
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

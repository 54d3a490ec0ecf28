// An account moves to another address: by a link, in one transaction, with the end of every session.
import { lockUnchangedWithin, replacePasswordWithin, type User } from '../accounts/users.ts';
import type { NewAuditEvent, Origin } from '../audit/events.ts';
import type { OneTimeLinks } from '../credentials/one-time-links.ts';
import { type Database, isUniqueViolation, type Transaction } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { OpenLink } from './open-link.ts';

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

export function createEmailMove({ database: { transact }, sessions, links, openLink }: EmailMoveOptions) {
  return {
    open(purpose: EmailPurpose, secret: string, origin: Origin) {
      return openLink.openOfAccount({ purpose, secret, origin }, (user, { id: linkId, email, sessionId, since }) =>
        email === null ? null : { user, linkId, email, sessionId, since },
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
          await transaction.user.update({ where: { id: user.id }, data: { email, emailKey: emailKey(email) } });
          if (passwordHash !== undefined) await replacePasswordWithin(transaction, user.id, passwordHash);
          const reason = { reason: 'email_changed', actor: user.id, origin } as const;
          await sessions.endWithin(transaction, { userId: user.id }, reason);
          await more(transaction);
          return true;
        });
      } catch (error) {
        if (isUniqueViolation(error)) return false; // somebody else has the address by now
        throw error;
      }
    },
  };
}

type EventType = Extract<NewAuditEvent['type'], `user_email_${string}`>;

export function emailEvent(type: EventType, userId: string | null, origin: Origin): NewAuditEvent {
  return { type, outcome: 'success', actor: userId, subject: userId, origin };
}

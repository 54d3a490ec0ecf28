// Gives an account another address by a one-time link, and ends its sessions: their copies carry the address.
import { lockUnchangedWithin, type User } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
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
    },
  };
}

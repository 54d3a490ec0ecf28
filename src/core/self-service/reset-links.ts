// Links to choose a new password, and how an account's owner gets one: by mail, or from an operator.
import type { User, Users } from '../accounts/users.ts';
import type { Actor, NewAuditEvent } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { bindingOf, type OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Database, Transaction } from '../platform/database.ts';

export interface ResetLinksOptions {
  readonly database: Database;
  readonly users: Users;
  readonly links: OneTimeLinks;
  readonly mail: Mail;
}

export type ResetLinks = ReturnType<typeof createResetLinks>;

export function createResetLinks({ database: { transact }, users, links, mail }: ResetLinksOptions) {
  const issueWithin = (transaction: Transaction, user: User) =>
    links.issueWithin(transaction, { purpose: 'reset_password', userId: user.id, binding: bindingOf(user) });

  async function mailWithin(transaction: Transaction, user: User, { language, from }: Told): Promise<void> {
    const tokenId = await issueWithin(transaction, user);
    const about = { to: user.email, userId: user.id, language, tokenId };
    await mail.sendWithin(transaction, { ...about, template: 'reset-password', parameters: from });
  }

  return {
    mailWithin,

    /**
     * An operator has the link mailed, and sees neither it nor a password (ASVS 6.4.6). False where no mail is possible or
     * there is no account that may log in.
     */
    async send(userId: string, told: Told, by: Actor): Promise<boolean> {
      const user = await users.find(userId);
      if (!user || user.disabledAt || !mail.possible) return false;
      await transact(async (transaction) => {
        await mailWithin(transaction, user, told);
        await recordEvent(transaction, byOperator(userId, by, 'mail'));
      });
      return true;
    },

    /** For an operator to hand over where no mail is possible. Null where there is no account that may log in. */
    async reveal(userId: string, by: Actor): Promise<string | null> {
      const user = await users.find(userId);
      if (!user || user.disabledAt) return null;
      return transact(async (transaction) => {
        const secret = await links.revealWithin(transaction, await issueWithin(transaction, user));
        await recordEvent(transaction, byOperator(userId, by, 'handed_over'));
        return secret;
      });
    },
  };
}

function byOperator(userId: string, by: Actor, how: 'mail' | 'handed_over'): NewAuditEvent {
  const { actor, session = null, origin, reason } = by;
  const detail = { by: 'operator', how, ...(reason ? { reason } : {}) };
  const about = { actor, subject: userId, session, origin, detail };
  return { type: 'authn_password_reset_request', outcome: 'success', ...about };
}

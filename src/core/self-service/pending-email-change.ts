// A change of address that waits for its mail to be confirmed: its owner sees it, and takes it back.
import { lockUserWithin, type Users } from '../accounts/users.ts';
import type { Actor } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { isBoundTo, type OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Database, Transaction } from '../platform/database.ts';

export interface PendingEmailChange {
  readonly email: string;
  readonly askedAt: Date;
}

export interface PendingEmailChangesOptions {
  readonly database: Database;
  readonly users: Users;
  readonly links: OneTimeLinks;
}

export function createPendingEmailChanges({ database: { transact }, users, links }: PendingEmailChangesOptions) {
  return {
    /** Null without one that could still be confirmed. */
    async find(userId: string): Promise<PendingEmailChange | null> {
      const link = await links.newestOf(userId, 'change_email');
      const user = link && (await users.find(userId));
      if (!user || link.email === null || !isBoundTo(link, user)) return null;
      return { email: link.email, askedAt: link.createdAt };
    },

    /** Its link works no longer. False if there was none. */
    takeBack(userId: string, by: Actor): Promise<boolean> {
      return transact(async (transaction) => {
        if (!(await lockUserWithin(transaction, userId))) return false; // deleted meanwhile
        return takeEmailChangeBackWithin(transaction, links, userId, by);
      });
    },
  };
}

/** The caller holds the lock of the account. */
export async function takeEmailChangeBackWithin(
  transaction: Transaction,
  links: OneTimeLinks,
  userId: string,
  { actor, session = null, origin }: Actor,
): Promise<boolean> {
  const count = await links.takeBackWithin(transaction, userId, ['change_email']);
  const about = { actor, subject: userId, session, origin };
  const event = { type: 'user_email_change_taken_back', outcome: 'success', ...about } as const;
  if (count > 0) await recordEvent(transaction, event);
  return count > 0;
}

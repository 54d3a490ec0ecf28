// Keeps passwords at the present cost of hashing. A hash can be renewed only when its password is
// at hand.
import type { User } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';

export interface RenewHashOptions {
  readonly database: Database;
  readonly passwords: Passwords;
  readonly links: OneTimeLinks;
  readonly log: Log;
}

export type RenewHash = ReturnType<typeof createRenewHash>;

export function createRenewHash({ database: { transact }, passwords, links, log }: RenewHashOptions) {
  /**
   * Renews a hash that a password has just proved outdated; returns the account's hash. A password
   * changed meanwhile stays. Never throws: what fails is left to the next log-in.
   */
  return async function renewHash(
    user: User,
    { password, origin }: { readonly password: string; readonly origin: Origin },
  ): Promise<string> {
    try {
      const passwordHash = await passwords.hash(password, { account: user.email, ip: origin.ip });
      return await transact(async (transaction) => {
        const where = { id: user.id, passwordHash: user.passwordHash };
        const { count } = await transaction.user.updateMany({ where, data: { passwordHash } });
        if (count === 0) return user.passwordHash;
        await links.rebindWithin(transaction, user, passwordHash);
        const about = { outcome: 'success', actor: user.id, subject: user.id, origin } as const;
        await recordEvent(transaction, { type: 'authn_password_rehashed', ...about });
        return passwordHash;
      });
    } catch (error) {
      log.debug({ err: error }, 'an older hash stays until the next log-in');
      return user.passwordHash;
    }
  };
}

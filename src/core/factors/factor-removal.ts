// Removing all second factors, for an owner who has lost them.
import { lockUserWithin } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { Language } from '../platform/languages.ts';
import type { Sessions } from '../sessions/sessions.ts';

interface Removal {
  readonly actor: string | null;
  readonly session?: string | null;
  readonly origin: Origin;
  readonly reason?: string;
}

export interface FactorRemovalOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly mail: Mail;
  /** Of mail to somebody whose language is not known. */
  readonly language: Language;
}

export function createFactorRemoval({ database: { transact }, sessions, mail, language }: FactorRemovalOptions) {
  return {
    /** Removes every factor and code, and ends the sessions. False if there was no factor. */
    removeAll(userId: string, { actor, session = null, origin, reason }: Removal): Promise<boolean> {
      return transact(async (transaction) => {
        const account = await lockUserWithin(transaction, userId);
        if (!account) return false; // deleted meanwhile
        const totp = await transaction.totp.deleteMany({ where: { userId } });
        const keys = await transaction.passkey.deleteMany({ where: { userId } });
        await transaction.recoveryCode.deleteMany({ where: { userId } });
        if (totp.count + keys.count === 0) return false;
        const detail = { factor: 'all', passkeys: keys.count, totp: totp.count, ...(reason ? { reason } : {}) };
        const about = { actor, subject: userId, session, origin, detail };
        await recordEvent(transaction, { type: 'authn_factor_removed', outcome: 'success', ...about });
        const letter = { to: account.email, userId, parameters: {}, language };
        await mail.sendWithin(transaction, { ...letter, template: 'factors-removed' });
        const why = { reason: 'revoked_by_operator', actor, origin, browsersStay: true } as const;
        await sessions.endWithin(transaction, { userId }, why);
        return true;
      });
    },
  };
}

/** With their account. */
export async function deleteFactorsWithin(transaction: Transaction, userId: string): Promise<void> {
  await transaction.totp.deleteMany({ where: { userId } });
  await transaction.recoveryCode.deleteMany({ where: { userId } });
  await transaction.passkey.deleteMany({ where: { userId } });
}

// Removing second factors for their owner: all that somebody has lost, or those that were set up
// since somebody else logged in.
import { lockUserWithin } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { Language } from '../platform/languages.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { countWithin } from './factor-change.ts';

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
        await sessions.endWithin(transaction, { userId }, { reason: 'revoked_by_operator', actor, origin });
        return true;
      });
    },
  };
}

/**
 * Takes back what was set up since somebody else logged in: second factors and recovery codes made
 * from then on, and with the last factor all codes. Recorded, and told by mail. The caller holds
 * the lock of the account.
 */
export async function removeNewerWithin(
  transaction: Transaction,
  { userId, email, since, origin, told }: { userId: string; email: string; since: Date; origin: Origin; told: Told },
  mail: Mail,
): Promise<void> {
  const newer = { userId, createdAt: { gte: since } };
  const totp = await transaction.totp.deleteMany({ where: newer });
  const keys = await transaction.passkey.deleteMany({ where: newer });
  if (totp.count + keys.count === 0) return;
  const left = await countWithin(transaction, userId);
  await transaction.recoveryCode.deleteMany({ where: left.count === 0 ? { userId } : newer });
  const detail = { factor: 'all', since: since.toISOString(), passkeys: keys.count, totp: totp.count };
  const about = { actor: userId, subject: userId, origin, detail };
  await recordEvent(transaction, { type: 'authn_factor_removed', outcome: 'success', ...about });
  const parameters = { ...told.from, change: 'newer_removed' } as const;
  const letter = { to: email, userId, language: told.language, parameters };
  await mail.sendWithin(transaction, { ...letter, template: 'factor-changed' });
}

/** With their account. */
export async function deleteFactorsWithin(transaction: Transaction, userId: string): Promise<void> {
  await transaction.totp.deleteMany({ where: { userId } });
  await transaction.recoveryCode.deleteMany({ where: { userId } });
  await transaction.passkey.deleteMany({ where: { userId } });
}

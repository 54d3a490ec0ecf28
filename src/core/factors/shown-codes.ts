// New recovery codes, shown until their owner says that they are kept: a page that is loaded again shows them again. Until
// then each stands encrypted beside its hash, for an hour at most. Whatever deletes a code deletes that with it.
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Purpose, SecretBox } from '../credentials/secret-box.ts';
import { ago, type Database, type Transaction } from '../platform/database.ts';

const SHOWN_MS = 60 * 60_000;

export interface ShownCodesOptions {
  readonly database: Database;
  readonly secretBox: SecretBox;
}

const purpose = (userId: string): Purpose => ({ purpose: 'recovery code', owner: userId });

/** What is kept of a code beside its hash. */
export function sealShown(code: string, userId: string, now: Date, secretBox: SecretBox) {
  return {
    shown: new Uint8Array(secretBox.encrypt(code, purpose(userId))),
    shownUntil: new Date(now.getTime() + SHOWN_MS),
  };
}

export function createShownCodes({ database: { prisma, transact }, secretBox }: ShownCodesOptions) {
  return {
    /** In an order that stays the same; none once they are kept, or were shown for an hour. */
    async read(userId: string): Promise<readonly string[]> {
      const rows = await prisma.$queryRaw<{ shown: Uint8Array }[]>`
        SELECT shown FROM recovery_code
         WHERE user_id = ${userId}::uuid AND used_at IS NULL AND shown_until > clock_timestamp() AND shown IS NOT NULL`;
      const opened = rows.map(({ shown }) => secretBox.decrypt(shown, purpose(userId))?.text);
      return opened.filter((code) => code !== undefined).sort();
    },

    /** They are shown no longer. Saying it twice is no error. */
    async keep({ userId, sessionId, origin }: { userId: string; sessionId: string; origin: Origin }): Promise<void> {
      await transact(async (transaction) => {
        const count = await transaction.$executeRaw`
          UPDATE recovery_code SET shown = NULL, shown_until = NULL
           WHERE user_id = ${userId}::uuid AND shown_until IS NOT NULL`;
        const about = { actor: userId, subject: userId, session: sessionId, origin };
        const event = { type: 'authn_recovery_codes_kept', outcome: 'success', ...about } as const;
        if (count > 0) await recordEvent(transaction, event);
      });
    },
  };
}

/** Forgets what was shown for long enough; returns of how many codes. */
export function forgetShownCodes(transaction: Transaction): Promise<number> {
  return transaction.$executeRaw`
    UPDATE recovery_code SET shown = NULL, shown_until = NULL WHERE shown_until < ${ago(0)}`;
}

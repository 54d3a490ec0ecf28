// Deleting an account. In one transaction its sessions end, everything personal is taken out of its rows and the log, and
// the event is written; the address is free at once. The chain stays whole (erasure.ts).
import { eraseRest, eraseWithin } from '../audit/erasure.ts';
import type { Actor, Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { emptyLinksWithin } from '../credentials/one-time-links.ts';
import { deleteMailOfDeleted, type Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { readLanguage } from '../platform/languages.ts';
import { emptySessionsWithin } from '../sessions/session-rows.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { deleteAttemptsOfDeleted } from '../throttle/attempts.ts';
import { revokeKnownBrowsersWithin } from '../throttle/known-device-rows.ts';
import type { Users } from './users.ts';

/** A worker that stops waits for no more than this. */
const FINISH_WITHIN_MS = 8_000;

export interface DeletionRequest {
  readonly userId: string;
  /** Its owner if left out; null on the command line. */
  readonly actor?: string | null;
  readonly sessionId: string | null;
  readonly origin: Origin;
  /** An operator's, in their words: recorded. */
  readonly reason?: string;
  readonly told: Told;
}

export type DeletionResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'no_account' | 'last_operator' };

export interface AccountDeletionOptions {
  readonly database: Database;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly mail: Mail;
  /** Of the room above: takes an account that is locked out of its groups, before its sessions are locked. */
  readonly leaveAllGroupsWithin: (transaction: Transaction, userId: string, by: Actor) => Promise<void>;
  /** Empty the tables of the rooms above. */
  readonly emptyAbove: readonly ((transaction: Transaction, userId: string) => Promise<void>)[];
}

export function createAccountDeletion(options: AccountDeletionOptions) {
  const { database, users, sessions, mail, leaveAllGroupsWithin, emptyAbove } = options;
  const { prisma, transact, clock } = database;

  async function emptyWithin(transaction: Transaction, userId: string): Promise<void> {
    const deletedAt = clock.now();
    const nobody = `deleted:${userId}`;
    await transaction.user.update({
      where: { id: userId },
      data: {
        email: nobody,
        emailKey: nobody,
        passwordHash: '',
        language: null,
        browserHash: null,
        lastLoginAt: null,
        disabledAt: deletedAt,
        deletedAt,
      },
    });
    await emptySessionsWithin(transaction, userId);
    await revokeKnownBrowsersWithin(transaction, userId);
    await emptyLinksWithin(transaction, userId);
    await transaction.apiToken.deleteMany({ where: { userId } });
    await transaction.savedView.deleteMany({ where: { userId } });
    for (const empty of emptyAbove) await empty(transaction, userId);
  }

  return {
    /** Refused for the last operator: nobody could look after the service any more. */
    async delete({
      userId,
      actor = userId,
      sessionId,
      origin,
      reason,
      told,
    }: DeletionRequest): Promise<DeletionResult> {
      return transact<DeletionResult>(async (transaction) => {
        if (await users.isLastOperatorWithin(transaction, userId)) return { ok: false, reason: 'last_operator' };
        const user = await transaction.user.findFirst({ where: { id: userId, deletedAt: null } });
        if (!user) return { ok: false, reason: 'no_account' };
        const about = { actor, subject: userId, session: sessionId, origin, ...(reason ? { detail: { reason } } : {}) };
        await recordEvent(transaction, { type: 'user_deleted', outcome: 'success', ...about });
        await leaveAllGroupsWithin(transaction, userId, {
          actor,
          origin,
          session: sessionId,
          ...(reason ? { reason } : {}),
        });
        const why = { reason: 'account_deleted', actor, origin } as const;
        await sessions.endWithin(transaction, { userId }, why);
        await emptyWithin(transaction, userId);
        // Of no account, because the account's mail is deleted with it.
        const letter = { to: user.email, userId: null, language: readLanguage(user.language) ?? told.language };
        await mail.sendWithin(transaction, { ...letter, template: 'account-deleted', parameters: told.from });
        await eraseWithin(transaction, userId, { actor });
        return { ok: true };
      });
    },

    /**
     * The worker's part: removes what log, log-in records and mail still hold of deleted accounts, and rows that nothing
     * needs any more. An account goes after its mail, which may have to wait for the next time. Returns how many are gone.
     */
    async finish(): Promise<number> {
      await eraseRest(database, { withinMs: FINISH_WITHIN_MS });
      await deleteAttemptsOfDeleted(prisma);
      await deleteMailOfDeleted(prisma);
      return prisma.$executeRaw`
        DELETE FROM user_account
         WHERE erased_at IS NOT NULL AND deleted_at IS NOT NULL
           AND NOT EXISTS (SELECT FROM session WHERE user_id = user_account.id)
           AND NOT EXISTS (SELECT FROM mail WHERE user_id = user_account.id)`;
    },
  };
}

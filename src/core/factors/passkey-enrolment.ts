// Adding, renaming and removing an account's passkeys.
import { recordEvent } from '../audit/outbox.ts';
import type { Purpose } from '../credentials/secret-box.ts';
import type { Database } from '../platform/database.ts';
import { momentWithin } from '../sessions/session-rows.ts';
import type { AddAndRemove, AddResult, RemoveResult } from './add-and-remove.ts';
import { byWhom, type Changer } from './factor-change.ts';
import type { Passkeys } from './passkeys.ts';

const MAX_PASSKEYS = 20;

export interface PasskeyEnrolmentOptions extends AddAndRemove {
  readonly database: Database;
  readonly passkeys: Passkeys;
}

export function createPasskeyEnrolment({ database: { transact }, passkeys, add, remove }: PasskeyEnrolmentOptions) {
  return {
    async addPasskey(
      changer: Changer,
      { id, answer, name, owner }: { id: string; answer: string; name: string; owner: Purpose },
    ): Promise<AddResult> {
      const made = await passkeys.readNew(answer, owner);
      if (!made) return { ok: false, reason: 'wrong' };
      const { userId } = changer;
      return add(changer, { factor: 'passkey', passkey: id }, async (transaction, account) => {
        if (account.passkeys >= MAX_PASSKEYS) return 'too_many';
        if (!(await passkeys.useChallengeWithin(transaction, made.challenge))) return 'wrong';
        const { credentialId, publicKey, counter } = made;
        const transports = [...made.transports];
        const { loggedInAt } = account;
        const createdAt = await momentWithin(transaction, userId);
        await transaction.passkey.create({
          data: { id, userId, credentialId, publicKey, counter, transports, name, createdAt, loggedInAt },
        });
        return null;
      });
    },

    removePasskey: (changer: Changer, id: string): Promise<RemoveResult> =>
      remove(changer, { factor: 'passkey', passkey: id }, (transaction) =>
        transaction.passkey.deleteMany({ where: { id, userId: changer.userId } }),
      ),

    /** False if the account has no such passkey. */
    renamePasskey(changer: Changer, id: string, name: string): Promise<boolean> {
      return transact(async (transaction) => {
        const where = { id, userId: changer.userId };
        const { count } = await transaction.passkey.updateMany({ where, data: { name } });
        if (count === 0) return false;
        const event = { type: 'authn_factor_renamed', outcome: 'success', detail: { passkey: id } } as const;
        await recordEvent(transaction, { ...event, ...byWhom(changer) });
        return true;
      });
    },
  };
}

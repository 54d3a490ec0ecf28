// What adding a second factor of any kind brings with it, and what removing one does.
import { recordEvent } from '../audit/outbox.ts';
import type { SecretBox } from '../credentials/secret-box.ts';
import { isUniqueViolation, type Transaction } from '../platform/database.ts';
import { needsSecondFactor, type SecondFactorPolicy } from '../sessions/authentication-method.ts';
import type { NewSession } from '../sessions/sessions.ts';
import { byWhom, type ChangeResult, type Changer, type FactorChanges, type LockedAccount } from './factor-change.ts';
import { newRecoveryCodes, replaceCodesWithin } from './recovery-codes.ts';

export type Factor = 'totp' | 'passkey';

export type AddResult =
  | {
      readonly ok: true;
      readonly session: NewSession;
      /** Whether there are new recovery codes, to be shown until they are kept. */
      readonly newCodes: boolean;
    }
  | { readonly ok: false; readonly reason: 'wrong' | 'late' | 'expired' | 'exists' | 'too_many' | 'session_ended' };

/** `required`: the account must have a second factor, and this is the last. */
export type RemoveResult = ChangeResult<'required' | 'no_factor'>;

export interface AddAndRemoveOptions {
  readonly factorChanges: FactorChanges;
  readonly policy: SecondFactorPolicy;
  readonly secretBox: SecretBox;
}

export type AddAndRemove = ReturnType<typeof createAddAndRemove>;

export function createAddAndRemove({ factorChanges: { change, tellWithin }, policy, secretBox }: AddAndRemoveOptions) {
  return {
    /** An account without recovery codes gets some. `write` returns a reason against it, or null. */
    async add(
      changer: Changer,
      { factor, ...more }: { readonly factor: Factor; readonly passkey?: string },
      write: (transaction: Transaction, account: LockedAccount) => Promise<'wrong' | 'too_many' | null>,
    ): Promise<AddResult> {
      let newCodes = false;
      try {
        const changed = await change(changer, `password+${factor}`, async (transaction, account) => {
          const reason = await write(transaction, account);
          if (reason) return reason;
          newCodes = await codesForFirstWithin(transaction, account, secretBox);
          const event = { type: 'authn_factor_added', outcome: 'success', detail: { factor, ...more } } as const;
          await recordEvent(transaction, { ...event, ...byWhom(changer) });
          await tellWithin(transaction, changer, account, `${factor}_added`);
          return null;
        });
        return changed.ok ? { ...changed, newCodes } : changed;
      } catch (error) {
        if (isUniqueViolation(error)) return { ok: false, reason: 'exists' };
        throw error;
      }
    },

    /** Removes a factor, and with the last one the recovery codes. */
    remove(
      changer: Changer,
      { factor, ...more }: { readonly factor: Factor; readonly passkey?: string },
      write: (transaction: Transaction) => Promise<{ readonly count: number }>,
    ): Promise<RemoveResult> {
      return change(changer, null, async (transaction, account) => {
        if ((await write(transaction)).count === 0) return 'no_factor';
        if (account.count === 1) {
          if (needsSecondFactor(policy, account.role)) return 'required';
          await transaction.recoveryCode.deleteMany({ where: { userId: changer.userId } });
        }
        const event = { type: 'authn_factor_removed', outcome: 'success', detail: { factor, ...more } } as const;
        await recordEvent(transaction, { ...event, ...byWhom(changer) });
        await tellWithin(transaction, changer, account, `${factor}_removed`);
        return null;
      });
    },
  };
}

/** New codes for an account that has none; false where it has some. */
async function codesForFirstWithin(
  transaction: Transaction,
  account: LockedAccount,
  secretBox: SecretBox,
): Promise<boolean> {
  if ((await transaction.recoveryCode.count({ where: { userId: account.id } })) > 0) return false;
  await replaceCodesWithin(transaction, account, newRecoveryCodes(), secretBox);
  return true;
}

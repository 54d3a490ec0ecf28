// Setting up and removing second factors: each act is one change of factor-change.ts.
import { recordEvent } from '../audit/outbox.ts';
import type { SecretBox } from '../credentials/secret-box.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { TellOwner } from '../mail/owner-mail.ts';
import type { Database } from '../platform/database.ts';
import type { Language } from '../platform/languages.ts';
import type { SecondFactorPolicy } from '../sessions/authentication-method.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import { type AddResult, createAddAndRemove, type RemoveResult } from './add-and-remove.ts';
import { byWhom, type Changer, createFactorChanges } from './factor-change.ts';
import { createFactorRemoval } from './factor-removal.ts';
import { createPasskeyEnrolment } from './passkey-enrolment.ts';
import type { Passkeys } from './passkeys.ts';
import { newRecoveryCodes, replaceCodesWithin } from './recovery-codes.ts';
import { createTotpEnrolment } from './totp-enrolment.ts';

export type { AddResult, RemoveResult };

export interface EnrolmentOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly devices: KnownDevices;
  readonly passkeys: Passkeys;
  readonly secretBox: SecretBox;
  readonly mail: Mail;
  readonly tellOwnerWithin: TellOwner;
  readonly policy: SecondFactorPolicy;
  /** Of mail to somebody whose language is not known. */
  readonly language: Language;
}

export function createEnrolment({
  database,
  sessions,
  devices,
  passkeys,
  secretBox,
  mail,
  tellOwnerWithin,
  policy,
  language,
}: EnrolmentOptions) {
  const factorChanges = createFactorChanges({ database, sessions, devices, tellOwnerWithin });
  const addAndRemove = createAddAndRemove({ factorChanges, policy, secretBox });
  return {
    ...createTotpEnrolment({ database, secretBox, ...addAndRemove }),
    ...createPasskeyEnrolment({ database, passkeys, ...addAndRemove }),
    ...createFactorRemoval({ database, sessions, mail, language }),

    /** Replaces the recovery codes; the new ones are shown until they are kept. */
    async renewCodes(changer: Changer): Promise<AddResult> {
      const changed = await factorChanges.change(changer, null, async (transaction, account) => {
        if (account.count === 0) return 'session_ended';
        await replaceCodesWithin(transaction, account, newRecoveryCodes(), secretBox);
        const event = { type: 'authn_recovery_codes_made', outcome: 'success' } as const;
        await recordEvent(transaction, { ...event, ...byWhom(changer) });
        await factorChanges.tellWithin(transaction, changer, account, 'codes_made');
        return null;
      });
      return changed.ok ? { ...changed, newCodes: true } : changed;
    },
  };
}

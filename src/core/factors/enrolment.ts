// Setting up and removing second factors: what each act does to them, within the one change that changing-factors.ts makes of it.
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { Purpose, SecretBox } from '../credentials/secret-box.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import { type Database, isUniqueViolation, type Transaction } from '../platform/database.ts';
import type { Language } from '../platform/languages.ts';
import { needsSecondFactor, type SecondFactorPolicy } from '../sessions/authentication-method.ts';
import type { NewSession, Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import { type About, byWhom, type Changer, createFactorChange, lockWithin, Refused, refusal } from './factor-change.ts';
import type { Passkeys } from './passkeys.ts';
import { newRecoveryCodes, replaceCodesWithin } from './recovery-codes.ts';
import { totpPurpose } from './second-factors.ts';

export type AddResult =
  | {
      readonly ok: true;
      readonly session: NewSession;
      /** New recovery codes, to be shown this once; null where the account has some. */
      readonly codes: readonly string[] | null;
    }
  | { readonly ok: false; readonly reason: 'wrong' | 'late' | 'expired' | 'exists' | 'too_many' | 'session_ended' };

export type RemoveResult =
  | { readonly ok: true; readonly session: NewSession }
  /** `required`: the account must have a second factor, and this is the last. */
  | { readonly ok: false; readonly reason: 'required' | 'no_factor' | 'session_ended' };

const MAX_PASSKEYS = 20;
const SET_UP_MS = 60 * 60_000;

export interface EnrolmentOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly devices: KnownDevices;
  readonly passwords: Passwords;
  readonly passkeys: Passkeys;
  readonly secretBox: SecretBox;
  readonly mail: Mail;
  readonly policy: SecondFactorPolicy;
  /** Of mail to somebody whose browser is not there, and whose language is not known. */
  readonly language: Language;
}

export type Enrolment = ReturnType<typeof createEnrolment>;

export function createEnrolment({
  database,
  sessions,
  devices,
  passwords,
  passkeys,
  secretBox,
  mail,
  policy,
  language,
}: EnrolmentOptions) {
  const { prisma, transact } = database;
  const { change, tellWithin } = createFactorChange({ database, sessions, devices, mail });

  const setUpPurpose = ({ userId, sessionId }: Changer): Purpose => ({
    purpose: 'totp set-up',
    owner: `${userId} ${sessionId}`,
  });

  async function add(
    changer: Changer,
    factor: 'totp' | 'passkey',
    detail: Readonly<Record<string, string>>,
    write: (transaction: Transaction, about: About) => Promise<void>,
  ): Promise<AddResult> {
    const made = (await prisma.recoveryCode.count({ where: { userId: changer.userId } })) > 0;
    const codes = made ? null : await newRecoveryCodes(passwords);
    let issued = false;
    try {
      const session = await change(changer, `password+${factor}`, async (transaction, about) => {
        await write(transaction, about);
        issued = codes !== null && (await transaction.recoveryCode.count({ where: { userId: changer.userId } })) === 0;
        if (codes && issued) await replaceCodesWithin(transaction, changer.userId, codes);
        await recordEvent(transaction, {
          type: 'authn_factor_added',
          outcome: 'success',
          ...byWhom(about),
          detail: { factor, ...detail },
        });
        await tellWithin(transaction, changer, about.email, `${factor}_added`);
      });
      return { ok: true, session, codes: issued && codes ? codes.codes : null };
    } catch (error) {
      if (isUniqueViolation(error)) return { ok: false, reason: 'exists' };
      return refusal(error, ['wrong', 'exists', 'too_many', 'session_ended']);
    }
  }

  async function remove(
    changer: Changer,
    { factor, ...more }: { factor: 'totp' | 'passkey'; passkey?: string },
    write: (transaction: Transaction) => Promise<number>,
  ): Promise<RemoveResult> {
    try {
      const session = await change(changer, null, async (transaction, about) => {
        if ((await write(transaction)) === 0) throw new Refused('no_factor');
        if (about.count === 1) {
          if (needsSecondFactor(policy, about.role)) throw new Refused('required');
          await transaction.recoveryCode.deleteMany({ where: { userId: changer.userId } });
        }
        await recordEvent(transaction, {
          type: 'authn_factor_removed',
          outcome: 'success',
          ...byWhom(about),
          detail: { factor, ...more },
        });
        await tellWithin(transaction, changer, about.email, `${factor}_removed`);
      });
      return { ok: true, session };
    } catch (error) {
      return refusal(error, ['required', 'no_factor', 'session_ended']);
    }
  }

  return {
    /** A secret for an authenticator app, and the same sealed for the form that brings the first code: nothing is kept. */
    async beginTotp(changer: Changer): Promise<{ secret: string; sealed: string }> {
      const { newTotpSecret } = await import('./totp.ts');
      const secret = newTotpSecret();
      const text = JSON.stringify({ secret, until: Date.now() + SET_UP_MS });
      return { secret, sealed: secretBox.encrypt(text, setUpPurpose(changer)).toString('base64url') };
    },

    /** The secret that a form brings back; null if it is too old, or of another session. */
    readTotp(changer: Changer, sealed: string): string | null {
      const opened = secretBox.decrypt(Buffer.from(sealed.slice(0, 1_000), 'base64url'), setUpPurpose(changer));
      if (!opened) return null;
      const { secret, until } = JSON.parse(opened.text) as { secret: string; until: number };
      return until > Date.now() ? secret : null;
    },

    /** Keeps an authenticator app, once it has shown a right code. */
    async addTotp(changer: Changer, { sealed, code }: { sealed: string; code: string }): Promise<AddResult> {
      const secret = this.readTotp(changer, sealed);
      if (secret === null) return { ok: false, reason: 'expired' };
      const [row] = await prisma.$queryRaw<{ now: number }[]>`
        SELECT extract(epoch FROM clock_timestamp())::float8 AS now`;
      const { checkTotp } = await import('./totp.ts');
      const checked = checkTotp(secret, code, { now: Math.floor(row?.now ?? 0), lastStep: 0 });
      if (!checked.ok) return { ok: false, reason: checked.reason === 'late' ? 'late' : 'wrong' };
      const { userId } = changer;
      const kept = new Uint8Array(secretBox.encrypt(secret, totpPurpose(userId)));
      return add(changer, 'totp', {}, async (transaction) => {
        await transaction.totp.create({ data: { userId, secret: kept, lastStep: checked.step } });
      });
    },

    removeTotp: (changer: Changer): Promise<RemoveResult> =>
      remove(changer, { factor: 'totp' }, async (transaction) => {
        const { count } = await transaction.totp.deleteMany({ where: { userId: changer.userId } });
        return count;
      }),

    /** Keeps a passkey that a browser has just made. `owner` is what its challenge was made for. */
    async addPasskey(
      changer: Changer,
      { id, answer, name, owner }: { id: string; answer: string; name: string; owner: Purpose },
    ): Promise<AddResult> {
      const made = await passkeys.readNew(answer, owner);
      if (!made) return { ok: false, reason: 'wrong' };
      const { userId } = changer;
      return add(changer, 'passkey', { passkey: id }, async (transaction, { passkeys: known }) => {
        if (known >= MAX_PASSKEYS) throw new Refused('too_many');
        if (!(await passkeys.useChallengeWithin(transaction, made.challenge))) throw new Refused('wrong');
        const { credentialId, publicKey, counter } = made;
        const transports = [...made.transports];
        await transaction.passkey.create({ data: { id, userId, credentialId, publicKey, counter, transports, name } });
      });
    },

    removePasskey: (changer: Changer, id: string): Promise<RemoveResult> =>
      remove(changer, { factor: 'passkey', passkey: id }, async (transaction) => {
        const { count } = await transaction.passkey.deleteMany({ where: { id, userId: changer.userId } });
        return count;
      }),

    /** Gives a passkey another name; false if the account has no such one. */
    renamePasskey({ userId, sessionId, origin }: Changer, id: string, name: string): Promise<boolean> {
      return transact(async (transaction) => {
        const { count } = await transaction.passkey.updateMany({ where: { id, userId }, data: { name } });
        if (count === 0) return false;
        const about = { actor: userId, subject: userId, session: sessionId, origin, detail: { passkey: id } };
        await recordEvent(transaction, { type: 'authn_factor_renamed', outcome: 'success', ...about });
        return true;
      });
    },

    /** New recovery codes in the place of the old ones, to be shown this once; only for who has a second factor. */
    async renewCodes(changer: Changer): Promise<AddResult> {
      const codes = await newRecoveryCodes(passwords);
      try {
        const session = await change(changer, null, async (transaction, about) => {
          if (about.count === 0) throw new Refused('session_ended');
          await replaceCodesWithin(transaction, changer.userId, codes);
          await recordEvent(transaction, { type: 'authn_recovery_codes_made', outcome: 'success', ...byWhom(about) });
          await tellWithin(transaction, changer, about.email, 'codes_made');
        });
        return { ok: true, session, codes: codes.codes };
      } catch (error) {
        return refusal(error, ['session_ended']);
      }
    },

    /**
     * An operator's act, for somebody who has lost every factor: all of them and the recovery codes go, and their sessions
     * end. False if there were none.
     */
    async removeAll(
      userId: string,
      {
        actor,
        session = null,
        origin,
        reason,
      }: { actor: string | null; session?: string | null; origin: Origin; reason?: string },
    ): Promise<boolean> {
      const work = async (transaction: Transaction): Promise<boolean> => {
        const { email } = await lockWithin(transaction, userId);
        const totp = await transaction.totp.deleteMany({ where: { userId } });
        const keys = await transaction.passkey.deleteMany({ where: { userId } });
        await transaction.recoveryCode.deleteMany({ where: { userId } });
        if (totp.count + keys.count === 0) return false;
        const detail = { factor: 'all', passkeys: keys.count, totp: totp.count, ...(reason ? { reason } : {}) };
        const about = { actor, subject: userId, session, origin, detail };
        await recordEvent(transaction, { type: 'authn_factor_removed', outcome: 'success', ...about });
        await mail.sendWithin(transaction, {
          to: email,
          userId,
          template: 'factors-removed',
          parameters: {},
          language,
        });
        await sessions.endWithin(transaction, { userId }, { reason: 'revoked_by_operator', actor, origin });
        return true;
      };
      return transact(work).catch((error: unknown) => {
        if (error instanceof Refused) return false; // deleted meanwhile
        throw error;
      });
    },
  };
}

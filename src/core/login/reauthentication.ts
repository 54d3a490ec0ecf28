// Proving again who one is, before an act that matters: with all that a log-in to the account takes, so also with a second
// factor where it has one (ASVS 7.5.1). A new session with a new token replaces the old (ASVS 7.2.4).
import type { Users } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { AccountPasswords } from '../credentials/imported/account-passwords.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { Purpose } from '../credentials/secret-box.ts';
import type { FactorProblem, Given, SecondFactors } from '../factors/second-factors.ts';
import type { Told } from '../mail/templates.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { AuthenticationMethod } from '../sessions/authentication-method.ts';
import type { NewSession, Sessions } from '../sessions/sessions.ts';
import type { Refusals, Throttled } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import type { FactorWarnings } from './factor-warnings.ts';

interface Reauthenticating {
  readonly userId: string;
  readonly sessionId: string;
  readonly origin: Origin;
  /** For the mail where codes are blocked; without it none goes out. */
  readonly told?: Told;
}

/** A code that goes with the password. */
export type GivenCode = Exclude<Given, { factor: 'passkey' }>;

export interface PasswordReauthentication extends Reauthenticating {
  readonly password: string;
  /** Null or left out where none was typed. */
  readonly code?: GivenCode | null;
}

export interface PasskeyReauthentication extends Reauthenticating {
  /** What the browser answered, and what its challenge was made for. */
  readonly answer: string;
  readonly owner: Purpose;
}

/** `code_missing`: the account has a second factor, and nothing was tried of it. */
export type NotProved =
  | { readonly ok: false; readonly reason: 'wrong_password' | 'code_missing' }
  | {
      readonly ok: false;
      readonly reason: 'wrong_factor';
      readonly factor: Given['factor'];
      readonly problem: FactorProblem;
    };

type CheckedPassword =
  | { readonly ok: true; readonly needsCode: boolean }
  | { readonly ok: false; readonly reason: 'wrong_password' | 'code_missing' }
  | Throttled;

export type ReauthenticationResult =
  | { readonly ok: true; readonly session: NewSession }
  | { readonly ok: false; readonly reason: 'session_ended' }
  | NotProved
  | Throttled;

export interface ReauthenticationOptions {
  readonly database: Database;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly accountPasswords: AccountPasswords;
  readonly secondFactors: SecondFactors;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly factorWarnings: FactorWarnings;
}

export function createReauthentication({
  database: { transact },
  users,
  sessions,
  passwords,
  accountPasswords,
  secondFactors,
  throttle,
  refusals,
  factorWarnings,
}: ReauthenticationOptions) {
  /** `useWithin` uses up what was proved; false if it finds that used. */
  async function replaceSession(
    { userId, sessionId, origin }: Reauthenticating,
    authenticationMethod: AuthenticationMethod,
    useWithin: (transaction: Transaction) => Promise<boolean> = async () => true,
  ): Promise<NewSession | 'used' | null> {
    return transact<NewSession | 'used' | null>(async (transaction, rollback) => {
      if (!(await useWithin(transaction))) return rollback('used');
      const replacement = { sessionId, userId, origin, authenticationMethod, provedNow: true };
      const session = await sessions.replaceWithin(transaction, replacement);
      const event = { ...about({ userId, sessionId, origin }), detail: { by: authenticationMethod } };
      if (session) await recordEvent(transaction, { type: 'authn_confirm_success', outcome: 'success', ...event });
      return session;
    });
  }

  /**
   * Throttled together with changes of the password: both try the same secret. `needsCode` says whether the account has
   * a second factor; without a code nothing is tried then.
   */
  function checkPassword(who: Reauthenticating, password: string, hasCode: boolean): Promise<CheckedPassword> {
    const { userId, origin } = who;
    const taking = throttle.takePasswordChange(userId);
    return refusals.attempt<CheckedPassword>(taking, { subject: userId, origin }, async (tried) => {
      const { totpSince, passkeys } = await secondFactors.overview(userId);
      const needsCode = totpSince !== null || passkeys.length > 0;
      if (needsCode && !hasCode) {
        await tried.giveBack();
        return { ok: false, reason: 'code_missing' };
      }
      const isRight = await passwords.admit({ account: userId, ip: origin.ip }, async (asker) => {
        const user = await users.find(userId);
        return accountPasswords.verify(user, password, asker);
      });
      if (isRight) return { ok: true, needsCode };
      const event = { ...about(who), detail: { by: 'password' } };
      await tried.record({ type: 'authn_confirm_fail', outcome: 'failure', ...event });
      return { ok: false, reason: 'wrong_password' };
    });
  }

  /** In a window of its own: who is logged in can't use up the tries of a log-in, nor a log-in those. */
  function byFactor(
    who: Reauthenticating,
    given: Given,
    method: AuthenticationMethod,
  ): Promise<ReauthenticationResult> {
    const { userId, origin } = who;
    const taking = throttle.takeSecondFactor(userId, 'confirm');
    return refusals.attempt<ReauthenticationResult>(taking, { subject: userId, origin }, async (tried) => {
      const { factor } = given;
      const fail = async (problem: FactorProblem): Promise<ReauthenticationResult> => {
        // With a passkey nobody has shown the password.
        const warns = tried.beginsBlock && who.told && factor !== 'passkey';
        const user = warns ? await users.find(userId) : null;
        await transact(async (transaction) => {
          const event = { ...about(who), detail: { by: factor, reason: problem } };
          await tried.record({ type: 'authn_confirm_fail', outcome: 'failure', ...event }, { within: transaction });
          if (user && who.told) await factorWarnings.blockedWithin(transaction, user, who.told);
        });
        return { ok: false, reason: 'wrong_factor', factor, problem };
      };
      const proving = await secondFactors.prove(userId, given, { account: userId, ip: origin.ip });
      if (!proving.ok) return fail(proving.reason);
      const session = await replaceSession(who, method, proving.useWithin);
      if (session === 'used') return fail('used');
      if (session) return { ok: true, session };
      await tried.giveBack(); // what was proved was right
      return { ok: false, reason: 'session_ended' };
    });
  }

  return {
    /** With a code, if the account has a second factor. */
    async byPassword({ password, code = null, ...who }: PasswordReauthentication): Promise<ReauthenticationResult> {
      const known = await checkPassword(who, password, code !== null);
      if (!known.ok) return known;
      if (known.needsCode && code) return byFactor(who, code, `password+${code.factor}`);
      const session = await replaceSession(who, 'password');
      return session && session !== 'used' ? { ok: true, session } : { ok: false, reason: 'session_ended' };
    },

    /** Two factors by itself. */
    byPasskey({ answer, owner, ...who }: PasskeyReauthentication): Promise<ReauthenticationResult> {
      return byFactor(who, { factor: 'passkey', answer, owner }, 'passkey');
    },
  };
}

function about({ userId, sessionId, origin }: Reauthenticating) {
  return { actor: userId, subject: userId, session: sessionId, origin } as const;
}

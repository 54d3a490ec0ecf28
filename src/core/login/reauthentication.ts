// Proving again who one is, before an act that matters. A session's age is that of its last proof,
// so a new session with a new token replaces the old (ASVS 7.2.4).
import type { Users } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { Purpose } from '../credentials/secret-box.ts';
import type { SecondFactors } from '../factors/second-factors.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { NewSession, Sessions } from '../sessions/sessions.ts';
import type { Refusals, Throttled, Tried } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';

interface Reauthenticating {
  readonly userId: string;
  readonly sessionId: string;
  readonly origin: Origin;
}

export interface PasswordReauthentication extends Reauthenticating {
  readonly password: string;
}

export interface PasskeyReauthentication extends Reauthenticating {
  /** What the browser answered, and what its challenge was made for. */
  readonly answer: string;
  readonly owner: Purpose;
}

type By = 'password' | 'passkey';

export type ReauthenticationResult =
  | { readonly ok: true; readonly session: NewSession }
  | { readonly ok: false; readonly reason: 'wrong_password' | 'wrong_passkey' | 'session_ended' }
  | Throttled;

export interface ReauthenticationOptions {
  readonly database: Database;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly secondFactors: SecondFactors;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
}

export function createReauthentication({
  database: { transact },
  users,
  sessions,
  passwords,
  secondFactors,
  throttle,
  refusals,
}: ReauthenticationOptions) {
  async function fail(tried: Tried, who: Reauthenticating, by: By): Promise<ReauthenticationResult> {
    await tried.record({ type: 'authn_confirm_fail', outcome: 'failure', ...about(who, by) });
    return { ok: false, reason: `wrong_${by}` };
  }

  /** `useWithin` uses up what was proved; a proof that it finds used is a wrong one. */
  async function replaceSession(
    tried: Tried,
    who: Reauthenticating,
    by: By,
    useWithin?: (transaction: Transaction) => Promise<boolean>,
  ): Promise<ReauthenticationResult> {
    const { userId, sessionId, origin } = who;
    const replaced = await transact<NewSession | 'used' | null>(async (transaction, rollback) => {
      if (useWithin && !(await useWithin(transaction))) return rollback('used');
      const authenticationMethod = by === 'passkey' ? by : null;
      const session = await sessions.replaceWithin(transaction, { sessionId, userId, origin, authenticationMethod });
      if (session)
        await recordEvent(transaction, { type: 'authn_confirm_success', outcome: 'success', ...about(who, by) });
      return session;
    });
    if (replaced === 'used') return fail(tried, who, by);
    if (replaced) return { ok: true, session: replaced };
    await tried.giveBack(); // what was proved was right
    return { ok: false, reason: 'session_ended' };
  }

  return {
    /** Throttled together with changes of the password: both try the same secret. */
    byPassword({ password, ...who }: PasswordReauthentication): Promise<ReauthenticationResult> {
      const { userId, origin } = who;
      return refusals.attempt(throttle.takePasswordChange(userId), { subject: userId, origin }, async (tried) => {
        const user = await users.find(userId);
        const isRight = await passwords.verify(user?.passwordHash ?? null, password);
        return isRight ? replaceSession(tried, who, 'password') : fail(tried, who, 'password');
      });
    },

    /** The new session counts as one of two factors. */
    byPasskey({ answer, owner, ...who }: PasskeyReauthentication): Promise<ReauthenticationResult> {
      const { userId, origin } = who;
      return refusals.attempt(
        throttle.takeSecondFactor(userId, 'confirm'),
        { subject: userId, origin },
        async (tried) => {
          const proving = await secondFactors.prove(userId, { factor: 'passkey', answer, owner });
          return proving.ok ? replaceSession(tried, who, 'passkey', proving.useWithin) : fail(tried, who, 'passkey');
        },
      );
    },
  };
}

function about({ userId, sessionId, origin }: Reauthenticating, by: By) {
  return { actor: userId, subject: userId, session: sessionId, origin, detail: { by } } as const;
}

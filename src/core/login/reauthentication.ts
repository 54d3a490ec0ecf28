// Proving again who one is, in a session that began a while ago: before an act that matters. A session's age is that of its
// last proof, so a new one takes the place of the old (ASVS 7.2.4), with a new token.
import type { Users } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { Purpose } from '../credentials/secret-box.ts';
import type { Proving, SecondFactors } from '../factors/second-factors.ts';
import type { Database } from '../platform/database.ts';
import type { NewSession, Sessions } from '../sessions/sessions.ts';
import type { Refusals, Throttled, Tried } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';

interface Confirming {
  readonly userId: string;
  readonly sessionId: string;
  readonly origin: Origin;
}

export interface PasswordReauthentication extends Confirming {
  readonly password: string;
}

export interface PasskeyReauthentication extends Confirming {
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

export type Reauthentication = ReturnType<typeof createReauthentication>;

export function createReauthentication({
  database: { transact },
  users,
  sessions,
  passwords,
  secondFactors,
  throttle,
  refusals,
}: ReauthenticationOptions) {
  async function fail(tried: Tried, who: Confirming, by: By): Promise<ReauthenticationResult> {
    await tried.record({ type: 'authn_confirm_fail', outcome: 'failure', ...about(who, by) });
    return { ok: false, reason: `wrong_${by}` };
  }

  async function replace(
    tried: Tried,
    who: Confirming,
    by: By,
    proving?: Extract<Proving, { ok: true }>,
  ): Promise<ReauthenticationResult> {
    const { userId, sessionId, origin } = who;
    const replaced = await transact<NewSession | 'refused' | null>(async (transaction, rollback) => {
      if (proving && !(await proving.useWithin(transaction))) return rollback('refused');
      const more = proving ? { proved: 'passkey' as const } : {};
      const session = await sessions.replaceWithin(transaction, { sessionId, userId, origin, ...more });
      if (session)
        await recordEvent(transaction, { type: 'authn_confirm_success', outcome: 'success', ...about(who, by) });
      return session;
    });
    if (replaced === 'refused') return fail(tried, who, by);
    if (replaced) return { ok: true, session: replaced };
    await tried.giveBack(); // what was proved was right
    return { ok: false, reason: 'session_ended' };
  }

  async function tryPassword(
    { password, ...who }: PasswordReauthentication,
    tried: Tried,
  ): Promise<ReauthenticationResult> {
    const user = await users.find(who.userId);
    if (await passwords.verify(user?.passwordHash ?? null, password)) return replace(tried, who, 'password');
    return fail(tried, who, 'password');
  }

  async function tryPasskey(
    { answer, owner, ...who }: PasskeyReauthentication,
    tried: Tried,
  ): Promise<ReauthenticationResult> {
    const proving = await secondFactors.prove(who.userId, { factor: 'passkey', answer, owner });
    return proving.ok ? replace(tried, who, 'passkey', proving) : fail(tried, who, 'passkey');
  }

  return {
    /** By the password; throttled together with changes of it, because both try the same secret. */
    async confirm(confirmation: PasswordReauthentication): Promise<ReauthenticationResult> {
      const { userId, origin } = confirmation;
      const taking = throttle.takePasswordChange(userId);
      return refusals.attempt(taking, { subject: userId, origin }, (tried) => tryPassword(confirmation, tried));
    },

    /** By a passkey, which is two factors. */
    async byPasskey(confirmation: PasskeyReauthentication): Promise<ReauthenticationResult> {
      const { userId, origin } = confirmation;
      const taking = throttle.takeSecondFactor(userId);
      return refusals.attempt(taking, { subject: userId, origin }, (tried) => tryPasskey(confirmation, tried));
    },
  };
}

function about({ userId, sessionId, origin }: Confirming, by: By) {
  return { actor: userId, subject: userId, session: sessionId, origin, detail: { by } } as const;
}

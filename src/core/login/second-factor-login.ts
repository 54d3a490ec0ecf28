// The second step of a log-in. One transaction uses up the factor, ends the waiting and starts the
// session.
import type { FactorProblem, Given, SecondFactors } from '../factors/second-factors.ts';
import type { Database } from '../platform/database.ts';
import type { Refusals, Throttled, Tried } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import type { FactorWarnings } from './factor-warnings.ts';
import type { PendingLogin, PendingLogins } from './pending-logins.ts';
import type { Begun, StartSession, Visit } from './start-session.ts';

export type SecondFactorResult =
  | ({ readonly ok: true; readonly next: string | null } & Begun)
  | { readonly ok: false; readonly reason: FactorProblem | 'expired' }
  | Throttled;

type StepVisit = Omit<Visit, 'remember'>;

export interface SecondFactorLoginOptions {
  readonly database: Database;
  readonly startSession: StartSession;
  readonly pendingLogins: PendingLogins;
  readonly factorWarnings: FactorWarnings;
  readonly secondFactors: SecondFactors;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
}

export function createSecondFactorLogin({
  database: { transact },
  startSession,
  pendingLogins,
  factorWarnings,
  secondFactors,
  throttle,
  refusals,
}: SecondFactorLoginOptions) {
  async function tryFactor(
    { id, user, remember, next, deviceId }: PendingLogin,
    given: Given,
    visit: StepVisit,
    tried: Tried,
  ): Promise<SecondFactorResult> {
    const { origin } = visit;
    const fail = async (reason: FactorProblem): Promise<SecondFactorResult> => {
      const about = { actor: null, subject: user.id, origin, detail: { reason: `${reason}_${given.factor}` } };
      await transact(async (transaction) => {
        await tried.record({ type: 'authn_login_fail', outcome: 'failure', ...about }, { within: transaction });
        if (tried.beginsBlock && visit.told) await factorWarnings.blockedWithin(transaction, user, visit.told);
      });
      return { ok: false, reason };
    };
    const proving = await secondFactors.prove(user.id, given, { account: user.email, ip: origin.ip });
    if (!proving.ok) return fail(proving.reason);
    const started = await startSession(
      user,
      { ...visit, remember },
      {
        deviceId,
        authenticationMethod: `password+${given.factor}`,
        async useWithin(transaction) {
          if (!(await pendingLogins.endWithin(transaction, id))) return false;
          await factorWarnings.finishedWithin(transaction, user, id);
          return proving.useWithin(transaction);
        },
      },
    );
    if (started.ok) return { ...started, next };
    if (started.reason === 'factor_refused') return fail('used');
    await tried.giveBack(); // the code was right: no failure, and no block that nobody recorded
    return { ok: false, reason: 'expired' };
  }

  return {
    async finish(token: string, given: Given, visit: StepVisit): Promise<SecondFactorResult> {
      const pending = await pendingLogins.find(token);
      if (!pending) return { ok: false, reason: 'expired' };
      const taking = throttle.takeSecondFactor(
        pending.user.id,
        pending.deviceId === null ? null : { deviceId: pending.deviceId },
      );
      return refusals.attempt(taking, { subject: pending.user.id, origin: visit.origin }, (tried) =>
        tryFactor(pending, given, visit, tried),
      );
    },
  };
}

// What lets somebody in beside the password: the second step of a log-in that waits for it, and a passkey alone, which is two
// factors. The factor is used up, the waiting ended and the session begun in one transaction, or nothing of it.
import type { Origin } from '../audit/events.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import type { Purpose } from '../credentials/secret-box.ts';
import type { Passkeys } from '../factors/passkeys.ts';
import type { FactorProblem, Given, SecondFactors } from '../factors/second-factors.ts';
import type { Database } from '../platform/database.ts';
import type { SecondFactor } from '../sessions/authentication-method.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Refusals, Throttled, Tried } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import type { PendingLogin, PendingLogins } from './pending-logins.ts';
import type { Begun, StartSession, Visit } from './start-session.ts';

export type SecondFactorResult =
  | ({ readonly ok: true; readonly next: string | null } & Begun)
  | { readonly ok: false; readonly reason: FactorProblem | 'expired' }
  | Throttled;

export type PasskeyLoginResult =
  | ({ readonly ok: true } & Begun)
  | { readonly ok: false; readonly reason: 'wrong' }
  | Throttled;

type StepVisit = Omit<Visit, 'remember'>;

export interface SecondFactorLoginOptions {
  readonly database: Database;
  readonly startSession: StartSession;
  readonly pendingLogins: PendingLogins;
  readonly secondFactors: SecondFactors;
  readonly passkeys: Passkeys;
  readonly devices: KnownDevices;
  readonly identifierHash: IdentifierHash;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
}

export type SecondFactorLogin = ReturnType<typeof createSecondFactorLogin>;

export function createSecondFactorLogin({
  database: { prisma },
  startSession,
  pendingLogins,
  secondFactors,
  passkeys,
  devices,
  identifierHash,
  throttle,
  refusals,
}: SecondFactorLoginOptions) {
  /** Records that a factor was refused, and why. */
  async function recordFailure(
    tried: Tried,
    subject: string | null,
    { factor, reason }: { factor: SecondFactor; reason: string },
    origin: Origin,
  ): Promise<void> {
    const detail = { reason: `${reason}_${factor}` };
    await tried.record({ type: 'authn_login_fail', outcome: 'failure', actor: null, subject, origin, detail });
  }

  async function tryStep(
    { id, user, remember, next, deviceId }: PendingLogin,
    given: Given,
    visit: StepVisit,
    tried: Tried,
  ): Promise<SecondFactorResult> {
    const proving = await secondFactors.prove(user.id, given);
    if (!proving.ok) {
      await recordFailure(tried, user.id, proving, visit.origin);
      return { ok: false, reason: proving.reason };
    }
    const started = await startSession(
      user,
      { ...visit, remember },
      {
        deviceId,
        authenticationMethod: `password+${proving.factor}`,
        useWithin: async (transaction) =>
          (await pendingLogins.endWithin(transaction, id)) && (await proving.useWithin(transaction)),
      },
    );
    if (started.ok) return { ...started, next };
    if (started.reason === 'factor_refused') {
      await recordFailure(tried, user.id, { factor: proving.factor, reason: 'used' }, visit.origin);
      return { ok: false, reason: 'used' };
    }
    await tried.giveBack(); // the code was right: no failure, and no block that nobody recorded
    return { ok: false, reason: 'expired' };
  }

  async function tryPasskey(answer: string, owner: Purpose, visit: Visit, tried: Tried): Promise<PasskeyLoginResult> {
    const proved = await passkeys.prove(answer, owner, null);
    const user = proved ? await prisma.user.findUnique({ where: { id: proved.passkey.userId } }) : null;
    const refused = async (reason: string): Promise<PasskeyLoginResult> => {
      await recordFailure(tried, user?.id ?? null, { factor: 'passkey', reason }, visit.origin);
      return { ok: false, reason: 'wrong' };
    };
    if (!proved || !user) return refused('wrong');
    if (user.disabledAt) return refused('account_disabled');
    const deviceId = await devices.find(identifierHash(user.email), visit.deviceCookie);
    const started = await startSession(user, visit, {
      deviceId,
      authenticationMethod: 'passkey',
      useWithin: (transaction) => passkeys.useWithin(transaction, proved),
    });
    if (started.ok) return started;
    return refused(started.reason === 'factor_refused' ? 'used' : 'account_changed');
  }

  return {
    /** Finishes the log-in that waits for this browser, if what is given is one of the account's factors. */
    async finish(token: string, given: Given, visit: StepVisit): Promise<SecondFactorResult> {
      const pending = await pendingLogins.find(token);
      if (!pending) return { ok: false, reason: 'expired' };
      const taking = throttle.takeSecondFactor(pending.user.id, pending.deviceId);
      return refusals.attempt(taking, { subject: pending.user.id, origin: visit.origin }, (tried) =>
        tryStep(pending, given, visit, tried),
      );
    },

    /** Logs in with a passkey and nothing else. `owner` is what the challenge was made for. */
    async logInWithPasskey(answer: string, owner: Purpose, visit: Visit): Promise<PasskeyLoginResult> {
      const taking = throttle.takeToken(visit.origin.ip);
      return refusals.attempt(taking, { subject: null, origin: visit.origin }, (tried) =>
        tryPasskey(answer, owner, visit, tried),
      );
    },
  };
}

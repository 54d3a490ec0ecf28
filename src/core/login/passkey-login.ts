// Logging in with a passkey and nothing else: it is two factors by itself, and says whose it is.
import type { Users } from '../accounts/users.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import type { Purpose } from '../credentials/secret-box.ts';
import type { Passkeys } from '../factors/passkeys.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Refusals, Throttled, Tried } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import type { Begun, StartSession, Visit } from './start-session.ts';

export type PasskeyLoginResult =
  | ({ readonly ok: true } & Begun)
  | { readonly ok: false; readonly reason: 'wrong' }
  | Throttled;

export interface PasskeyLoginOptions {
  readonly users: Users;
  readonly passkeys: Passkeys;
  readonly devices: KnownDevices;
  readonly identifierHash: IdentifierHash;
  readonly startSession: StartSession;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
}

export function createPasskeyLogin({
  users,
  passkeys,
  devices,
  identifierHash,
  startSession,
  throttle,
  refusals,
}: PasskeyLoginOptions) {
  async function tryPasskey(answer: string, owner: Purpose, visit: Visit, tried: Tried): Promise<PasskeyLoginResult> {
    const proved = await passkeys.prove(answer, owner, null);
    const user = proved ? await users.find(proved.passkey.userId) : null;
    const fail = async (reason: string): Promise<PasskeyLoginResult> => {
      const subject = user?.id ?? null;
      const about = { actor: null, subject, origin: visit.origin, detail: { reason: `${reason}_passkey` } };
      await tried.record({ type: 'authn_login_fail', outcome: 'failure', ...about });
      return { ok: false, reason: 'wrong' };
    };
    if (!proved || !user) return fail('wrong');
    if (user.disabledAt) return fail('account_disabled');
    const account = identifierHash(user.email);
    const deviceId = await devices.find(account, visit.deviceCookie);
    const about = { subject: user.id, origin: visit.origin };
    const result = await refusals.attempt(throttle.takeProvedLogin(account, deviceId), about, async () => {
      const started = await startSession(user, visit, {
        deviceId,
        authenticationMethod: 'passkey',
        useWithin: (transaction) => passkeys.useWithin(transaction, proved),
      });
      return started.ok ? started : fail(started.reason === 'factor_refused' ? 'used' : 'account_changed');
    });
    if (!result.ok && result.reason === 'throttled') await tried.giveBack(); // the passkey was right
    return result;
  }

  return {
    /** `owner` is what the challenge was made for. */
    logIn(answer: string, owner: Purpose, visit: Visit): Promise<PasskeyLoginResult> {
      const taking = throttle.takeToken(visit.origin.ip);
      return refusals.attempt(taking, { subject: null, origin: visit.origin }, (tried) =>
        tryPasskey(answer, owner, visit, tried),
      );
    },
  };
}

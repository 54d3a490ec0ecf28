// Logging in with a password. An account that does not exist, one that is disabled and a wrong
// password give one answer, after the same work.
import { lockUserWithin, type User, type Users } from '../accounts/users.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Asker } from '../credentials/hash-queue.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import type { AccountPasswords, Compared, Matching } from '../credentials/imported/account-passwords.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { Database } from '../platform/database.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Refusals, Throttled, Tried } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import type { FactorWarnings } from './factor-warnings.ts';
import type { PendingLogins } from './pending-logins.ts';
import type { RenewHash } from './renew-hash.ts';
import type { Begun, StartSession, Visit } from './start-session.ts';

export interface Credentials extends Visit {
  /** Where the browser wants to go afterwards. */
  readonly next?: string | null;
  readonly email: string;
  readonly password: string;
  /** Called once it may be tried: what else needs a store can ask meanwhile. */
  readonly onAdmitted?: () => void;
}

export type PasswordLoginResult =
  | ({ readonly ok: true } & Begun)
  | { readonly ok: false; readonly reason: 'wrong_credentials' }
  /** The password is right, but nobody is logged in yet: the token is for the browser's cookie. */
  | { readonly ok: false; readonly reason: 'second_factor'; readonly pendingToken: string }
  | Throttled;

interface Attempt {
  readonly account: string;
  readonly deviceId: string | null;
  readonly tried: Tried;
  readonly asker: Asker;
}

/**
 * Asks another system about somebody who is unknown here, and makes the account. `look_again`: it knows them by this
 * password; whether there is an account now is to be read. Throws outages of our own, HashQueueFullError among them.
 */
export type TakeOver = (
  claim: Pick<Credentials, 'email' | 'password' | 'origin'>,
  asker: Asker,
) => Promise<'look_again' | 'no' | 'no_answer'>;

/** Another log-in may renew the hash meanwhile, or the account just came from another system: then it is read and checked once more. */
const ROUNDS = 2;

export interface PasswordLoginOptions {
  readonly database: Database;
  readonly users: Users;
  readonly passwords: Passwords;
  readonly accountPasswords: AccountPasswords;
  readonly renewHash: RenewHash;
  /** Null: no other system is asked. */
  readonly takeOver: TakeOver | null;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly devices: KnownDevices;
  readonly startSession: StartSession;
  readonly pendingLogins: PendingLogins;
  readonly factorWarnings: FactorWarnings;
  readonly identifierHash: IdentifierHash;
}

export type PasswordLogin = ReturnType<typeof createPasswordLogin>;

export function createPasswordLogin({
  database: { transact },
  users,
  passwords,
  accountPasswords,
  renewHash,
  takeOver,
  throttle,
  refusals,
  devices,
  startSession,
  pendingLogins,
  factorWarnings,
  identifierHash,
}: PasswordLoginOptions) {
  async function recordFailure(
    user: User | null,
    { origin }: Credentials,
    { account, deviceId, tried }: Attempt,
    reason: string,
  ): Promise<void> {
    const event = {
      id: tried.id,
      type: 'authn_login_fail',
      outcome: 'failure',
      actor: null,
      subject: user?.id ?? null,
      origin,
      detail: { reason },
    } as const;
    await tried.record(event, { attempt: { identifierHash: account, device: deviceId } });
  }

  async function tryCredentials(credentials: Credentials, attempt: Attempt): Promise<PasswordLoginResult> {
    let user: User | null = null;
    for (let round = 0; round < ROUNDS; round += 1) {
      user = await users.findByEmail(credentials.email);
      const compared = await accountPasswords.compare(user, credentials.password, attempt.asker);
      const asked = !user && takeOver && round === 0 ? await takeOver(credentials, attempt.asker) : 'no';
      if (asked === 'look_again') continue;
      if (!user || compared === 'wrong' || compared === 'none' || user.disabledAt) {
        await recordFailure(user, credentials, attempt, asked === 'no' ? refusal(user, compared) : 'old_system_silent');
        return { ok: false, reason: 'wrong_credentials' };
      }
      const { tried, deviceId } = attempt;
      const started = await startSession(user, credentials, { attemptId: tried.id, deviceId });
      if (started.ok) {
        if (compared === 'outdated') await renewHash(user, credentials);
        return started;
      }
      if (started.reason === 'second_factor_needed') return waitForFactor(user, compared, credentials, attempt);
    }
    await recordFailure(user, credentials, attempt, 'account_changed');
    return { ok: false, reason: 'wrong_credentials' };
  }

  /** Neither a failure nor yet a success: it costs nothing, but counts among the successes. Codes have their own window. */
  async function waitForFactor(
    checked: User,
    matches: Matching,
    credentials: Credentials,
    { deviceId, tried }: Attempt,
  ): Promise<PasswordLoginResult> {
    const { remember, next = null, origin, told = null } = credentials;
    const passwordHash = matches === 'outdated' ? await renewHash(checked, credentials) : checked.passwordHash;
    const user = { ...checked, passwordHash };
    const pendingToken = await transact(async (transaction) => {
      const about = { actor: null, subject: user.id, origin };
      await recordEvent(transaction, { type: 'authn_second_factor_asked', outcome: 'success', ...about });
      await lockUserWithin(transaction, user.id);
      const newcomer = deviceId === null ? told : null;
      const begun = await pendingLogins.beginWithin(transaction, { user, remember, next, deviceId, told: newcomer });
      if (newcomer) await factorWarnings.begunWithin(transaction, user, begun.id, newcomer);
      return begun.token;
    });
    await tried.passed();
    return { ok: false, reason: 'second_factor', pendingToken };
  }

  return {
    /** Throws if PostgreSQL can't take the record: nobody is logged in or refused without one. */
    async logIn(credentials: Credentials): Promise<PasswordLoginResult> {
      const person = { account: credentials.email, ip: credentials.origin.ip };
      passwords.expectRoom(person);
      const account = identifierHash(credentials.email);
      const { origin, deviceCookie, onAdmitted } = credentials;
      const proof = devices.proofOf(account, deviceCookie);
      const again = throttle.refuseAgain({ account, ip: origin.ip, proof });
      if (again) return { ok: false, reason: 'throttled', retryAfterMs: again.retryAfterMs };
      const deviceId = await devices.find(account, deviceCookie, proof);
      const taking = throttle.takeLogin({ account, ip: origin.ip, deviceId }, deviceId === null ? null : proof);
      return refusals.attempt(taking, { subject: null, origin }, (tried) => {
        onAdmitted?.();
        return passwords.admit(person, (asker) => tryCredentials(credentials, { account, deviceId, tried, asker }));
      });
    },
  };
}

function refusal(user: User | null, compared: Compared): string {
  if (!user) return 'unknown_account';
  if (compared === 'none') return 'no_password';
  return compared === 'wrong' ? 'wrong_password' : 'account_disabled';
}

// Logging in: session and events are one transaction, or nothing. An account that does not exist, one that is disabled and
// a wrong password give one answer, after the same work.
import type { User, Users } from '../accounts/users.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import type { OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Refusals, Throttled, Tried } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import type { PendingLogins } from './pending-logins.ts';
import type { Begun, StartSession, Visit } from './start-session.ts';

export interface Credentials extends Visit {
  /** Where the browser wants to go afterwards, kept while the second factor is waited for. */
  readonly next?: string | null;
  readonly email: string;
  readonly password: string;
}

export type PasswordLoginResult =
  | ({ readonly ok: true } & Begun)
  | { readonly ok: false; readonly reason: 'wrong_credentials' }
  /** The password is right, nobody is logged in yet: the browser gets the token of a log-in that waits. */
  | { readonly ok: false; readonly reason: 'second_factor'; readonly pendingToken: string }
  | Throttled;

/** What the decision on an attempt was made by. */
interface Admission {
  readonly account: string;
  readonly deviceId: string | null;
  readonly tried: Tried;
}

/** A hash that another log-in has just renewed is read again, and the password checked against it. */
const ROUNDS = 2;

export interface PasswordLoginOptions {
  readonly database: Database;
  readonly users: Users;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly devices: KnownDevices;
  readonly startSession: StartSession;
  readonly pendingLogins: PendingLogins;
  readonly links: OneTimeLinks;
  readonly identifierHash: IdentifierHash;
  readonly log: Log;
}

export type PasswordLogin = ReturnType<typeof createPasswordLogin>;

export function createPasswordLogin({
  database: { transact },
  users,
  passwords,
  throttle,
  refusals,
  devices,
  startSession,
  pendingLogins,
  links,
  identifierHash,
  log,
}: PasswordLoginOptions) {
  async function recordFailure(
    user: User | null,
    { origin }: Credentials,
    { account, deviceId, tried }: Admission,
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
    const attempt = { identifierHash: account, device: deviceId };
    await tried.record(event, { attempt });
  }

  /** Looks at an attempt that was let through. What it throws is an outage, and no guess was answered. */
  async function tryCredentials(credentials: Credentials, admission: Admission): Promise<PasswordLoginResult> {
    let user: User | null = null;
    for (let round = 0; round < ROUNDS; round += 1) {
      user = await users.findByEmail(credentials.email);
      const matches = await passwords.verify(user?.passwordHash ?? null, credentials.password);
      if (!user || !matches || user.disabledAt) {
        await recordFailure(user, credentials, admission, refusal(user, matches));
        return { ok: false, reason: 'wrong_credentials' };
      }
      const { tried, deviceId } = admission;
      const started = await startSession(user, credentials, { attemptId: tried.id, deviceId });
      if (started.ok) {
        if (passwords.isOutdated(user.passwordHash)) await rehash(user, credentials);
        return started;
      }
      if (started.reason === 'second_factor_needed') return waitForFactor(user, credentials, admission);
    }
    await recordFailure(user, credentials, admission, 'account_changed');
    return { ok: false, reason: 'wrong_credentials' };
  }

  /** Keeps the password at the present cost. A password changed meanwhile stays; what goes wrong is left to the next log-in. */
  async function rehash(user: User, { password, origin }: Credentials): Promise<string | null> {
    try {
      const passwordHash = await passwords.hash(password);
      const kept = await transact(async (transaction) => {
        const where = { id: user.id, passwordHash: user.passwordHash };
        const { count } = await transaction.user.updateMany({ where, data: { passwordHash } });
        if (count === 0) return false;
        await links.rebindWithin(transaction, user, passwordHash);
        const about = { outcome: 'success', actor: user.id, subject: user.id, origin } as const;
        await recordEvent(transaction, { type: 'authn_password_rehashed', ...about });
        return true;
      });
      return kept ? passwordHash : null;
    } catch (error) {
      log.debug({ err: error }, 'an older hash stays until the next log-in');
      return null;
    }
  }

  /** Not a failure, nor a success yet: what the attempt took is given back, and codes have a window of their own. */
  async function waitForFactor(
    checked: User,
    credentials: Credentials,
    { deviceId, tried }: Admission,
  ): Promise<PasswordLoginResult> {
    const { remember, next = null, origin } = credentials;
    const rehashed = passwords.isOutdated(checked.passwordHash) ? await rehash(checked, credentials) : null;
    const user = { ...checked, passwordHash: rehashed ?? checked.passwordHash };
    const pendingToken = await transact(async (transaction) => {
      const about = { actor: null, subject: user.id, origin };
      await recordEvent(transaction, { type: 'authn_second_factor_asked', outcome: 'success', ...about });
      return pendingLogins.beginWithin(transaction, { user, remember, next, deviceId });
    });
    await tried.giveBack();
    return { ok: false, reason: 'second_factor', pendingToken };
  }

  return {
    /**
     * Logs in, if the throttle lets the attempt through. A refusal is recorded before it is answered, and so is a success:
     * if PostgreSQL can't take the record, the error is thrown and nobody is logged in.
     */
    async logIn(credentials: Credentials): Promise<PasswordLoginResult> {
      const account = identifierHash(credentials.email);
      const deviceId = await devices.find(account, credentials.deviceCookie);
      const { origin } = credentials;
      const taking = throttle.takeLogin({ account, ip: origin.ip, deviceId });
      return refusals.attempt(taking, { subject: null, origin }, (tried) =>
        tryCredentials(credentials, { account, deviceId, tried }),
      );
    },
  };
}

function refusal(user: User | null, matches: boolean): string {
  if (!user) return 'unknown_account';
  return matches ? 'account_disabled' : 'wrong_password';
}

// Registering where anybody may. Account, session and events are one transaction, or nothing.
import type { Role, Users } from '../accounts/users.ts';
import type { BreachedPasswords } from '../credentials/breached-passwords.ts';
import { type BadPassword, BREACHED } from '../credentials/password-policy.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { StartFirstSession } from '../login/first-session.ts';
import type { Credentials } from '../login/password-login.ts';
import type { Begun, StartSession, Visit } from '../login/start-session.ts';
import { type Database, isUniqueViolation, type Transaction } from '../platform/database.ts';
import type { Language } from '../platform/languages.ts';
import type { Refusals, Throttled } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';

export type RegisterResult =
  | ({ readonly ok: true } & Begun)
  | { readonly ok: false; readonly reason: 'email_taken' }
  | BadPassword
  | Throttled;

export interface NewAccount {
  readonly email: string;
  readonly passwordHash: string;
  readonly role: Role;
  readonly language: Language;
}

export interface NewMember extends Credentials {
  /** That the person reads. */
  readonly language: Language;
}

/** A double click sends the form twice: the second finds an account this young, and just logs in. */
const DOUBLE_SUBMIT_MS = 60_000;

export interface RegistrationOptions {
  readonly database: Database;
  readonly users: Users;
  readonly passwords: Passwords;
  readonly breachedPasswords: BreachedPasswords;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly startSession: StartSession;
  readonly startFirstSession: StartFirstSession;
}

export type Registration = ReturnType<typeof createRegistration>;

export function createRegistration({
  database: { transact },
  users,
  passwords,
  breachedPasswords,
  throttle,
  refusals,
  startSession,
  startFirstSession,
}: RegistrationOptions) {
  /** Null, and nothing is made, where the address has an account or `first` gives false. */
  async function make(
    { email, passwordHash, role, language }: NewAccount,
    visit: Visit,
    first: (transaction: Transaction) => Promise<boolean> = async () => true,
  ): Promise<Begun | null> {
    try {
      return await transact(async (transaction) => {
        if (!(await first(transaction))) return null;
        const user = await users.createWithin(transaction, {
          email,
          passwordHash,
          role,
          language,
          origin: visit.origin,
        });
        return startFirstSession(transaction, user, visit);
      });
    } catch (error) {
      if (isUniqueViolation(error)) return null;
      throw error;
    }
  }

  return {
    make,

    /** Of two with one address at the same instant, one gets it. */
    async register(credentials: NewMember): Promise<RegisterResult> {
      const { email, password, language, origin } = credentials;
      const throttled = await refusals.charge(throttle.takeRegister(origin.ip), { subject: null, origin });
      if (throttled) return throttled;
      if (await breachedPasswords.has(password, { userId: null, origin })) return BREACHED;
      const passwordHash = await passwords.hash(password, { account: email, ip: origin.ip });
      const begun = await make({ email, passwordHash, role: 'member', language }, credentials);
      if (begun) return { ok: true, ...begun };
      const user = await users.findByEmail(email);
      const young = user !== null && (await users.isYoung(user.id, DOUBLE_SUBMIT_MS));
      if (young && (await passwords.verify(user.passwordHash, password, { account: email, ip: origin.ip }))) {
        // Refused for an account that has a second factor, or was disabled or changed meanwhile.
        const again = await startSession(user, credentials, { deviceId: null });
        if (again.ok) return again;
      }
      return { ok: false, reason: 'email_taken' };
    },
  };
}

// Registering where anybody may. Account, session and events are one transaction, or nothing.
import type { Role, Users } from '../accounts/users.ts';
import type { BreachedPasswords } from '../credentials/breached-passwords.ts';
import { isAwaitedBack } from '../credentials/login-links.ts';
import { type BadPassword, BREACHED } from '../credentials/password-policy.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { StartFirstSession } from '../login/first-session.ts';
import type { Credentials } from '../login/password-login.ts';
import type { Begun, StartSession, Visit } from '../login/start-session.ts';
import { type Database, isUniqueViolation, type Transaction } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';
import type { Language } from '../platform/languages.ts';
import type { Refusals, Throttled } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import { browserHashOf, isSameBrowser } from './registering-browser.ts';

export type RegisterResult =
  | ({ readonly ok: true } & Begun)
  | { readonly ok: false; readonly reason: 'email_taken' }
  | BadPassword
  | Throttled;

export interface NewAccount {
  /** That its invitation was recorded under. */
  readonly id?: string;
  readonly email: string;
  readonly passwordHash: string;
  readonly role: Role;
  readonly language: Language;
  readonly browserHash?: Uint8Array<ArrayBuffer> | null;
}

export interface NewMember extends Credentials {
  /** The secret that this browser keeps anyway for its forms; empty without one. */
  readonly browser: string;
  /** That the person reads. */
  readonly language: Language;
}

/**
 * A double click sends the form twice: the second finds an account this young, of the same browser, and just logs in. From
 * another browser it would be a way to try passwords past the windows of the log-in.
 */
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
  database: { prisma, transact },
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
    { browserHash = null, ...account }: NewAccount,
    visit: Visit,
    first: (transaction: Transaction) => Promise<boolean> = async () => true,
  ): Promise<Begun | null> {
    try {
      return await transact(async (transaction) => {
        if (!(await first(transaction))) return null;
        const user = await users.createWithin(transaction, { ...account, browserHash, origin: visit.origin });
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
      const { email, password, language, browser, origin } = credentials;
      const throttled = await refusals.charge(throttle.takeRegister(origin.ip), { subject: null, origin });
      if (throttled) return throttled;
      // Nobody has shown to read the mailbox: an address that its owner may take back is not free.
      if (await isAwaitedBack(prisma, emailKey(email))) return { ok: false, reason: 'email_taken' };
      if (await breachedPasswords.has(password, { userId: null, origin })) return BREACHED;
      const asker = { account: email, ip: origin.ip };
      const passwordHash = await passwords.hash(password, asker);
      const account = { email, passwordHash, role: 'member', language, browserHash: browserHashOf(browser) } as const;
      const begun = await make(account, credentials);
      if (begun) return { ok: true, ...begun };
      const user = await users.findByEmail(email);
      const young = user !== null && (await users.isYoung(user.id, DOUBLE_SUBMIT_MS));
      const same = young && isSameBrowser(user.browserHash, browser);
      if (same && (await passwords.verify(user.passwordHash, password, asker))) {
        // Refused for an account that has a second factor, or was disabled or changed meanwhile.
        const again = await startSession(user, credentials, { deviceId: null });
        if (again.ok) return again;
      }
      return { ok: false, reason: 'email_taken' };
    },
  };
}

// Registering where addresses are verified first: the mailed link makes the account. Whoever registers an address that has
// an account gets the same answer after the same work; its owner gets another mail (ASVS 6.3.8).
import type { Origin } from '../audit/events.ts';
import type { BreachedPasswords } from '../credentials/breached-passwords.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import { type BadPassword, BREACHED } from '../credentials/password-policy.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { Visit } from '../login/start-session.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import { ago, type Database, type Transaction } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';
import type { Language } from '../platform/languages.ts';
import type { Refusals, Throttled } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import { DEAD_LINK, type DeadLink } from './open-link.ts';
import type { ConfirmResult, Pending, PendingRegistrations } from './pending-registrations.ts';
import { browserHashOf, isSameBrowser } from './registering-browser.ts';

/** A double click sends the form twice: the second changes the password of the first, and no second mail goes out. */
const DOUBLE_SUBMIT_MS = 60_000;

export interface AskedRegistration {
  readonly email: string;
  readonly password: string;
  /** The secret that this browser keeps anyway for its forms; empty without one. */
  readonly browser: string;
  readonly origin: Origin;
  readonly told: Told;
}

export interface ConfirmedRegistration {
  readonly secret: string;
  readonly browser: string;
  /** Asked of another browser than the one that registered. */
  readonly password: string;
  readonly visit: Visit;
  /** That the person reads. */
  readonly language: Language;
}

export interface Looked {
  readonly ok: true;
  readonly email: string;
  /** Whether this is the browser that registered; another one proves that it knows the password. */
  readonly sameBrowser: boolean;
}

export type ConfirmRegistrationResult =
  | ConfirmResult
  | { readonly ok: false; readonly reason: 'wrong_password'; readonly email: string }
  | Throttled;

export interface VerifiedRegistrationOptions {
  readonly database: Database;
  readonly passwords: Passwords;
  readonly breachedPasswords: BreachedPasswords;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly identifierHash: IdentifierHash;
  readonly mail: Mail;
  readonly pendingRegistrations: PendingRegistrations;
}

const PURPOSE = 'confirm_registration';

export function createVerifiedRegistration({
  database: { transact },
  passwords,
  breachedPasswords,
  throttle,
  refusals,
  identifierHash,
  mail,
  pendingRegistrations,
}: VerifiedRegistrationOptions) {
  /** Writes no second mail for a form that was sent twice. Returns the account that the address has already. */
  async function askWithin(
    transaction: Transaction,
    { email, browser, told: { language, from: parameters } }: AskedRegistration,
    passwordHash: string,
  ): Promise<string | null> {
    const browserHash = browserHashOf(browser);
    await pendingRegistrations.lockWithin(transaction, email);
    const user = await transaction.user.findUnique({ where: { emailKey: emailKey(email) } });
    // `=` holds for no browser without a secret: two of them are not one. A row without a password is an invitation.
    // Not what a clock that went back has put into the future: that would keep the mail back for as long.
    const repeated = await transaction.$executeRaw`
      UPDATE registration SET password_hash = ${passwordHash}
       WHERE email_key = ${emailKey(email)} AND browser_hash = ${browserHash}::bytea AND password_hash IS NOT NULL
         AND created_at BETWEEN ${ago(DOUBLE_SUBMIT_MS)} AND clock_timestamp()`;
    if (repeated > 0) return user?.id ?? null;
    const tokenId = await pendingRegistrations.noteWithin(transaction, PURPOSE, { email, passwordHash, browserHash });
    if (user) {
      const letter = { to: user.email, userId: user.id, language, parameters };
      await mail.sendWithin(transaction, { ...letter, template: 'registration-exists' });
      return user.id;
    }
    const letter = { to: email, userId: null, language, parameters, tokenId };
    await mail.sendWithin(transaction, { ...letter, template: 'confirm-registration' });
    return null;
  }

  /** Costs a try of a link. */
  function knowsPassword({ passwordHash, email }: Pending, { password, visit: { origin } }: ConfirmedRegistration) {
    const about = { subject: null, origin };
    return refusals.attempt(throttle.takeToken(origin.ip), about, async (tried) => {
      if (await passwords.verify(passwordHash, password, { account: email, ip: origin.ip }))
        return { ok: true } as const;
      const detail = { reason: 'wrong_password' };
      await tried.record({ type: 'user_confirm_fail', outcome: 'failure', actor: null, ...about, detail });
      return { ok: false, reason: 'wrong_password', email } as const;
    });
  }

  return {
    /** Mails the link; for an address that has an account, its owner gets a mail about that instead. */
    async ask(asked: AskedRegistration): Promise<{ ok: true } | BadPassword | Throttled> {
      const { email, password, origin } = asked;
      const about = { subject: null, origin };
      const throttled = await refusals.charge(throttle.takeRegister(origin.ip), about);
      if (throttled) return throttled;
      if (await breachedPasswords.has(password, { userId: null, origin })) return BREACHED;
      const taking = throttle.takeMail({ address: identifierHash(email), ip: origin.ip });
      return refusals.attempt(taking, about, async (tried) => {
        const passwordHash = await passwords.hash(password, { account: email, ip: origin.ip });
        await transact(async (transaction) => {
          const subject = await askWithin(transaction, asked, passwordHash);
          const event = { type: 'user_registration_asked', outcome: 'success', actor: null, subject, origin } as const;
          await tried.record(event, { within: transaction });
        });
        return { ok: true } as const;
      });
    },

    async look(secret: string, browser: string, origin: Origin): Promise<Looked | DeadLink | Throttled> {
      const opened = await pendingRegistrations.open({ purpose: PURPOSE, secret, origin });
      if (!opened.ok) return opened;
      const { email, browserHash } = opened.target;
      return { ok: true, email, sameBrowser: isSameBrowser(browserHash, browser) };
    },

    /**
     * Makes the account that was asked for and logs in. Another browser than the one that registered has to know the
     * password: else somebody could register a stranger's address, with a password of their own, and wait for the click.
     */
    async confirm(confirmed: ConfirmedRegistration): Promise<ConfirmRegistrationResult> {
      const { secret, browser, visit, language } = confirmed;
      const opened = await pendingRegistrations.open({ purpose: PURPOSE, secret, origin: visit.origin });
      if (!opened.ok) return opened;
      const pending = opened.target;
      const { passwordHash } = pending;
      if (passwordHash === null) return DEAD_LINK;
      if (!isSameBrowser(pending.browserHash, browser)) {
        const known = await knowsPassword(pending, confirmed);
        if (!known.ok) return known;
      }
      return pendingRegistrations.confirm(pending, { purpose: PURPOSE, secret, passwordHash, visit, language });
    },
  };
}

// Accounts that wait for a mailed link: somebody registered where addresses are verified, or was invited. Before the link is
// confirmed there is no account, so nothing is usable and the address is not taken. Whoever registers an address that has an
// account gets the same answer after the same work; the mail to its owner is another one (ASVS 6.3.8).
import { timingSafeEqual } from 'node:crypto';
import type { Role, Users } from '../accounts/users.ts';
import type { Actor, NewAuditEvent, Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { BreachedPasswords } from '../credentials/breached-passwords.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import { LINK_LIFE_MS, type LinkPurpose, type OneTimeLinks } from '../credentials/one-time-links.ts';
import { type BadPassword, BREACHED, type Passwords, passwordProblem } from '../credentials/passwords.ts';
import { hashToken } from '../credentials/random-token.ts';
import type { Begun, Visit } from '../login/start-session.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';
import type { Language } from '../platform/languages.ts';
import { type Refusals, settled, type Throttled } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import { DEAD_LINK, type DeadLink, type OpenLink } from './open-link.ts';
import type { Registration } from './registration.ts';

type Purpose = Extract<LinkPurpose, 'confirm_registration' | 'invitation'>;

/** A double click sends the form twice: the second changes the password of the first, and no second mail goes out. */
const DOUBLE_SUBMIT_MS = 60_000;
/** For the time that the mail may wait before its link begins to count. */
const MAIL_WAITS_MS = 86_400_000;

export interface AskedRegistration {
  readonly email: string;
  readonly password: string;
  /** The secret that this browser keeps anyway for its forms; empty without one. */
  readonly browser: string;
  readonly origin: Origin;
  readonly told: Told;
}

/** What a link leads to. */
export interface Pending {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
  readonly passwordHash: string | null;
  readonly browserHash: Uint8Array | null;
}

export interface Looked {
  readonly ok: true;
  readonly email: string;
  /** Whether this is the browser that registered; another one proves that it knows the password. */
  readonly sameBrowser: boolean;
}

export interface ConfirmedRegistration {
  readonly secret: string;
  readonly browser: string;
  /** Asked of another browser; of the invited it is the one that they choose. */
  readonly password: string;
  readonly visit: Visit;
  /** That the person reads. */
  readonly language: Language;
}

export type ConfirmResult =
  | ({ readonly ok: true } & Begun)
  | { readonly ok: false; readonly reason: 'wrong_password' | 'email_taken'; readonly email: string }
  | (BadPassword & { readonly email: string })
  | DeadLink
  | Throttled;

export type InviteResult =
  | { readonly ok: true; readonly secret: string | null }
  | { readonly ok: false; readonly reason: 'email_taken' };

export interface PendingRegistrationsOptions {
  readonly database: Database;
  readonly users: Users;
  readonly passwords: Passwords;
  readonly breachedPasswords: BreachedPasswords;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly identifierHash: IdentifierHash;
  readonly links: OneTimeLinks;
  readonly openLink: OpenLink;
  readonly mail: Mail;
  readonly registration: Registration;
}

export type PendingRegistrations = ReturnType<typeof createPendingRegistrations>;

export function createPendingRegistrations({
  database: { prisma, transact },
  users,
  passwords,
  breachedPasswords,
  throttle,
  refusals: { recordBlocks, refuse },
  identifierHash,
  links,
  openLink,
  mail,
  registration,
}: PendingRegistrationsOptions) {
  const open = (purpose: Purpose, secret: string, origin: Origin) =>
    openLink.open({ purpose, secret, origin }, async ({ registrationId }): Promise<Pending | null> => {
      return registrationId ? prisma.registration.findUnique({ where: { id: registrationId } }) : null;
    });

  async function fail(
    reason: string,
    origin: Origin,
    more: (transaction: Transaction) => Promise<void>,
  ): Promise<void> {
    const about = { actor: null, subject: null, origin, detail: { reason } };
    await transact(async (transaction) => {
      await recordEvent(transaction, { type: 'user_confirm_fail', outcome: 'failure', ...about });
      await more(transaction);
    });
  }

  /** Makes the account of a link, which is used up with it; other registrations of the address end too. */
  async function makeAccount(
    purpose: Purpose,
    { email, role }: Pending,
    passwordHash: string,
    { secret, visit, language }: ConfirmedRegistration,
  ): Promise<ConfirmResult> {
    const begun = await registration.make({ email, passwordHash, role, language }, visit, async (transaction) => {
      if (!(await links.useWithin(transaction, purpose, secret))) return false;
      await transaction.registration.deleteMany({ where: { emailKey: emailKey(email) } });
      return true;
    });
    if (begun) return { ok: true, ...begun };
    const taken = (await users.findByEmail(email)) !== null;
    return taken ? { ok: false, reason: 'email_taken', email } : DEAD_LINK;
  }

  /** A password that another browser gives is an attempt like any other: it costs a try of a link. */
  async function knowsPassword(pending: Pending, { password, visit: { origin } }: ConfirmedRegistration) {
    const taken = await throttle.takeToken(origin.ip);
    if (!taken.ok) return refuse(taken, null, origin);
    return settled(taken, async () => {
      if (await passwords.verify(pending.passwordHash, password)) return { ok: true } as const;
      await fail('wrong_password', origin, (transaction) => recordBlocks(transaction, taken.blocks, null, origin));
      return { ok: false, reason: 'wrong_password', email: pending.email } as const;
    });
  }

  return {
    /** Notes who wants an account and mails the link; for an address that has one, its owner is told instead. */
    async ask({
      email,
      password,
      browser,
      origin,
      told,
    }: AskedRegistration): Promise<{ ok: true } | BadPassword | Throttled> {
      const registering = await throttle.takeRegister(origin.ip);
      if (!registering.ok) return refuse(registering, null, origin);
      // Now: the client is blocked, whatever becomes of the rest.
      if (registering.blocks.length > 0)
        await transact((transaction) => recordBlocks(transaction, registering.blocks, null, origin));
      if (await breachedPasswords.has(password, { userId: null, origin })) return BREACHED;
      const mailing = await throttle.takeMail({ address: identifierHash(email), ip: origin.ip });
      if (!mailing.ok) return refuse(mailing, null, origin);
      return settled(mailing, async () => {
        const passwordHash = await passwords.hash(password);
        const browserHash = browserHashOf(browser);
        await transact(async (transaction) => {
          const user = await transaction.user.findUnique({ where: { emailKey: emailKey(email) } });
          const since = new Date(Date.now() - DOUBLE_SUBMIT_MS);
          const repeated = await transaction.registration.updateMany({
            where: { emailKey: emailKey(email), browserHash, createdAt: { gt: since } },
            data: { passwordHash },
          });
          if (repeated.count === 0) {
            const tokenId = await noteWithin(transaction, 'confirm_registration', { email, passwordHash, browserHash });
            const { language, from: parameters } = told;
            if (user) {
              const letter = { to: user.email, userId: user.id, language, parameters };
              await mail.sendWithin(transaction, { ...letter, template: 'registration-exists' });
            } else {
              const letter = { to: email, userId: null, language, parameters, tokenId };
              await mail.sendWithin(transaction, { ...letter, template: 'confirm-registration' });
            }
          }
          const about = { actor: null, subject: user?.id ?? null, origin };
          await recordEvent(transaction, { type: 'user_registration_asked', outcome: 'success', ...about });
          await recordBlocks(transaction, mailing.blocks, user?.id ?? null, origin);
        });
        return { ok: true } as const;
      });
    },

    /** What a link is for; looking changes nothing. */
    async look(
      purpose: Purpose,
      secret: string,
      browser: string,
      origin: Origin,
    ): Promise<Looked | DeadLink | Throttled> {
      const opened = await open(purpose, secret, origin);
      if (!opened.ok) return opened;
      const { email, browserHash } = opened.target;
      return { ok: true, email, sameBrowser: isSameBrowser(browserHash, browser) };
    },

    /**
     * Makes the account that was asked for and logs in. Another browser than the one that registered has to know the
     * password: else somebody could register a stranger's address, with a password of their own, and wait for the click.
     */
    async confirm(confirmed: ConfirmedRegistration): Promise<ConfirmResult> {
      const opened = await open('confirm_registration', confirmed.secret, confirmed.visit.origin);
      if (!opened.ok) return opened;
      const pending = opened.target;
      if (pending.passwordHash === null) return DEAD_LINK;
      if (!isSameBrowser(pending.browserHash, confirmed.browser)) {
        const known = await knowsPassword(pending, confirmed);
        if (!known.ok) return known;
      }
      return makeAccount('confirm_registration', pending, pending.passwordHash, confirmed);
    },

    /** An operator invites somebody; an earlier invitation counts no longer. With `reveal` the operator hands the link over. */
    async invite(email: string, told: Told, by: Actor, { reveal }: { reveal: boolean }): Promise<InviteResult> {
      if (await users.findByEmail(email)) return { ok: false, reason: 'email_taken' };
      const secret = await transact(async (transaction) => {
        await transaction.registration.deleteMany({ where: { emailKey: emailKey(email), passwordHash: null } });
        const tokenId = await noteWithin(transaction, 'invitation', { email, invitedBy: by.actor });
        await recordEvent(transaction, invitedEvent(by, reveal || !mail.possible));
        if (reveal || !mail.possible) return links.revealWithin(transaction, tokenId);
        const letter = { to: email, userId: null, language: told.language, parameters: {}, tokenId };
        await mail.sendWithin(transaction, { ...letter, template: 'invitation' });
        return null;
      });
      return { ok: true, secret };
    },

    /** The invited choose a password, which makes the account and logs in. */
    async accept(confirmed: ConfirmedRegistration): Promise<ConfirmResult> {
      const opened = await open('invitation', confirmed.secret, confirmed.visit.origin);
      if (!opened.ok) return opened;
      const { email } = opened.target;
      const problem = await passwordProblem(confirmed.password, email);
      if (problem) return { ok: false, reason: 'bad_password', problem, email };
      const { origin } = confirmed.visit;
      if (await breachedPasswords.has(confirmed.password, { userId: null, origin })) return { ...BREACHED, email };
      return makeAccount('invitation', opened.target, await passwords.hash(confirmed.password), confirmed);
    },
  };

  async function noteWithin(
    transaction: Transaction,
    purpose: Purpose,
    note: {
      email: string;
      passwordHash?: string;
      browserHash?: Uint8Array<ArrayBuffer> | null;
      invitedBy?: string | null;
    },
  ): Promise<string> {
    const expiresAt = new Date(Date.now() + LINK_LIFE_MS[purpose] + MAIL_WAITS_MS);
    const data = { ...note, emailKey: emailKey(note.email), expiresAt };
    const { id } = await transaction.registration.create({ data, select: { id: true } });
    return links.issueWithin(transaction, { purpose, registrationId: id });
  }
}

function invitedEvent({ actor, origin }: Actor, handedOver: boolean): NewAuditEvent {
  const detail = { how: handedOver ? 'handed_over' : 'mail' };
  return { type: 'user_invited', outcome: 'success', actor, subject: null, origin, detail };
}

/** A browser without a secret is the same as none. */
function isSameBrowser(kept: Uint8Array | null, browser: string): boolean {
  const hash = browserHashOf(browser);
  return kept !== null && hash !== null && timingSafeEqual(Buffer.from(kept), hash);
}

function browserHashOf(browser: string): Uint8Array<ArrayBuffer> | null {
  return browser === '' ? null : hashToken(`browser ${browser}`);
}

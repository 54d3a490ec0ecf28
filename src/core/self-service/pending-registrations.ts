// Accounts that wait for a mailed link. Until it is confirmed there is no account, and the address is not taken.
import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../../generated/prisma/client.ts';
import type { Role, Users } from '../accounts/users.ts';
import { LINK_LIFE_MS, type LinkPurpose, type OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Begun, Visit } from '../login/start-session.ts';
import { ago, type Database, deleteSome, type Transaction } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';
import type { Language } from '../platform/languages.ts';
import { roleOf, storedRole } from '../sessions/role.ts';
import { DEAD_LINK, type DeadLink, type LinkTried, type OpenLink } from './open-link.ts';
import type { Registration } from './registration.ts';

type Purpose = Extract<LinkPurpose, 'confirm_registration' | 'invitation'>;

/** The mail may wait this long before its link begins to count. */
const MAIL_WAITS_MS = 86_400_000;

export interface Pending {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
  /** Null for the invited, who choose a password. */
  readonly passwordHash: string | null;
  readonly browserHash: Uint8Array | null;
}

/** The link that makes an account, and what the account and its first session need. */
export interface Confirmed {
  readonly purpose: Purpose;
  readonly secret: string;
  readonly passwordHash: string;
  readonly visit: Visit;
  /** That the person reads. */
  readonly language: Language;
}

export type ConfirmResult =
  | ({ readonly ok: true } & Begun)
  | { readonly ok: false; readonly reason: 'email_taken'; readonly email: string }
  | DeadLink;

interface NewPending {
  readonly id?: string;
  readonly email: string;
  readonly passwordHash?: string;
  readonly browserHash?: Uint8Array<ArrayBuffer> | null;
  readonly invitedBy?: string | null;
  /** Of the invited. */
  readonly role?: Exclude<Role, 'operator'>;
}

export interface PendingRegistrationsOptions {
  readonly database: Database;
  readonly users: Users;
  readonly links: OneTimeLinks;
  readonly openLink: OpenLink;
  readonly registration: Registration;
}

export type PendingRegistrations = ReturnType<typeof createPendingRegistrations>;

export function createPendingRegistrations({
  database: { prisma },
  users,
  links,
  openLink,
  registration,
}: PendingRegistrationsOptions) {
  /**
   * Locks all that waits for an account with this address, until the transaction's end. It comes before any other lock of the
   * transaction, above all those of the links: in another order, two about one address would wait for each other.
   */
  async function lockWithin(transaction: Transaction, email: string): Promise<void> {
    await transaction.$queryRaw`SELECT id FROM registration WHERE email_key = ${emailKey(email)} ORDER BY id FOR UPDATE`;
  }

  return {
    lockWithin,

    /** Returns the id of the link that confirms it. The account will have this id too. */
    async noteWithin(transaction: Transaction, purpose: Purpose, pending: NewPending): Promise<string> {
      const { id = uuidv7(), email, passwordHash = null, browserHash = null, invitedBy = null } = pending;
      const { auditor } = storedRole(pending.role ?? 'member');
      await transaction.$executeRaw`
        INSERT INTO registration (id, email, email_key, password_hash, browser_hash, invited_by, auditor, expires_at)
        VALUES (${id}::uuid, ${email}, ${emailKey(email)}, ${passwordHash}, ${browserHash}::bytea, ${invitedBy}::uuid, ${auditor},
                clock_timestamp() + ${LINK_LIFE_MS[purpose] + MAIL_WAITS_MS} * interval '1 millisecond')`;
      return links.issueWithin(transaction, { purpose, registrationId: id });
    },

    /** An invitation is what has no password. A link of the other kind leads to it no more than one that is used up. */
    open(tried: LinkTried & { readonly purpose: Purpose }) {
      return openLink.open(tried, async ({ registrationId }): Promise<Pending | null> => {
        const found = registrationId ? await prisma.registration.findUnique({ where: { id: registrationId } }) : null;
        const fits = (found?.passwordHash === null) === (tried.purpose === 'invitation');
        return found && fits ? { ...found, role: roleOf(found) } : null;
      });
    },

    /** Uses the link up, makes the account and logs in; other registrations of the address end. */
    async confirm(
      { id, email, role }: Pending,
      { purpose, secret, passwordHash, visit, language }: Confirmed,
    ): Promise<ConfirmResult> {
      const begun = await registration.make({ id, email, passwordHash, role, language }, visit, async (transaction) => {
        await lockWithin(transaction, email);
        if (!(await links.useWithin(transaction, purpose, secret))) return false;
        await transaction.registration.deleteMany({ where: { emailKey: emailKey(email) } });
        return true;
      });
      if (begun) return { ok: true, ...begun };
      const taken = (await users.findByEmail(email)) !== null;
      return taken ? { ok: false, reason: 'email_taken', email } : DEAD_LINK;
    },
  };
}

/** Deletes those that nobody confirmed in time, at most `limit`; returns how many. */
export function deleteExpiredRegistrations(transaction: Transaction, limit: number): Promise<number> {
  const where = Prisma.sql`expires_at < ${ago(0)}`;
  return deleteSome(transaction, { from: 'registration', where, limit, key: 'id', skipsHeld: true });
}

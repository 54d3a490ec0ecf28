// Invitations: an operator invites an address, and the invited choose the password of their account by a link.
import { v7 as uuidv7 } from 'uuid';
import type { Users } from '../accounts/users.ts';
import type { Actor, NewAuditEvent, Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { BreachedPasswords } from '../credentials/breached-passwords.ts';
import type { OneTimeLinks } from '../credentials/one-time-links.ts';
import { type BadPassword, BREACHED, type PasswordPolicy } from '../credentials/password-policy.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { Visit } from '../login/start-session.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Database } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';
import type { Language } from '../platform/languages.ts';
import type { Throttled } from '../throttle/refusals.ts';
import type { DeadLink } from './open-link.ts';
import type { ConfirmResult, PendingRegistrations } from './pending-registrations.ts';

export interface AcceptedInvitation {
  readonly secret: string;
  /** That the invited choose. */
  readonly password: string;
  readonly visit: Visit;
  /** That the person reads. */
  readonly language: Language;
}

export type InviteResult =
  | { readonly ok: true; readonly secret: string | null }
  | { readonly ok: false; readonly reason: 'email_taken' };

export type AcceptResult = ConfirmResult | (BadPassword & { readonly email: string }) | Throttled;

export interface InvitationsOptions {
  readonly database: Database;
  readonly users: Users;
  readonly passwords: Passwords;
  readonly passwordPolicy: PasswordPolicy;
  readonly breachedPasswords: BreachedPasswords;
  readonly links: OneTimeLinks;
  readonly mail: Mail;
  readonly pendingRegistrations: PendingRegistrations;
}

interface Invited {
  readonly reveal: boolean;
  readonly role?: 'member' | 'auditor';
}

const PURPOSE = 'invitation';

export function createInvitations({
  database: { transact },
  users,
  passwords,
  passwordPolicy,
  breachedPasswords,
  links,
  mail,
  pendingRegistrations,
}: InvitationsOptions) {
  return {
    /**
     * Mails a link; an earlier invitation no longer counts. With `reveal`, or where no mail is possible, its secret is
     * returned instead, for the operator to hand over. The account becomes a member's, or an auditor's.
     */
    async invite(email: string, told: Told, by: Actor, { reveal, role = 'member' }: Invited): Promise<InviteResult> {
      if (await users.findByEmail(email)) return { ok: false, reason: 'email_taken' };
      const handOver = reveal || !mail.possible;
      const secret = await transact(async (transaction) => {
        await pendingRegistrations.lockWithin(transaction, email);
        await transaction.registration.deleteMany({ where: { emailKey: emailKey(email), passwordHash: null } });
        const id = uuidv7();
        const tokenId = await pendingRegistrations.noteWithin(transaction, PURPOSE, {
          id,
          email,
          invitedBy: by.actor,
          role,
        });
        await recordEvent(transaction, invitedEvent(by, id, handOver, role));
        if (handOver) return links.revealWithin(transaction, tokenId);
        const letter = { to: email, userId: null, language: told.language, parameters: {}, tokenId };
        await mail.sendWithin(transaction, { ...letter, template: 'invitation' });
        return null;
      });
      return { ok: true, secret };
    },

    async look(secret: string, origin: Origin): Promise<{ ok: true; email: string } | DeadLink | Throttled> {
      const opened = await pendingRegistrations.open({ purpose: PURPOSE, secret, origin });
      return opened.ok ? { ok: true, email: opened.target.email } : opened;
    },

    /** Makes the account and logs in. */
    async accept({ secret, password, visit, language }: AcceptedInvitation): Promise<AcceptResult> {
      const { origin } = visit;
      const opened = await pendingRegistrations.open({ purpose: PURPOSE, secret, origin });
      if (!opened.ok) return opened;
      const { email } = opened.target;
      const problem = await passwordPolicy.problem(password, email);
      if (problem) return { ok: false, reason: 'bad_password', problem, email };
      if (await breachedPasswords.has(password, { userId: null, origin })) return { ...BREACHED, email };
      const passwordHash = await passwords.hash(password, { account: email, ip: origin.ip });
      return pendingRegistrations.confirm(opened.target, { purpose: PURPOSE, secret, passwordHash, visit, language });
    },
  };
}

/** Its subject is the account that it may become: so the log can say for whom it was, and forget it with them. */
function invitedEvent({ actor, origin }: Actor, accountId: string, handedOver: boolean, role: string): NewAuditEvent {
  const detail = { how: handedOver ? 'handed_over' : 'mail', ...(role === 'member' ? {} : { role }) };
  return { type: 'user_invited', outcome: 'success', actor, subject: accountId, origin, detail };
}

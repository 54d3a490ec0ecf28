// What people do for themselves, each act built from what is below.
import type { Users } from '../accounts/users.ts';
import type { BreachedPasswords } from '../credentials/breached-passwords.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import type { AccountPasswords } from '../credentials/imported/account-passwords.ts';
import type { OneTimeLinks } from '../credentials/one-time-links.ts';
import type { PasswordPolicy } from '../credentials/password-policy.ts';
import type { Passwords } from '../credentials/passwords.ts';
import type { StartFirstSession } from '../login/first-session.ts';
import type { StartSession } from '../login/start-session.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { TellOwner } from '../mail/owner-mail.ts';
import type { Database } from '../platform/database.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { KnownDevices } from '../throttle/known-devices.ts';
import type { Refusals } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';
import { createDisownLogin } from './disown-login.ts';
import { createEmailChanges } from './email-change.ts';
import { createEmailChangeRequest } from './email-change-request.ts';
import { createEmailMove } from './email-move.ts';
import { createEmailUndo } from './email-undo.ts';
import { createInvitations } from './invitations.ts';
import { createNotMe } from './not-me.ts';
import { createOpenLink } from './open-link.ts';
import { createOwnerProofs } from './owner-proof.ts';
import { createPasswordChanges } from './password-change.ts';
import { createPasswordResets } from './password-reset.ts';
import { createPendingEmailChanges } from './pending-email-change.ts';
import { createPendingInvitations } from './pending-invitations.ts';
import { createPendingRegistrations } from './pending-registrations.ts';
import { createRegistration } from './registration.ts';
import { createResetLinks } from './reset-links.ts';
import { createVerifiedRegistration } from './verified-registration.ts';

export interface SelfServiceOptions {
  readonly database: Database;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly accountPasswords: AccountPasswords;
  readonly passwordPolicy: PasswordPolicy;
  readonly breachedPasswords: BreachedPasswords;
  readonly links: OneTimeLinks;
  readonly identifierHash: IdentifierHash;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly devices: KnownDevices;
  readonly startSession: StartSession;
  readonly startFirstSession: StartFirstSession;
  readonly mail: Mail;
  readonly tellOwnerWithin: TellOwner;
}

export function createSelfService({
  database,
  users,
  sessions,
  passwords,
  accountPasswords,
  passwordPolicy,
  breachedPasswords,
  links,
  identifierHash,
  throttle,
  refusals,
  devices,
  startSession,
  startFirstSession,
  mail,
  tellOwnerWithin,
}: SelfServiceOptions) {
  const openLink = createOpenLink({ users, throttle, refusals, links });
  const attempting = { database, users, passwords, accountPasswords, throttle, refusals };
  const ownerProofs = createOwnerProofs({ ...attempting, devices, identifierHash });
  const byLink = { ...attempting, sessions, devices, identifierHash, links, openLink, ownerProofs, mail };
  const emailMove = createEmailMove(byLink);
  const registration = createRegistration({ ...attempting, breachedPasswords, startSession, startFirstSession });
  const pendingRegistrations = createPendingRegistrations({ database, users, links, openLink, registration });
  const registering = { database, passwords, breachedPasswords, mail, pendingRegistrations };
  const resetLinks = createResetLinks(byLink);
  return {
    registration,
    verifiedRegistration: createVerifiedRegistration({ ...registering, throttle, refusals, identifierHash }),
    invitations: createInvitations({ ...registering, passwordPolicy, users, links }),
    pendingInvitations: createPendingInvitations({ database, users, links, mail }),
    passwordChanges: createPasswordChanges({ ...attempting, sessions, breachedPasswords, tellOwnerWithin }),
    resetLinks,
    passwordResets: createPasswordResets({ ...byLink, passwordPolicy, breachedPasswords, resetLinks, tellOwnerWithin }),
    pendingEmailChanges: createPendingEmailChanges(byLink),
    requestEmailChange: createEmailChangeRequest(byLink),
    emailChanges: createEmailChanges({ ...byLink, emailMove }),
    emailUndo: createEmailUndo({ ...byLink, emailMove, resetLinks }),
    notMe: createNotMe(byLink),
    disownLogin: createDisownLogin(byLink),
  };
}

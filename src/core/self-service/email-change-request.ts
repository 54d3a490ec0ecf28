// Asking for another address: the link goes to the new one, which counts once that mailbox has confirmed it.
import { lockUserWithin, type Users } from '../accounts/users.ts';
import type { Origin } from '../audit/events.ts';
import type { IdentifierHash } from '../credentials/identifier-hash.ts';
import { bindingOf, type OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Told } from '../mail/templates.ts';
import type { Database } from '../platform/database.ts';
import { emailKey } from '../platform/email-address.ts';
import { findOrigin } from '../sessions/session-rows.ts';
import type { Refusals, Throttled } from '../throttle/refusals.ts';
import type { Throttle } from '../throttle/throttle.ts';

export interface AskedEmailChange {
  readonly userId: string;
  readonly sessionId: string;
  readonly email: string;
  readonly origin: Origin;
  readonly told: Told;
}

export interface EmailChangeRequestOptions {
  readonly database: Database;
  readonly users: Users;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly identifierHash: IdentifierHash;
  readonly links: OneTimeLinks;
  readonly mail: Mail;
}

type Result = { readonly ok: true } | { readonly ok: false; readonly reason: 'same' } | Throttled;

export function createEmailChangeRequest({
  database: { transact, clock },
  users,
  throttle,
  refusals,
  identifierHash,
  links,
  mail,
}: EmailChangeRequestOptions) {
  /** Mails a link. For an address that has an account, answer and work are the same, and no mail goes out. */
  return async ({ userId, sessionId, email, origin, told }: AskedEmailChange): Promise<Result> => {
    const user = await users.find(userId);
    if (!user || user.emailKey === emailKey(email)) return { ok: false, reason: 'same' };
    const taking = throttle.takeMail({ address: identifierHash(email), ip: origin.ip });
    return refusals.attempt(taking, { subject: userId, origin }, async (tried) => {
      const free = (await users.findByEmail(email)) === null;
      await transact(async (transaction) => {
        if (!(await lockUserWithin(transaction, userId))) return; // deleted meanwhile
        await links.takeBackWithin(transaction, userId, ['change_email']);
        const since = (await findOrigin(transaction, sessionId))?.loggedInAt ?? clock.now();
        const link = { purpose: 'change_email', userId, email, sessionId, since, binding: bindingOf(user) } as const;
        const tokenId = await links.issueWithin(transaction, link);
        const letter = { to: email, userId, language: told.language, parameters: {}, tokenId };
        if (free) await mail.sendWithin(transaction, { ...letter, template: 'confirm-email' });
        else await mail.pretendWithin(transaction, 'confirm-email');
        const about = { actor: userId, subject: userId, origin };
        const event = { type: 'user_email_change_asked', outcome: 'success', ...about } as const;
        await tried.record(event, { within: transaction });
      });
      return { ok: true } as const;
    });
  };
}

// Mail that tells an account's owner what was done to it, with the link "this wasn't me" about the log-in behind it.
import { addressBinding } from '../credentials/login-links.ts';
import type { OneTimeLinks } from '../credentials/one-time-links.ts';
import type { Transaction } from '../platform/database.ts';
import type { Mail, NewMail } from './outgoing-mail.ts';
import type { MailTemplate } from './templates.ts';

/** The log-in that the link disowns. */
export interface DisownableLogin {
  /** Its session, or one that goes back to it. */
  readonly sessionId: string;
  readonly since: Date;
  /** Of the password that it showed: with the mailbox, it lets its owner take back what was set up since. Null for none. */
  readonly passwordHash: string | null;
}

export interface OwnersMail<T extends MailTemplate> extends Pick<NewMail<T>, 'template' | 'parameters' | 'language'> {
  readonly owner: { readonly id: string; readonly email: string; readonly emailKey: string };
  /** Null where the mailbox alone did it: then the link takes back no second factor. */
  readonly login: DisownableLogin | null;
}

export type TellOwner = ReturnType<typeof createTellOwner>;

export function createTellOwner({ mail, links }: { readonly mail: Mail; readonly links: OneTimeLinks }) {
  /** In the transaction of what it tells of; nothing where no mail is possible. */
  return async function tellOwnerWithin<T extends MailTemplate>(
    transaction: Transaction,
    { owner, login, template, parameters, language }: OwnersMail<T>,
  ): Promise<void> {
    if (!mail.possible) return;
    const { id: userId, email: to, emailKey } = owner;
    const request = { purpose: 'not_me', userId, binding: addressBinding(emailKey) } as const;
    const tokenId = await links.issueWithin(transaction, { ...request, ...login });
    await mail.sendWithin(transaction, { to, userId, template, parameters, language, tokenId });
  };
}

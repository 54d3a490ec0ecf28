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
  /** The log-in that waits for its second factor, where the mail is about that. */
  readonly waitingId?: string;
  /** Goes out only after so long. */
  readonly dueMs?: number;
}

export type TellOwner = ReturnType<typeof createTellOwner>;

export function createTellOwner({ mail, links }: { readonly mail: Mail; readonly links: OneTimeLinks }) {
  /** In the transaction of what it tells of; nothing where no mail is possible. */
  return async function tellOwnerWithin<T extends MailTemplate>(
    transaction: Transaction,
    { owner, login, waitingId, template, parameters, language, dueMs }: OwnersMail<T>,
  ): Promise<void> {
    if (!mail.possible) return;
    const { id: userId, email: to, emailKey } = owner;
    const request = { purpose: 'not_me', userId, binding: addressBinding(emailKey) } as const;
    const about = waitingId === undefined ? login : { sessionId: waitingId };
    const tokenId = await links.issueWithin(transaction, { ...request, ...about });
    const due = dueMs === undefined ? {} : { dueMs };
    await mail.sendWithin(transaction, { to, userId, template, parameters, language, tokenId, ...due });
  };
}

export type WasToldLately = typeof wasToldLately;

/** Whether a mail of these waits for an account, or was sent within a day. One whose link was taken back does not count. */
export async function wasToldLately(
  transaction: Transaction,
  userId: string,
  templates: readonly MailTemplate[],
): Promise<boolean> {
  const [row] = await transaction.$queryRaw<{ told: boolean }[]>`
    SELECT EXISTS (
      SELECT FROM mail WHERE user_id = ${userId}::uuid AND template = ANY (${[...templates]})
         AND (ended_at > statement_timestamp() - interval '1 day' AND outcome = 'sent'
              OR ended_at IS NULL AND EXISTS (SELECT FROM token WHERE id = mail.token_id AND used_at IS NULL))) AS told`;
  return row?.told ?? false;
}

// Mail is written in the transaction of what it tells of and sent by the worker: whoever acts never waits for a mail server,
// and no mail tells of what did not happen. A row holds no secret: a link in it gets one when the worker renders it.
import type { Prisma } from '../../generated/prisma/client.ts';
import { type Database, nudgeAfterCommit, type Transaction } from '../platform/database.ts';
import { readEmail } from '../platform/email-address.ts';
import type { Language } from '../platform/languages.ts';
import type { MailTemplate, MailTemplates } from './templates.ts';

export interface NewMail<T extends MailTemplate> {
  readonly to: string;
  /** The account that it is about; it goes when the account goes. Null for mail that must outlive it. */
  readonly userId: string | null;
  readonly template: T;
  /** What its words need: kept with the mail for a while, so never a secret. */
  readonly parameters: MailTemplates[T];
  /** As whoever acts reads; an account that has a language of its own gets its mails in that. */
  readonly language: Language;
  /** The link in it, by the id under which it was issued (tokens.ts). */
  readonly tokenId?: string;
}

/** A mail as operators see it. */
export interface ListedMail {
  readonly id: string;
  readonly recipient: string;
  readonly userId: string | null;
  readonly template: string;
  readonly createdAt: Date;
  readonly dueAt: Date;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly endedAt: Date | null;
  readonly outcome: string | null;
}

export type Mail = ReturnType<typeof createMail>;

export function createMail({ database: { prisma }, policy }: { database: Database; policy: MailPolicy }) {
  async function write<T extends MailTemplate>(transaction: Transaction, mail: NewMail<T>, ended: boolean) {
    await transaction.mail.create({
      data: {
        recipient: mail.to,
        userId: mail.userId,
        template: mail.template,
        parameters: mail.parameters as Prisma.InputJsonObject,
        language: mail.language,
        tokenId: mail.tokenId ?? null,
        ...(ended ? { endedAt: new Date(), outcome: 'dropped' } : {}),
      },
      select: { id: true },
    });
  }

  return {
    /** Whether mail leads anywhere. Where it does not, `sendWithin` writes nothing. */
    possible: policy.possible,

    /** Writes a mail in the caller's transaction; the worker sends it after the commit. */
    async sendWithin<T extends MailTemplate>(transaction: Transaction, mail: NewMail<T>): Promise<void> {
      if (readEmail(mail.to) !== mail.to) throw new Error('a mail needs one address');
      if (!policy.possible) return;
      await write(transaction, mail, false);
      nudgeAfterCommit(transaction, 'send-mails');
    },

    /**
     * Does the work of writing a mail, and sends none: for the answer to an address that nobody has, which must take as
     * long as any other.
     */
    async pretendWithin<T extends MailTemplate>(transaction: Transaction, template: T): Promise<void> {
      const nothing = { to: '', userId: null, template, parameters: {} as MailTemplates[T], language: 'en' } as const;
      if (policy.possible) await write(transaction, nothing, true);
    },

    /** What waits or failed, and with `all` what was sent too, the newest first. */
    list({ all, limit }: { all: boolean; limit: number }): Promise<ListedMail[]> {
      const outcomes = all ? ['sent', 'failed'] : ['failed'];
      return prisma.mail.findMany({
        where: { OR: [{ endedAt: null }, { outcome: { in: outcomes } }] },
        orderBy: { createdAt: 'desc' },
        take: limit,
        omit: { parameters: true, language: true, tokenId: true },
      });
    },
  };
}

export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

export interface MailPolicy {
  readonly smtpUrl: string | null;
  readonly from: Mailbox;
  /** Whether mail leads anywhere: to a server, or, outside of production, to the page that shows it. */
  readonly possible: boolean;
  /** Without a server and outside of production: mail is shown at /dev/mail. */
  readonly shown: boolean;
  readonly retentionMs: number;
}

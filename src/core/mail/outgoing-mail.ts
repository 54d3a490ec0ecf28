// Mail is written in the transaction of what it tells of, and sent by the worker: nobody waits for
// a mail server. A row holds no secret: its link gets one when the worker renders it.
import { v7 as uuidv7 } from 'uuid';
import { type Database, nudgeAfterCommit, type Transaction } from '../platform/database.ts';
import type { Language } from '../platform/languages.ts';
import type { MailTemplate, MailTemplates } from './templates.ts';

/** No list, name or header beside it. Looser than what may register today: an account keeps the address that it has. */
const ONE_ADDRESS = /^[^\s\p{Cc},;<>"]+@[^\s\p{Cc},;<>"]+$/u;

export interface NewMail<T extends MailTemplate> {
  readonly to: string;
  /** The account that it is about, with which it is deleted. Null for mail that must outlive it. */
  readonly userId: string | null;
  readonly template: T;
  /** Kept with the mail: never a secret. */
  readonly parameters: MailTemplates[T];
  /** The reader's; an account that has chosen a language gets that. */
  readonly language: Language;
  /** The id of its one-time link. */
  readonly tokenId?: string;
  /** Goes out only after so long; at once without it. */
  readonly dueMs?: number;
}

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

/** A mail is one statement. */
type Writing = Pick<Transaction, '$executeRaw'>;

export type Mail = ReturnType<typeof createMail>;

export function createMail({ database: { prisma }, policy }: { database: Database; policy: MailPolicy }) {
  async function write<T extends MailTemplate>(
    transaction: Writing,
    { to, userId, template, parameters, language, tokenId, dueMs = 0 }: NewMail<T>,
    outcome: 'dropped' | null,
  ): Promise<void> {
    await transaction.$executeRaw`
      INSERT INTO mail (id, recipient, user_id, template, parameters, language, token_id, due_at, ended_at, outcome)
      VALUES (${uuidv7()}::uuid, ${to}, ${userId}::uuid, ${template}, ${JSON.stringify(parameters)}::jsonb, ${language},
              ${tokenId ?? null}::uuid, clock_timestamp() + ${dueMs} * interval '1 millisecond',
              CASE WHEN ${outcome}::text IS NOT NULL THEN clock_timestamp() END, ${outcome})`;
  }

  return {
    /** Whether mail can be sent. If not, `sendWithin` writes nothing. */
    possible: policy.possible,

    async sendWithin<T extends MailTemplate>(transaction: Writing, mail: NewMail<T>): Promise<void> {
      if (!ONE_ADDRESS.test(mail.to)) throw new Error('a mail needs one address');
      if (!policy.possible) return;
      await write(transaction, mail, null);
      nudgeAfterCommit(transaction, 'send-mails');
    },

    /** Does the work and sends no mail: an unknown address must take as long as any other. */
    async pretendWithin<T extends MailTemplate>(transaction: Transaction, template: T): Promise<void> {
      const nothing = { to: '', userId: null, template, parameters: {} as MailTemplates[T], language: 'en' } as const;
      if (policy.possible) await write(transaction, nothing, 'dropped');
    },

    /** What waits or failed, with `all` also what was sent, newest first. */
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
  /** Whether mail can be sent: to a server, or, outside production, to the page that shows it. */
  readonly possible: boolean;
  /** Mail is shown at /dev/mail: without a server, outside production. */
  readonly shown: boolean;
  readonly retentionMs: number;
}

/** What somebody holds is left to the next time: this has no order in which it could wait. */
export async function deleteMailOfDeleted(database: Transaction): Promise<void> {
  await database.$executeRaw`
    DELETE FROM mail WHERE id = ANY (ARRAY(
      SELECT m.id FROM mail AS m JOIN user_account AS u ON u.id = m.user_id AND u.deleted_at IS NOT NULL
         FOR UPDATE OF m SKIP LOCKED))`;
}

/** For a person's export: what was written to them. An alert's words are of others, and stay out. */
export async function readMailsOf(database: Transaction, userId: string, after: string | null, take: number) {
  const rows = await database.mail.findMany({
    where: { userId, ...(after === null ? {} : { id: { gt: after } }) },
    orderBy: { id: 'asc' },
    take,
    select: {
      ...{ id: true, recipient: true, template: true, parameters: true, language: true },
      ...{ createdAt: true, endedAt: true, outcome: true },
    },
  });
  return rows.map(({ parameters, ...mail }) => (mail.template === 'alert' ? mail : { ...mail, parameters }));
}

// The worker's part of mail: takes what is due, gives its link a secret, renders it, hands it to the server, and writes down
// what became of it. Only one worker has a mail at a time: taking it moves it out of reach for a minute and a half, longer
// than any delivery may take. A worker that dies between the server's word and the commit leaves a mail that is sent a
// second time, with the same Message-ID and a link that replaces the first (docs/decisions/0020).
import { setTimeout as delay } from 'node:timers/promises';
import { Prisma } from '../../generated/prisma/client.ts';
import { NO_ORIGIN } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { OneTimeLinks } from '../credentials/one-time-links.ts';
import { type Database, deleteSome, type Transaction } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { Queues } from '../platform/queues.ts';
import type { MailPolicy } from './outgoing-mail.ts';
import { isKnownTemplate, type RenderMail } from './rendering.ts';
import { LINK_PATHS, type MailTemplate, type MailTemplates } from './templates.ts';
import { DELIVERY_TIMEOUT_MS, type Deliver, type Delivery } from './transport.ts';

const LANES = 4;
/** How long one job goes on; then it asks for the next, so that a worker that is told to stop can. */
const PASS_MS = 5_000;
const TAKEN_MS = 2 * DELIVERY_TIMEOUT_MS;
const GIVE_UP_MS = 86_400_000;
const OUTAGE_RETRY_MS = { first: 5_000, longest: 60_000 };
const DEFERRED_RETRY_MS = { first: 60_000, longest: 30 * 60_000 };
const SETTLE_PAUSE_MS = 500;

interface TakenMail {
  readonly id: string;
  readonly recipient: string;
  readonly userId: string | null;
  readonly template: string;
  readonly parameters: unknown;
  readonly language: string;
  readonly tokenId: string | null;
  readonly attempts: number;
  readonly ageMs: number;
}

/** Either the mail with its secret, or the word that it is not to be sent any more. */
type Prepared = { readonly mail: TakenMail; readonly link: string | null };

export interface MailDeliveryOptions {
  readonly database: Database;
  readonly links: OneTimeLinks;
  readonly queues: Queues;
  readonly policy: MailPolicy;
  readonly render: RenderMail;
  readonly deliver: Deliver | null;
  readonly publicOrigin: string;
  readonly log: Log;
}

export type MailDelivery = ReturnType<typeof createMailDelivery>;

export function createMailDelivery({
  database: { transact },
  links,
  queues,
  policy,
  render,
  deliver,
  publicOrigin,
  log,
}: MailDeliveryOptions) {
  /** Takes the mail that has waited longest, and gives its link a secret that counts from now on. */
  function take(): Promise<Prepared | null> {
    return transact(async (transaction) => {
      const [mail] = await transaction.$queryRaw<TakenMail[]>`
        UPDATE mail SET attempts = attempts + 1, due_at = clock_timestamp() + ${TAKEN_MS} * interval '1 millisecond'
         WHERE id = (SELECT id FROM mail WHERE ended_at IS NULL AND due_at <= clock_timestamp()
                      ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING id, recipient, user_id AS "userId", template, parameters, token_id AS "tokenId", attempts,
                  coalesce((SELECT a.language FROM user_account AS a WHERE a.id = mail.user_id), language) AS language,
                  (extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8 AS "ageMs"`;
      if (!mail) return null;
      const path = LINK_PATHS[mail.template as MailTemplate];
      if (path === undefined) return { mail, link: '' };
      const secret = mail.tokenId === null ? null : await links.revealWithin(transaction, mail.tokenId);
      return { mail, link: secret === null ? null : `${publicOrigin}${path}?token=${secret}` };
    });
  }

  async function attempt({ mail, link }: Prepared, send: Deliver): Promise<Delivery['state']> {
    const { id, recipient: to, template, language } = mail;
    if (link === null)
      return settle(mail, (transaction) => end(transaction, mail, 'dropped', 'its link was used or taken back'));
    if (!isKnownTemplate(template)) {
      const error = `no words for ${template}; a newer version may have them`;
      return settle(mail, (transaction) => again(transaction, mail, error, DEFERRED_RETRY_MS), 'deferred');
    }
    const parameters = mail.parameters as MailTemplates[typeof template];
    const delivery = await send({ id, to, ...render({ template, parameters, language, link }) });
    if (delivery.state === 'sent') return settle(mail, (transaction) => end(transaction, mail, 'sent', null));
    const { state, error, code } = delivery;
    log.warn({ mailId: id, template, attempt: mail.attempts, code, state }, 'a mail was not taken');
    if (state !== 'refused' && mail.ageMs < GIVE_UP_MS) {
      const retry = state === 'outage' ? OUTAGE_RETRY_MS : DEFERRED_RETRY_MS;
      return settle(mail, (transaction) => again(transaction, mail, error, retry), state);
    }
    return settle(
      mail,
      async (transaction) => {
        if (!(await end(transaction, mail, 'failed', error))) return;
        const detail = { template, code, attempts: mail.attempts };
        const about = { actor: null, subject: mail.userId, origin: NO_ORIGIN, detail };
        await recordEvent(transaction, { type: 'mail_failed', outcome: 'failure', ...about });
      },
      state,
    );
  }

  /** Writes down what became of a mail, trying for as long as nobody else may take it: else it would be sent again. */
  async function settle<S extends Delivery['state']>(
    mail: TakenMail,
    write: (transaction: Transaction) => Promise<unknown>,
    state: S | 'sent' = 'sent',
  ): Promise<S | 'sent'> {
    const deadline = performance.now() + DELIVERY_TIMEOUT_MS - SETTLE_PAUSE_MS;
    for (;;) {
      try {
        await transact(write);
        return state;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        log.debug({ err: error, mailId: mail.id }, 'what became of a mail could not be written down yet');
        await delay(SETTLE_PAUSE_MS);
      }
    }
  }

  /** False where somebody else has taken the mail meanwhile. */
  async function end(
    transaction: Transaction,
    { id, attempts }: TakenMail,
    outcome: 'sent' | 'failed' | 'dropped',
    error: string | null,
  ): Promise<boolean> {
    const ended = await transaction.$executeRaw`
      UPDATE mail SET ended_at = clock_timestamp(), outcome = ${outcome}, last_error = ${error}
       WHERE id = ${id}::uuid AND attempts = ${attempts} AND ended_at IS NULL`;
    return ended > 0;
  }

  async function again(
    transaction: Transaction,
    { id, attempts }: TakenMail,
    error: string,
    { first, longest }: { first: number; longest: number },
  ): Promise<void> {
    const waitMs = Math.min(longest, first * 2 ** Math.min(20, attempts - 1)) * (0.75 + Math.random() / 2);
    await transaction.$executeRaw`
      UPDATE mail SET due_at = clock_timestamp() + ${waitMs} * interval '1 millisecond', last_error = ${error}
       WHERE id = ${id}::uuid AND attempts = ${attempts} AND ended_at IS NULL`;
  }

  return {
    /** Sends what is due, a few at once, for some seconds. A server that is away is asked for one mail, not for each. */
    async sendDue(): Promise<number> {
      if (deliver === null) return 0;
      const deadline = performance.now() + PASS_MS;
      let away = false;
      let handled = 0;
      let left = false;
      const lane = async () => {
        while (!away) {
          if (performance.now() > deadline) {
            left = true;
            return;
          }
          const prepared = await take();
          if (!prepared) return;
          handled += 1;
          if ((await attempt(prepared, deliver)) === 'outage') away = true;
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      if (left) queues.nudge('send-mails');
      return handled;
    },

    /** Deletes what was sent, failed or dropped longer ago than mail is kept, at most `limit`; returns how many. */
    deleteOld(transaction: Transaction, limit: number): Promise<number> {
      const oldest = Prisma.sql`statement_timestamp() - ${policy.retentionMs} * interval '1 millisecond'`;
      // The moment of writing is what there is an index of.
      const where = Prisma.sql`ended_at < ${oldest} AND created_at < ${oldest}`;
      return deleteSome(transaction, { from: 'mail', where, limit });
    },
  };
}

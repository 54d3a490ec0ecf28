// The worker's part of mail: takes what is due, gives its link a secret, renders it, sends it and
// writes down the outcome. A worker that dies between the server's answer and the commit leaves a
// mail that is sent again, with the same Message-ID and a new link in place of the first
// (docs/decisions/0020-a-mail-may-arrive-twice.md).
import { setTimeout as delay } from 'node:timers/promises';
import { Prisma } from '../../generated/prisma/client.ts';
import { NO_ORIGIN } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { OneTimeLinks } from '../credentials/one-time-links.ts';
import { type Database, deleteSome, type Transaction } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import type { Queues } from '../platform/queues.ts';
import { DEFERRED_RETRY_MS, endMail, OUTAGE_RETRY_MS, putOff, type TakenMail, takeDue } from './due-mail.ts';
import type { ReadLogInTraits } from './log-in-traits.ts';
import type { MailPolicy } from './outgoing-mail.ts';
import { isKnownTemplate, type RenderMail } from './rendering.ts';
import { LINK_IS_OPTIONAL, LINK_PATHS, type MailTemplate, type MailTemplates } from './templates.ts';
import { DELIVERY_TIMEOUT_MS, type Deliver, type Delivery } from './transport.ts';

const LANES = 4;
/** How long one job goes on before it asks for the next, so that a worker can stop. */
const PASS_MS = 5_000;
const GIVE_UP_MS = 86_400_000;
/** An alert waits for a mail server longer. */
const GIVE_UP_ALERT_MS = 7 * GIVE_UP_MS;
const SETTLE_PAUSE_MS = 500;
/** What was found longer ago says nothing of now: nothing was tried since. */
const OUTAGE_COUNTS_MS = 300_000;

/** `link` is empty for a mail that has none, and null where it no longer counts. */
type Prepared = { readonly mail: TakenMail; readonly link: string | null };

export interface MailDeliveryOptions {
  readonly database: Database;
  readonly links: OneTimeLinks;
  readonly queues: Queues;
  readonly policy: MailPolicy;
  readonly render: RenderMail;
  readonly readTraits: ReadLogInTraits;
  readonly deliver: Deliver | null;
  readonly publicOrigin: string;
  readonly log: Log;
  /** Milliseconds that only go on. */
  readonly now?: () => number;
}

export function createMailDelivery({
  database: { transact },
  links,
  queues,
  policy,
  render,
  readTraits,
  deliver,
  publicOrigin,
  log,
  now = () => performance.now(),
}: MailDeliveryOptions) {
  let outage: { readonly since: number; readonly newest: number } | null = null;

  function note({ state }: Delivery): void {
    outage = state === 'outage' ? { since: outage?.since ?? now(), newest: now() } : null;
  }

  /** In two transactions: whoever deletes a link holds it and asks for its mails, so nobody asks for a link and holds a mail. */
  async function take(): Promise<Prepared | null> {
    const mail = await transact(takeDue);
    if (!mail) return null;
    const path = LINK_PATHS[mail.template as MailTemplate];
    if (path === undefined) return { mail, link: '' };
    const { tokenId } = mail;
    const secret = tokenId && (await transact((transaction) => links.revealWithin(transaction, tokenId)));
    if (secret === null) return { mail, link: LINK_IS_OPTIONAL.has(mail.template) ? '' : null };
    return { mail, link: `${publicOrigin}${path}?token=${secret}` };
  }

  const settle = createSettling({ transact, log });

  async function attempt({ mail, link }: Prepared, send: Deliver): Promise<Delivery['state']> {
    const { id, recipient: to, template, language } = mail;
    if (link === null)
      return settle(mail, (transaction) => endMail(transaction, mail, 'dropped', 'its link was used or taken back'));
    if (!isKnownTemplate(template)) {
      const error = `no words for ${template}; a newer version may have them`;
      return settle(mail, (transaction) => putOff(transaction, mail, error, DEFERRED_RETRY_MS), 'deferred');
    }
    const given = mail.parameters as MailTemplates[typeof template];
    const parameters = { ...given, ...(await readTraits(mail)) } as typeof given;
    const delivery = await send({ id, to, ...render({ template, parameters, language, link }) });
    note(delivery);
    if (delivery.state === 'sent') return settle(mail, (transaction) => endMail(transaction, mail, 'sent', null));
    const { state, error, code } = delivery;
    log.warn({ mailId: id, template, attempt: mail.attempts, code, state }, 'a mail was not taken');
    const giveUpMs = template === 'alert' ? GIVE_UP_ALERT_MS : GIVE_UP_MS;
    if (state !== 'refused' && mail.ageMs < giveUpMs) {
      const retry = state === 'outage' ? OUTAGE_RETRY_MS : DEFERRED_RETRY_MS;
      return settle(mail, (transaction) => putOff(transaction, mail, error, retry), state);
    }
    return settle(
      mail,
      async (transaction) => {
        if (!(await endMail(transaction, mail, 'failed', error))) return;
        const detail = { template, code, attempts: mail.attempts };
        const about = { actor: null, subject: mail.userId, origin: NO_ORIGIN, detail };
        await recordEvent(transaction, { type: 'mail_failed', outcome: 'failure', ...about });
      },
      state,
    );
  }

  return {
    /** For how long the server has taken nothing; 0 while it does, or was not asked lately. */
    awayMs: () => (outage !== null && now() - outage.newest < OUTAGE_COUNTS_MS ? now() - outage.since : 0),

    /** Sends what is due, for some seconds or until the server is away; returns how many it tried. */
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
      // One that fails leaves none running behind it: a worker that stops would cut off what a server has taken already.
      const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane));
      const failed = lanes.find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
      if (left) queues.nudge('send-mails');
      return handled;
    },

    /** Deletes at most `limit` mails that ended longer ago than mail is kept; returns how many. */
    deleteOld(transaction: Transaction, limit: number): Promise<number> {
      const oldest = Prisma.sql`statement_timestamp() - ${policy.retentionMs} * interval '1 millisecond'`;
      // The index is on created_at.
      const where = Prisma.sql`ended_at < ${oldest} AND created_at < ${oldest}`;
      return deleteSome(transaction, { from: 'mail', where, limit, skipsHeld: true });
    },
  };
}

/** Writes an outcome down. Retries while nobody else may take the mail, which would be sent again. */
function createSettling({ transact, log }: { transact: Database['transact']; log: Log }) {
  return async <S extends Delivery['state']>(
    mail: TakenMail,
    write: (transaction: Transaction) => Promise<unknown>,
    state: S | 'sent' = 'sent',
  ): Promise<S | 'sent'> => {
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
  };
}

// Hands one message of an alert to the outgoing mail and to the webhook's outbox, in the transaction of what it tells of.
// Whoever dies afterwards loses none of it.
import { v7 as uuidv7 } from 'uuid';
import { NO_ORIGIN } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { alertText } from '../mail/alert-mail.ts';
import type { ToldAlert } from '../mail/alerts.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import { alertsInEnglish } from '../mail/texts/alerts-en.ts';
import { nudgeAfterCommit, type Transaction } from '../platform/database.ts';
import type { Language } from '../platform/languages.ts';
import type { RuleSettings } from './settings.ts';

/** More operators than this are not told one by one. */
const MOST_OPERATORS = 100;

export interface TellingOptions {
  readonly mail: Pick<Mail, 'possible' | 'sendWithin'>;
  /** Whether this worker posts to a webhook. */
  readonly posts: boolean;
  /** Of mail to an address that is nobody's account. */
  readonly language: Language;
  readonly serviceName: string;
  readonly publicOrigin: string;
}

/** How many mails were written, and whether a webhook gets it. */
export interface Told {
  readonly mails: number;
  readonly webhook: boolean;
}

export type TellWithin = ReturnType<typeof createTelling>;

export function createTelling({ mail, posts, language, serviceName, publicOrigin }: TellingOptions) {
  async function mailWithin(transaction: Transaction, told: ToldAlert, settings: RuleSettings): Promise<number> {
    if (!mail.possible) return 0;
    const operators = settings.operators ? await readOperators(transaction) : [];
    const taken = new Set(operators.map(({ to }) => to.toLowerCase()));
    const others = settings.addresses
      .filter((address) => !taken.has(address.toLowerCase()))
      .map((to) => ({ to, userId: null }));
    const readers = [...operators, ...others];
    for (const reader of readers)
      await mail.sendWithin(transaction, { ...reader, template: 'alert', parameters: told, language });
    return readers.length;
  }

  async function postWithin(transaction: Transaction, told: ToldAlert): Promise<void> {
    const { rule, phase, count, at, seq, facts } = told;
    const about = { serviceName, link: '', page: (path: string) => publicOrigin + path };
    const { subject, paragraphs, action } = alertText(told, about, alertsInEnglish);
    const data = { rule, phase, count, at, event: seq, facts, url: action?.href, service: publicOrigin };
    const body = {
      type: `holdfast.alert.${rule}`,
      timestamp: at,
      // Where many chats look for what to show.
      text: [subject, ...paragraphs, action?.href].join('\n'),
      data,
    };
    await transaction.$executeRaw`
      INSERT INTO alert_post (id, rule, body) VALUES (${uuidv7()}::uuid, ${rule}, ${JSON.stringify(body)})`;
    nudgeAfterCommit(transaction, 'post-alerts');
  }

  /** Recorded with how many it was told. */
  return async (transaction: Transaction, told: ToldAlert, settings: RuleSettings): Promise<Told> => {
    const mails = await mailWithin(transaction, told, settings);
    const webhook = posts && settings.webhook;
    if (webhook) await postWithin(transaction, told);
    const { rule, phase, count, seq } = told;
    const detail = { rule, phase, count, ...(seq === null ? {} : { event: seq }), mails, webhook };
    const about = { actor: null, subject: null, origin: NO_ORIGIN, detail };
    await recordEvent(transaction, { type: 'sys_alert_told', outcome: 'success', ...about });
    return { mails, webhook };
  };
}

async function readOperators(transaction: Transaction): Promise<{ to: string; userId: string }[]> {
  return transaction.$queryRaw`
    SELECT email AS "to", id AS "userId" FROM user_account
     WHERE role = 'operator' AND disabled_at IS NULL AND deleted_at IS NULL ORDER BY id LIMIT ${MOST_OPERATORS}`;
}

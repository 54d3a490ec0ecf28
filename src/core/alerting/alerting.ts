// Alerts: whoever runs Holdfast is told what should not wait until somebody looks. What is to be told is a row in PostgreSQL from
// the moment it is found; mail and webhook are tried until they take it, for a week.
import { NO_ORIGIN } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { AlertFacts, AlertRule, Weakness } from '../mail/alerts.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Database } from '../platform/database.ts';
import type { Language } from '../platform/languages.ts';
import type { Log } from '../platform/log.ts';
import { openWebhook, type WebhookTarget } from '../shipping/receivers/webhook.ts';
import { createPosting } from './posting.ts';
import { createRaising } from './raising.ts';
import { createTelling } from './telling.ts';
import { createTroubles } from './troubles.ts';

const ANSWER_WITHIN_MS = 10_000;

export interface AlertingOptions {
  readonly database: Database;
  readonly mail: Pick<Mail, 'possible' | 'sendWithin'>;
  readonly mailAwayMs: () => number;
  readonly weaknesses: readonly Weakness[];
  readonly webhook: WebhookTarget | null;
  readonly language: Language;
  readonly serviceName: string;
  readonly publicOrigin: string;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

export function createAlerting(options: AlertingOptions) {
  const { database, webhook, log } = options;
  const opening = { answerWithinMs: ANSWER_WITHIN_MS, contentType: 'application/json' };
  const receiver = webhook && openWebhook(webhook, opening);
  const onTold = (rule: AlertRule, facts: AlertFacts) => log.warn({ rule, ...facts }, 'an alert');
  const tellWithin = createTelling({ ...options, posts: webhook !== null });
  const raising = createRaising({ database, tellWithin, onTold });
  const troubles = createTroubles({ ...options, raising, tellWithin, onTold });
  const posting = createPosting({ database, receiver, log });
  let described = false;

  /** For the console: the host alone, because the path of a webhook is often a secret. */
  async function describe(): Promise<void> {
    const target = webhook && new URL(webhook.url).origin;
    await database.transact(async (transaction) => {
      const changed = await transaction.$executeRaw`
        UPDATE alert_state SET webhook = ${target} WHERE id = 1 AND webhook IS DISTINCT FROM ${target}::text`;
      const about = { actor: null, subject: null, origin: NO_ORIGIN, detail: { target } };
      if (changed > 0) await recordEvent(transaction, { type: 'sys_alert_webhook', outcome: 'success', ...about });
    });
    described = true;
  }

  return {
    /** Applies the rules to what was sealed since. */
    async follow(): Promise<void> {
      if (!described) await describe();
      await raising.keepUp();
    },

    lookForTrouble: troubles.look,
    postDue: posting.postDue,
    close: () => receiver?.close(),
  };
}

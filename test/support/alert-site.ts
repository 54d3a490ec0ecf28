// A whole Holdfast with a mail server and a webhook receiver, for tests of alerts: watched stores, one operator, and a worker that
// works when it is told to.
import { afterEach, beforeEach } from '@jest/globals';
import { DEFAULTS, type RuleSettings } from '../../src/core/alerting/settings.ts';
import { type NewAuditEvent, NO_ORIGIN } from '../../src/core/audit/events.ts';
import { recordEvent } from '../../src/core/audit/outbox.ts';
import type { Context } from '../../src/core/context.ts';
import type { AlertRule } from '../../src/core/mail/alerts.ts';
import { startLogReceiver } from './log-receiver.ts';
import { startMailServer } from './mail-server.ts';
import { world } from './world.ts';

export interface AlertPost {
  readonly type: string;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>> & { readonly rule: string; readonly phase: string };
}

/** As `world`, only at the top of a test file. Each test begins with nothing told and every rule as it is by default. */
export async function startAlertSite() {
  const [mailServer, receiver] = [await startMailServer(), await startLogReceiver()];
  const mail = { SMTP_URL: mailServer.url, MAIL_FROM: 'login@example.org', PUBLIC_URL: 'http://login.example.org' };
  const webhook = {
    ALERT_WEBHOOK_URL: receiver.url,
    ALERT_WEBHOOK_SECRET: receiver.secret,
    ALERT_WEBHOOK_CA: receiver.caFile,
  };
  const env = { ...mail, ...webhook };
  const site = await world({ webs: [{ ...mail, REGISTRATION: 'open' }], worker: env, watched: true });
  const { stores, web, worker, sql, newMember, newOperator, openWorker } = site;
  site.atEnd(() => Promise.all([mailServer.stop(), receiver.close()]));
  const operator = await newOperator();
  const by = { actor: operator.id, origin: NO_ORIGIN, reason: 'a test' };
  let [mailsBefore, postsBefore] = [0, 0];

  /** What a worker does by its schedule. */
  async function work(of: Context = worker): Promise<void> {
    await of.sealing.seal();
    await of.alerting.follow();
    await of.mailDelivery.sendDue();
    await of.alerting.postDue();
  }

  beforeEach(async () => {
    await work();
    await sql('TRUNCATE alert, alert_post, alert_trouble, alert_rule, mail CASCADE');
    mailsBefore = mailServer.received.length;
    postsBefore = receiver.taken.length;
  });
  afterEach(() => mailServer.answerWith(null));

  const posts = (): AlertPost[] =>
    receiver.taken.slice(postsBefore).flatMap(({ lines }) => lines.map((line) => JSON.parse(line) as AlertPost));
  return {
    stores,
    web,
    worker,
    sql,
    newMember,
    openWorker,
    env,
    mailServer,
    receiver,
    operator,
    by,
    work,
    posts,
    /** "new_operator first": what the webhook's receiver was told. */
    told: () => posts().map(({ data: { rule, phase } }) => `${rule} ${phase}`),
    mails: (to = operator.email) =>
      mailServer.received.slice(mailsBefore).filter(({ to: recipients }) => recipients.includes(to)),
    record: (event: Pick<NewAuditEvent, 'type'> & Partial<NewAuditEvent>) =>
      worker.database.transact((transaction) =>
        recordEvent(transaction, { outcome: 'failure', actor: null, subject: null, origin: NO_ORIGIN, ...event }),
      ),
    set: (rule: AlertRule, more: Partial<RuleSettings>) =>
      web.context.alertSettings.change(rule, { ...DEFAULTS, ...more }, by),
    /** As if an hour had passed. */
    closeWindows: () => sql(`UPDATE alert SET closes_at = clock_timestamp() - interval '1 second'`),
  };
}

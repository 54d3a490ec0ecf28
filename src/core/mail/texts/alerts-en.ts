// The words of every alert, in English.
import { isIP } from 'node:net';
import type { AlertLanguage } from '../alert-mail.ts';
import type { AlertFacts, AlertRule, Weakness } from '../alerts.ts';

const WEAK: Readonly<Record<Weakness, string>> = {
  no_second_factor: 'operators need no second factor (SECOND_FACTOR=nobody)',
  no_https: 'PUBLIC_URL is not https://',
  no_signing_key: 'the log is not signed (AUDIT_SIGNING_KEY)',
  no_mail: 'no mail can be sent (SMTP_URL)',
  mail_in_the_clear: 'mail may be sent in the clear (SMTP_URL)',
  needless_secrets: 'the worker was given secrets that it does not need',
  database_rights: 'the worker’s role of PostgreSQL may alter the log (WORKER_DATABASE_URL)',
};

export const alertsInEnglish: AlertLanguage = {
  rules: {
    new_operator: {
      title: 'A new operator',
      says: () => 'An account became an operator: it may see and do everything in the console.',
      todo: 'See in the event who it is, and who made it one. If you don’t know why, take the role back and secure the account.',
    },
    new_auditor: {
      title: 'A new auditor',
      says: () => 'An account became an auditor: it may see everything in the console, the whole log included.',
      todo: 'See in the event who it is, and who made it one. If you don’t know why, take the role back, and secure the account of whoever gave it.',
    },
    new_api_token: {
      title: 'A new API token',
      says: (facts) => `An API token was made: whoever has it may read the whole log for ${days(facts)}.`,
      todo: 'See in the event for whom, and who made it. If you don’t know why, revoke it at /operator/tokens, and secure the account of whoever made it.',
    },
    operator_factor_removed: {
      title: 'An operator’s second factor was removed',
      says: () => 'A second factor of an operator was removed.',
      todo: 'Ask that operator, not by mail. If it was not them, secure the account.',
    },
    spraying: {
      title: 'One client tries many accounts',
      says: (facts) => `${client(facts)} failed to log in to ${number(facts, 'accounts')} accounts within an hour.`,
      todo: 'Failures are throttled already. See whether it got in anywhere: the log has its log-ins by the address.',
    },
    stuffing: {
      title: 'Many clients try many accounts',
      says: (facts) =>
        `${number(facts, 'clients')} clients failed to log in to ${number(facts, 'accounts')} accounts within an hour: somebody tries passwords of elsewhere.`,
      todo: 'Look at unusual log-ins of this time, and secure the accounts that were got into.',
    },
    account_failures: {
      title: 'Many failures for one account',
      says: (facts) =>
        facts['what'] === 'code'
          ? `The codes of one account’s second factor were guessed at, ${number(facts, 'failures')} times: whoever does it has passed the first step.`
          : `The password of one account was guessed at, ${number(facts, 'failures')} times over all clients.`,
      todo: 'Further attempts are refused for a while. See in the event which account it is, and whether somebody got in.',
    },
    log_contradicted: {
      title: 'The audit log is not the one that was signed',
      says: (facts) =>
        facts['what'] === 'rewound'
          ? 'The log has lost events that were signed, as after a failover of PostgreSQL. No checkpoint is signed.'
          : 'The log was altered, or is another one than was signed. No checkpoint is signed.',
      todo: 'Change nothing, keep copies, and find out who could write to the database: docs/operations.md says how.',
    },
    database_rewound: {
      title: 'PostgreSQL went back in time',
      says: () => 'PostgreSQL has forgotten sessions, or ends of sessions, that Redis knows.',
      todo: 'If a failover or a backup explains it, accept the loss. If not, find out who set the database back.',
    },
    sealing_behind: {
      title: 'Events are not sealed',
      says: (facts) => `An event has waited for ${number(facts, 'seconds')} seconds to be sealed into the audit log.`,
      todo: 'See that a worker runs, what it logs, and whether PostgreSQL has room. Nothing is lost: events wait.',
    },
    mail_failing: {
      title: 'Mail can’t be sent',
      says: (facts) =>
        facts['minutes'] === undefined
          ? `${number(facts, 'failed')} mails were refused within an hour.`
          : `The mail server has taken no mail for ${number(facts, 'minutes')} minutes.`,
      todo: 'See what the server says at /operator/mail. What waits is sent once it takes mail again.',
    },
    weak_configuration: {
      title: 'The configuration is weak',
      says: (facts) => `Weak settings: ${weakIn(facts)}.`,
      todo: 'Change them where Holdfast is started, and start it again: docs/settings.md says how.',
    },
    alerts_changed: {
      title: 'Alerts were changed',
      says: (facts) => `An operator changed who gets the alert “${ruleIn(facts)}”, or whether it is told.`,
      todo: 'See in the event what was changed and why. Nobody can turn this alert off.',
    },
  },
  subject: (title, phase, { serviceName }) => {
    if (phase === 'test') return `${serviceName}: test of an alert: ${title}`;
    if (phase === 'over') return `${serviceName}: over: ${title}`;
    return phase === 'more' ? `${serviceName}: again: ${title}` : `${serviceName}: ${title}`;
  },
  when: (at, seq) => (seq === null ? `It was ${moment(at)}.` : `It was ${moment(at)}, event ${seq}.`),
  more: (count) => `It happened ${count === 1 ? 'once more' : `${count} more times`} since you were told. The newest:`,
  over: 'This is over.',
  test: 'An operator sends this to see that it arrives. Nothing has happened. If it had, this would follow:',
  event: 'See the event',
  alerts: 'See the alerts',
  who: 'You get this as an operator, or because one has entered your address at /operator/alerts.',
};

const number = (facts: AlertFacts, name: string) => (Number(facts[name]) || 0).toLocaleString('en');
const days = (facts: AlertFacts) => (facts['days'] === 1 ? 'a day' : `${number(facts, 'days')} days`);
const client = ({ ip }: AlertFacts) => (isIP(String(ip)) === 0 ? 'One client' : `The client ${ip}`);

/** What another version found is not said. */
function weakIn({ codes = '' }: AlertFacts): string {
  const words: Readonly<Record<string, string>> = WEAK;
  const known = String(codes).split(',');
  return known.flatMap((code) => (Object.hasOwn(words, code) ? [words[code]] : [])).join('; ');
}

function ruleIn({ rule = '' }: AlertFacts): string {
  const { rules } = alertsInEnglish;
  return Object.hasOwn(rules, rule) ? rules[rule as AlertRule].title : '…';
}

function moment(at: string): string {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', dateStyle: 'long', timeStyle: 'short' });
  return `on ${format.format(new Date(at))} UTC`;
}

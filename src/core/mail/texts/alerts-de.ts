// The words of every alert, in German.
import { isIP } from 'node:net';
import type { AlertLanguage } from '../alert-mail.ts';
import type { AlertFacts, AlertRule, Weakness } from '../alerts.ts';

const WEAK: Readonly<Record<Weakness, string>> = {
  no_second_factor: 'Betreiber brauchen keinen zweiten Faktor (SECOND_FACTOR=nobody)',
  no_https: 'PUBLIC_URL ist nicht https://',
  no_signing_key: 'das Protokoll wird nicht unterschrieben (AUDIT_SIGNING_KEY)',
  no_mail: 'es kann keine E-Mail verschickt werden (SMTP_URL)',
  mail_in_the_clear: 'E-Mail geht vielleicht unverschlüsselt hinaus (SMTP_URL)',
  needless_secrets: 'der Worker hat Geheimnisse bekommen, die er nicht braucht',
  database_rights: 'die PostgreSQL-Rolle des Workers darf das Protokoll ändern (WORKER_DATABASE_URL)',
};

export const alertsInGerman: AlertLanguage = {
  rules: {
    new_operator: {
      title: 'Ein neuer Betreiber',
      says: () => 'Ein Konto wurde Betreiber: Es darf in der Konsole alles sehen und tun.',
      todo: 'Sehen Sie im Ereignis nach, wer es ist und wer das getan hat. Wissen Sie nicht, warum, nehmen Sie die Rolle zurück und sichern Sie das Konto.',
    },
    new_auditor: {
      title: 'Ein neuer Prüfer',
      says: () => 'Ein Konto wurde Prüfer: Es darf in der Konsole alles sehen, auch das ganze Protokoll.',
      todo: 'Sehen Sie im Ereignis nach, wer es ist und wer das getan hat. Wissen Sie nicht, warum, nehmen Sie die Rolle zurück und sichern Sie das Konto dessen, der sie gab.',
    },
    new_api_token: {
      title: 'Ein neues API-Token',
      says: (facts) => `Ein API-Token wurde gemacht: Wer es hat, darf ${days(facts)} lang das ganze Protokoll lesen.`,
      todo: 'Sehen Sie im Ereignis nach, für wen es ist und wer es gemacht hat. Wissen Sie nicht, warum, widerrufen Sie es unter /operator/tokens und sichern Sie das Konto dessen, der es gemacht hat.',
    },
    operator_factor_removed: {
      title: 'Der zweite Faktor eines Betreibers wurde entfernt',
      says: () => 'Ein zweiter Faktor eines Betreibers wurde entfernt.',
      todo: 'Fragen Sie nach, aber nicht per E-Mail. War es nicht der Betreiber selbst, sichern Sie das Konto.',
    },
    spraying: {
      title: 'Ein Client versucht viele Konten',
      says: (facts) =>
        `${client(facts)} ist binnen einer Stunde an ${number(facts, 'accounts')} Konten bei der Anmeldung gescheitert.`,
      todo: 'Fehlversuche werden schon gebremst. Sehen Sie nach, ob eine Anmeldung gelang: Das Protokoll hat sie unter der Adresse.',
    },
    stuffing: {
      title: 'Viele Clients versuchen viele Konten',
      says: (facts) =>
        `${number(facts, 'clients')} Clients sind binnen einer Stunde an ${number(facts, 'accounts')} Konten gescheitert: Jemand probiert Passwörter, die anderswo abhandenkamen.`,
      todo: 'Sehen Sie sich ungewöhnliche Anmeldungen aus dieser Zeit an und sichern Sie die Konten, in die jemand hineinkam.',
    },
    account_failures: {
      title: 'Viele Fehlversuche an einem Konto',
      says: (facts) =>
        facts['what'] === 'code'
          ? `Jemand rät die Codes des zweiten Faktors eines Kontos, bisher ${number(facts, 'failures')} Mal, und hat den ersten Schritt hinter sich.`
          : `Jemand rät das Passwort eines Kontos, über alle Clients bisher ${number(facts, 'failures')} Mal.`,
      todo: 'Weitere Versuche werden eine Zeit lang abgelehnt. Sehen Sie im Ereignis nach, welches Konto es ist und ob jemand hineinkam.',
    },
    log_contradicted: {
      title: 'Das Protokoll ist nicht das, das unterschrieben wurde',
      says: (facts) =>
        facts['what'] === 'rewound'
          ? 'Das Protokoll hat unterschriebene Ereignisse verloren, wie nach einem Failover von PostgreSQL. Es wird kein Prüfpunkt unterschrieben.'
          : 'Das Protokoll wurde geändert oder ist ein anderes als das unterschriebene. Es wird kein Prüfpunkt unterschrieben.',
      todo: 'Ändern Sie nichts, heben Sie Kopien auf und finden Sie heraus, wer in die Datenbank schreiben konnte: docs/operations.md sagt, wie.',
    },
    database_rewound: {
      title: 'PostgreSQL ging in der Zeit zurück',
      says: () => 'PostgreSQL hat Sitzungen oder das Ende von Sitzungen vergessen, die Redis kennt.',
      todo: 'Erklärt es ein Failover oder eine Sicherung, nehmen Sie den Verlust an. Wenn nicht, finden Sie heraus, wer die Datenbank zurückgesetzt hat.',
    },
    sealing_behind: {
      title: 'Ereignisse werden nicht versiegelt',
      says: (facts) =>
        `Ein Ereignis wartet seit ${number(facts, 'seconds')} Sekunden darauf, ins Protokoll versiegelt zu werden.`,
      todo: 'Sehen Sie nach, ob ein Worker läuft, was er meldet und ob PostgreSQL Platz hat. Verloren geht nichts: Ereignisse warten.',
    },
    mail_failing: {
      title: 'E-Mail kann nicht verschickt werden',
      says: (facts) =>
        facts['minutes'] === undefined
          ? `${number(facts, 'failed')} E-Mails wurden binnen einer Stunde abgelehnt.`
          : `Der Mailserver hat seit ${number(facts, 'minutes')} Minuten keine E-Mail angenommen.`,
      todo: 'Unter /operator/mail steht, was der Server sagt. Was wartet, geht hinaus, sobald er wieder annimmt.',
    },
    weak_configuration: {
      title: 'Die Konfiguration ist schwach',
      says: (facts) => `Schwache Einstellungen: ${weakIn(facts)}.`,
      todo: 'Ändern Sie sie dort, wo Holdfast gestartet wird, und starten Sie es neu: docs/settings.md sagt, wie.',
    },
    alerts_changed: {
      title: 'Alarme wurden geändert',
      says: (facts) => `Ein Betreiber hat geändert, wer den Alarm „${ruleIn(facts)}“ bekommt oder ob es ihn gibt.`,
      todo: 'Im Ereignis steht, was geändert wurde und warum. Diesen Alarm kann niemand abschalten.',
    },
  },
  subject: (title, phase, { serviceName }) => {
    if (phase === 'test') return `${serviceName}: Probe eines Alarms: ${title}`;
    if (phase === 'over') return `${serviceName}: vorbei: ${title}`;
    return phase === 'more' ? `${serviceName}: wieder: ${title}` : `${serviceName}: ${title}`;
  },
  when: (at, seq) => (seq === null ? `Das war ${moment(at)}.` : `Das war ${moment(at)}, Ereignis ${seq}.`),
  more: (count) =>
    `Es geschah seit der letzten Nachricht noch ${count === 1 ? 'einmal' : `${count} Mal`}. Das jüngste:`,
  over: 'Das ist vorbei.',
  test: 'Ein Betreiber schickt das, um zu sehen, ob es ankommt. Es ist nichts geschehen. Sonst folgte hier:',
  event: 'Ereignis ansehen',
  alerts: 'Alarme ansehen',
  who: 'Sie bekommen das als Betreiber, oder weil einer Ihre Adresse unter /operator/alerts eingetragen hat.',
};

const number = (facts: AlertFacts, name: string) => (Number(facts[name]) || 0).toLocaleString('de');
const days = (facts: AlertFacts) => (facts['days'] === 1 ? 'einen Tag' : `${number(facts, 'days')} Tage`);
const client = ({ ip }: AlertFacts) => (isIP(String(ip)) === 0 ? 'Ein Client' : `Der Client ${ip}`);

/** What another version found is not said. */
function weakIn({ codes = '' }: AlertFacts): string {
  const words: Readonly<Record<string, string>> = WEAK;
  const known = String(codes).split(',');
  return known.flatMap((code) => (Object.hasOwn(words, code) ? [words[code]] : [])).join('; ');
}

function ruleIn({ rule = '' }: AlertFacts): string {
  const { rules } = alertsInGerman;
  return Object.hasOwn(rules, rule) ? rules[rule as AlertRule].title : '…';
}

function moment(at: string): string {
  const format = new Intl.DateTimeFormat('de-DE', { timeZone: 'UTC', dateStyle: 'long', timeStyle: 'short' });
  return `am ${format.format(new Date(at))} UTC`;
}

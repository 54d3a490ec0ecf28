// The words of every mail, in German.

import type { Mark } from '../../unusual/marks.ts';
import { alertText } from '../alert-mail.ts';
import {
  type Circumstances,
  clockThere,
  countryOf,
  type DeviceWords,
  deviceIn,
  type FactorChange,
  type LogInTraits,
  type MailTexts,
} from '../templates.ts';
import { alertsInGerman } from './alerts-de.ts';

/** Made for the first mail that tells of a moment: a web process sends none. */
let moment: Intl.DateTimeFormat | undefined;

const DEVICES: DeviceWords = {
  unknown: 'einem unbekannten Browser',
  on: (browser, system) => `${browser} auf ${system}`,
  places: { 'the operators’ console': 'der Konsole der Betreiber', 'the command line': 'der Kommandozeile' },
};

const CHANGES: Readonly<Record<FactorChange, string>> = {
  totp_added: 'Für Ihr Konto wurde eine Authentifizierungs-App eingerichtet',
  totp_removed: 'Die Authentifizierungs-App Ihres Kontos wurde entfernt',
  passkey_added: 'Ihrem Konto wurde ein Passkey hinzugefügt',
  passkey_removed: 'Ein Passkey Ihres Kontos wurde entfernt',
  codes_made: 'Für Ihr Konto wurden neue Wiederherstellungscodes gemacht',
  newer_removed: 'Die zweiten Faktoren, die Ihrem Konto seit der fremden Anmeldung hinzugefügt wurden, wurden entfernt',
};

/** Of a link that takes an account back. */
const FIRST =
  'Der Link gilt einmal und 7 Tage lang, auch nachdem Ihr Passwort geändert wurde. Ein neues Passwort über „Passwort vergessen?“ beendet ihn: Benutzen Sie also zuerst diesen Link.';
const FACTORS =
  'Hat jemand anderes zweite Faktoren hinzugefügt, nehmen Sie einen Browser, mit dem Sie schon früher angemeldet waren, oder halten Sie das Passwort bereit, das Sie hatten.';
const DISOWNING = [FIRST, FACTORS];

export const german: MailTexts = {
  address: 'Wenn der Knopf nicht geht, öffnen Sie diesen Link:',
  footer: ({ serviceName }) => `${serviceName} hat das geschickt. Antworten werden nicht gelesen.`,

  'reset-password': (from, { serviceName, link }) => ({
    subject: `Neues Passwort für ${serviceName} wählen`,
    paragraphs: [`Für Ihr Konto soll ein neues Passwort gewählt werden. Angefragt wurde das ${where(from)}.`],
    action: { label: 'Neues Passwort wählen', href: link },
    after: [
      'Der Link gilt einmal und 30 Minuten lang.',
      'Wenn Sie das nicht waren, tun Sie nichts: Ihr Passwort bleibt, wie es ist, und niemand erfährt, ob Sie ein Konto haben.',
    ],
  }),

  'password-changed': (from, { serviceName, page, link }) => ({
    subject: `Ihr Passwort für ${serviceName} wurde geändert`,
    paragraphs: [
      `Das Passwort Ihres Kontos wurde geändert, ${where(from)}. Sitzungen in anderen Browsern sind beendet.`,
      'Wenn Sie das waren, ist nichts zu tun. Wenn nicht, beenden Sie alle Sitzungen und wählen Sie jetzt ein neues Passwort:',
    ],
    ...(link === ''
      ? { action: { label: 'Neues Passwort wählen', href: page('/forgot-password') } }
      : { action: { label: 'Das war ich nicht', href: link }, after: DISOWNING }),
  }),

  'new-device': (from, { serviceName, link }) => ({
    subject: `Neue Anmeldung bei ${serviceName}`,
    paragraphs: [
      `Jemand hat sich von einem Browser oder aus einem Netz, die neu dafür waren, bei Ihrem Konto angemeldet: ${where(from)}.`,
      ...unusual(from),
      'Wenn Sie das waren, ist nichts zu tun. Wenn nicht, beenden Sie alle Sitzungen und wählen Sie jetzt ein neues Passwort:',
    ],
    action: { label: 'Das war ich nicht', href: link },
    after: DISOWNING,
  }),

  'second-factor-left': (from, { serviceName, link }) => ({
    subject: `Ihr Passwort für ${serviceName} wurde eingegeben, nicht aber Ihr zweiter Faktor`,
    paragraphs: [
      `Jemand hat das richtige Passwort Ihres Kontos eingegeben, ${where(from)}, und den zweiten Schritt nicht beendet. Niemand wurde angemeldet.`,
      'Wenn Sie das waren, ist nichts zu tun. Wenn nicht, kennt jemand Ihr Passwort: Beenden Sie alle Sitzungen und wählen Sie jetzt ein neues:',
    ],
    action: { label: 'Das war ich nicht', href: link },
    after: [FIRST],
  }),

  'second-factor-blocked': (from, { serviceName, link }) => ({
    subject: `Falsche Codes bei Ihrem Konto bei ${serviceName}`,
    paragraphs: [
      `Jemand hat das richtige Passwort Ihres Kontos und dann mehrere falsche Codes eingegeben, den letzten ${where(from)}. Weitere Codes werden eine Weile abgewiesen.`,
      'Wenn Sie das waren, ist nichts zu tun. Wenn nicht, kennt jemand Ihr Passwort: Beenden Sie alle Sitzungen und wählen Sie jetzt ein neues:',
    ],
    action: { label: 'Das war ich nicht', href: link },
    after: [FIRST],
  }),

  'account-deleted': (from, { serviceName }) => ({
    subject: `Ihr Konto bei ${serviceName} wurde gelöscht`,
    paragraphs: [
      `Ihr Konto wurde gelöscht, ${where(from)}. Alle seine Sitzungen sind beendet.`,
      `Es lässt sich nicht zurückholen. Wenn Sie das nicht waren, sagen Sie es denen, die ${serviceName} betreiben.`,
    ],
  }),

  'confirm-registration': (from, { serviceName, link }) => ({
    subject: `Bestätigen Sie Ihre E-Mail-Adresse für ${serviceName}`,
    paragraphs: [
      `Mit dieser E-Mail-Adresse soll ein Konto angelegt werden, angefragt ${where(from)}. Ein Schritt fehlt noch:`,
    ],
    action: { label: 'Diese E-Mail-Adresse bestätigen', href: link },
    after: [
      'Der Link gilt einmal und 24 Stunden lang. Vorher gibt es kein Konto.',
      'Wenn Sie das nicht waren, tun Sie nichts, und folgen Sie dem Link nicht.',
    ],
  }),

  'registration-exists': (from, { serviceName, page }) => ({
    subject: `Sie haben schon ein Konto bei ${serviceName}`,
    paragraphs: [
      `Mit dieser E-Mail-Adresse soll ein Konto angelegt werden, angefragt ${where(from)}. Es gibt schon eines, und nichts wurde geändert.`,
      'Wenn Sie das waren, melden Sie sich an. Ein vergessenes Passwort können Sie dort neu wählen.',
    ],
    action: { label: 'Anmelden', href: page('/login') },
    after: ['Wenn Sie das nicht waren, ist nichts zu tun.'],
  }),

  invitation: (_, { serviceName, link }) => ({
    subject: `Einladung zu ${serviceName}`,
    paragraphs: [`Ein Betreiber von ${serviceName} lädt Sie ein, ein Konto mit dieser E-Mail-Adresse anzulegen.`],
    action: { label: 'Passwort wählen', href: link },
    after: ['Der Link gilt einmal und 7 Tage lang. Wenn Sie kein Konto möchten, tun Sie nichts.'],
  }),

  'confirm-email': (_, { serviceName, link }) => ({
    subject: `Bestätigen Sie Ihre neue E-Mail-Adresse für ${serviceName}`,
    paragraphs: ['Sie möchten diese E-Mail-Adresse für Ihr Konto verwenden. Bestätigen Sie sie, um das abzuschließen:'],
    action: { label: 'Diese E-Mail-Adresse verwenden', href: link },
    after: ['Der Link gilt einmal und eine Stunde lang. Wenn Sie nichts angefragt haben, tun Sie nichts.'],
  }),

  'factor-changed': ({ change, ...from }, { serviceName, page, link }) => ({
    subject: `Die zweiten Faktoren Ihres Kontos bei ${serviceName} wurden geändert`,
    paragraphs: [
      `${CHANGES[change]}, ${where(from)}.`,
      link === ''
        ? 'Wenn Sie das waren, ist nichts zu tun. Wenn nicht, beenden Sie Ihre anderen Sitzungen, nehmen Sie die Änderung zurück, und ändern Sie Ihr Passwort:'
        : 'Wenn Sie das waren, ist nichts zu tun. Wenn nicht, beenden Sie alle Sitzungen und wählen Sie jetzt ein neues Passwort:',
    ],
    ...(link === ''
      ? { action: { label: 'Ansehen, was Ihr Konto schützt', href: page('/account/security') } }
      : { action: { label: 'Das war ich nicht', href: link }, after: DISOWNING }),
  }),

  'factors-removed': (_, { serviceName, page }) => ({
    subject: `Die zweiten Faktoren Ihres Kontos bei ${serviceName} wurden entfernt`,
    paragraphs: [
      'Ein Betreiber hat Ihre Authentifizierungs-App, Ihre Passkeys und Ihre Wiederherstellungscodes entfernt und Ihre Sitzungen beendet.',
      'Melden Sie sich mit Ihrem Passwort an, und richten Sie wieder einen zweiten Faktor ein. Haben Sie nicht darum gebeten, sagen Sie es einem Betreiber.',
    ],
    action: { label: 'Anmelden', href: page('/login') },
  }),

  'account-secured': ({ factors }, { serviceName, page, link }) => ({
    subject: `Ihr Konto bei ${serviceName} wurde gesichert`,
    paragraphs: [
      'Ein Betreiber hat Ihr Konto gesichert, weil jemand anderes hineingekommen sein kann: Alle Sitzungen sind beendet, das Passwort gilt nicht mehr, und kein Browser ist dem Konto mehr bekannt.',
      factors === 'removed'
        ? 'Auch Ihre zweiten Faktoren wurden entfernt: Richten Sie wieder einen ein, sobald Sie angemeldet sind.'
        : 'Ihre zweiten Faktoren sind, wie sie waren. Sehen Sie sie durch, sobald Sie angemeldet sind, und entfernen Sie, was nicht Ihnen gehört.',
      'Wählen Sie ein neues Passwort, das Sie sonst nirgends benutzen:',
    ],
    action: { label: 'Neues Passwort wählen', href: link === '' ? page('/forgot-password') : link },
    after:
      link === ''
        ? []
        : [
            `Der Link gilt einmal und 30 Minuten lang. Danach bekommen Sie hier einen neuen: ${page('/forgot-password')}`,
          ],
  }),

  // Ohne den Namen des Tokens: wer es gemacht hat, kann einen Link hineingeschrieben haben.
  'api-token-made': (from, { serviceName, page, link }) => ({
    subject: `Für Ihr Konto bei ${serviceName} wurde ein API-Token gemacht`,
    paragraphs: [
      `Für Ihr Konto wurde ein API-Token gemacht, ${where(from)}. Wer es hat, liest das Protokoll, wie Sie es dürfen, bis das Token abläuft oder widerrufen wird.`,
      link === ''
        ? 'Wenn Sie wissen, wofür es ist, ist nichts zu tun. Wenn nicht, widerrufen Sie es, und fragen Sie einen Betreiber, wer es gemacht hat:'
        : 'Wenn Sie das waren, ist nichts zu tun. Wenn nicht, beenden Sie alle Sitzungen, widerrufen Sie alle Ihre API-Token und wählen Sie jetzt ein neues Passwort:',
    ],
    ...(link === ''
      ? { action: { label: 'Ihre API-Token ansehen', href: page('/account/security') } }
      : { action: { label: 'Das war ich nicht', href: link }, after: DISOWNING }),
  }),

  // Ohne die neue Adresse: wer sie gewählt hat, kann einen Link hineingeschrieben haben.
  'email-changed': (from, { serviceName, link }) => ({
    subject: `Die E-Mail-Adresse Ihres Kontos bei ${serviceName} wurde geändert`,
    paragraphs: [
      `Ihr Konto hat jetzt eine andere E-Mail-Adresse: geändert wurde sie ${where(from)}.`,
      'Wenn Sie das waren, ist nichts zu tun. Wenn nicht, holen Sie Ihre E-Mail-Adresse zurück: Das beendet alle Sitzungen, und Sie wählen ein neues Passwort.',
    ],
    action: { label: 'Meine E-Mail-Adresse zurückholen', href: link },
    after: ['Der Link gilt einmal und 7 Tage lang.', FACTORS],
  }),

  welcome: ({ hasPassword }, { serviceName, page }) => ({
    subject: `Ihr Konto ist zu ${serviceName} umgezogen`,
    paragraphs: [
      `Ihr Konto ist ab jetzt bei ${serviceName}.`,
      hasPassword
        ? 'Melden Sie sich mit dieser E-Mail-Adresse und dem Passwort an, das Sie bisher hatten.'
        : 'Es hat noch kein Passwort. Wählen Sie eines, um sich anzumelden.',
    ],
    action: hasPassword
      ? { label: 'Anmelden', href: page('/login') }
      : { label: 'Passwort wählen', href: page('/forgot-password') },
  }),

  alert: (told, about) => alertText(told, about, alertsInGerman),
};

function inWords(at: string): string {
  moment ??= new Intl.DateTimeFormat('de-DE', { timeZone: 'UTC', dateStyle: 'long', timeStyle: 'short' });
  return moment.format(new Date(at));
}

const UNUSUAL: Readonly<Record<Mark, string>> = {
  country: 'ein neues Land',
  network: 'ein neues Netz',
  browser: 'eine neue Art von Browser',
  hour: 'eine Stunde, zu der Sie sich sonst nicht anmelden',
  speed: 'zu weit weg von Ihrer letzten Anmeldung für die Zeit dazwischen',
};

function unusual({ unusual: marks = [] }: LogInTraits): string[] {
  return marks.length > 0 ? [`Ungewöhnlich für Ihr Konto: ${marks.map((mark) => UNUSUAL[mark]).join('; ')}.`] : [];
}

/** "am 24. November 2026 um 13:20 UTC (22:20 in Asia/Tokyo), mit Firefox auf Windows, von der IP-Adresse 203.0.113.7" */
function where(circumstances: Circumstances & LogInTraits): string {
  const { at, ip } = circumstances;
  const country = countryOf(circumstances, 'de');
  const guess = country === null ? '' : ` (${country}, nach der Adresse geschätzt)`;
  const from = ip === null ? '' : `, von der IP-Adresse ${ip}${guess}`;
  const there = clockThere(circumstances, 'de-DE');
  return `am ${inWords(at)} UTC${there === null ? '' : ` (${there})`}, mit ${deviceIn(circumstances, DEVICES)}${from}`;
}

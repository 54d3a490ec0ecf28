// The words of every page that visitors see, in German. What each key is for, en.ts says.
import type { Texts } from './en.ts';
import { counting, linked } from './forms.ts';

const locale = 'de-DE';
const count = counting(locale);

export const de: Texts = {
  language: 'de',
  locale,
  name: 'Deutsch',

  layout: {
    skip: 'Zum Inhalt springen',
    languages: 'Sprache',
  },
  nav: {
    account: 'Konto',
    profile: 'Profil',
    applications: 'Anwendungen',
    sessions: 'Sitzungen',
    activity: 'Aktivität',
    security: 'Sicherheit',
    logOut: 'Abmelden',
  },
  messages: {
    correct: 'Bitte korrigieren Sie:',
  },
  field: {
    error: 'Fehler:',
    show: 'Anzeigen',
    hide: 'Verbergen',
    which: (label) => `: ${label}`,
    both: ': beide Passwörter',
  },
  fields: {
    email: 'E-Mail-Adresse',
    password: 'Passwort',
    current: 'Aktuelles Passwort',
    newPassword: 'Neues Passwort',
    former: 'Passwort, das Sie vorher hatten',
  },
  hints: {
    newPassword: 'Mindestens 8 Zeichen. Besser sind 15 oder mehr: einige Wörter, auch mit Leerzeichen.',
    former: 'Das letzte, das Sie selbst gewählt haben. Lassen Sie es leer, wenn Sie es nicht mehr wissen.',
  },
  passwordProblems: {
    too_short: 'Verwenden Sie mindestens 8 Zeichen; besser sind 15 oder mehr.',
    too_long: 'Verwenden Sie höchstens 256 Byte, das sind 256 Buchstaben oder etwa 64 Emoji.',
    too_common: 'Dieses Passwort gehört zu denen, die zuerst ausprobiert werden. Wählen Sie ein anderes.',
    too_close:
      'Dieses Passwort besteht fast nur aus dem Namen dieses Dienstes oder Ihrer E-Mail-Adresse. Wählen Sie ein anderes.',
    same_as_email: 'Verwenden Sie nicht Ihre E-Mail-Adresse als Passwort. Wählen Sie ein anderes.',
    breached: 'Dieses Passwort ist bei einem anderen Dienst in fremde Hände gekommen. Wählen Sie ein anderes.',
  },

  moments: {
    justNow: 'gerade eben',
    today: (clock) => `heute um ${clock} UTC`,
    yesterday: (clock) => `gestern um ${clock} UTC`,
    tomorrow: (clock) => `morgen um ${clock} UTC`,
    date: (date, clock) => `${date}, ${clock} UTC`,
    again: (span, clock) => `${span}, um ${clock} UTC`,
  },
  devices: {
    unknown: 'Unbekannter Browser',
    on: (browser, system) => `${browser} auf ${system}`,
    unknownAddress: 'unbekannt',
  },
  staleForm:
    'Dieses Formular war zu lange offen, oder Cookies sind ausgeschaltet. Es wurde nichts geändert. Ihre Eingaben stehen noch da, aber kein Passwort: Geben Sie es ein und senden Sie das Formular noch einmal.',
  keptForm: {
    whole: 'Es wurde noch nichts getan. Ihre Eingaben sind noch da: Drücken Sie den Knopf, um fortzufahren.',
    cut: 'Es wurde noch nichts getan. Ihre Eingaben waren zu lang, um sie aufzuheben: Geben Sie sie noch einmal ein.',
    nothing: 'Es wurde noch nichts getan. Um fortzufahren, tun Sie es noch einmal.',
  },
  otherSession: {
    title: 'Schon angemeldet',
    isHere: 'ist hier angemeldet',
    logIn:
      'Es wurde weder ein Passwort noch ein Code oder Passkey geprüft, und es wurde nichts geändert. Um sich in diesem Browser mit einem anderen Konto anzumelden, melden Sie sich erst ab.',
    form: 'Dieses Formular gehört nicht zu dieser Sitzung: Seit es geöffnet wurde, hat sich jemand angemeldet oder seine Anmeldung bestätigt. Es wurde nichts geändert. Wenn das nicht Ihr Konto ist, melden Sie sich ab.',
    goOn: 'Mit diesem Konto weiter',
    again: 'Formular neu öffnen',
  },
  throttled: (when) => `Zu viele Versuche. Es wurde nichts geprüft. Versuchen Sie es wieder ${when}.`,

  home: {
    member: {
      heading: 'Sie sind angemeldet',
      text: linked(
        'Dieser Browser bleibt angemeldet, solange Sie ihn benutzen, längstens bis zu dem Zeitpunkt, der bei [Ihren Sitzungen] steht.',
      ),
      profile: 'Profil öffnen',
    },
    visitor: {
      heading: (service) => `Willkommen bei ${service}`,
      text: 'Melden Sie sich an, um zu Ihrem Konto zu gelangen. Sie sehen, wo Sie angemeldet sind, und können jede Sitzung selbst beenden.',
      logIn: 'Anmelden',
      register: 'Konto anlegen',
    },
  },
  login: {
    title: 'Anmelden',
    ahead: (application: string) => `Danach geht es weiter zu ${application}.`,
    remember: 'In diesem Browser angemeldet bleiben',
    submit: 'Anmelden',
    register: linked('Neu hier? [Konto anlegen]'),
    forgot: 'Passwort vergessen?',
    emailMissing: 'Geben Sie Ihre E-Mail-Adresse ein.',
    passwordMissing: 'Geben Sie Ihr Passwort ein.',
    wrong: 'E-Mail-Adresse oder Passwort ist falsch.',
    passkey: 'Mit einem Passkey anmelden',
    passkeyWrong:
      'Dieser Passkey konnte nicht benutzt werden. Versuchen Sie es noch einmal, oder melden Sie sich mit Ihrem Passwort an.',
    late: 'Der zweite Schritt dauerte länger als zehn Minuten, oder inzwischen wurde Ihr Passwort geändert oder Ihre Sitzungen wurden beendet. Melden Sie sich noch einmal an.',
    formWaits: 'Was Sie abgeschickt haben, ist nicht geschehen: Nach der Anmeldung sehen Sie es wieder.',
    ended: {
      logged_out: '',
      replaced: '',
      revoked: 'Sie haben diese Sitzung von einem anderen Browser aus beendet. Melden Sie sich an, um fortzufahren.',
      revoked_by_operator: 'Ein Betreiber hat diese Sitzung beendet. Melden Sie sich an, um fortzufahren.',
      password_changed:
        'Das Passwort dieses Kontos wurde geändert; damit endete diese Sitzung. Melden Sie sich mit dem neuen an.',
      email_changed:
        'Die E-Mail-Adresse dieses Kontos wurde geändert; damit endete diese Sitzung. Melden Sie sich mit der neuen an.',
      role_changed:
        'Die Rechte dieses Kontos wurden geändert; damit endete diese Sitzung. Melden Sie sich an, um fortzufahren.',
      account_disabled: 'Dieses Konto wurde gesperrt. Fragen Sie einen Betreiber, falls das ein Irrtum ist.',
      account_deleted: 'Dieses Konto wurde gelöscht.',
      second_factor_added:
        'Für dieses Konto wurde ein zweiter Faktor eingerichtet. Melden Sie sich mit ihm an, um fortzufahren.',
      entry_lost:
        'Was Sie betreten dürfen, wurde geändert; damit endete diese Sitzung. Melden Sie sich an, um fortzufahren.',
      too_many_sessions:
        'Dieses Konto war an zu vielen Stellen angemeldet; damit endete diese Sitzung. Melden Sie sich an, um fortzufahren.',
      expired:
        'Diese Sitzung endete, weil sie eine Weile nicht benutzt wurde oder ihre längste Dauer erreicht hatte. Melden Sie sich an, um fortzufahren.',
    },
  },
  register: {
    title: 'Konto anlegen',
    submit: 'Konto anlegen',
    logIn: linked('Sie haben schon ein Konto? [Anmelden]'),
    emailMissing: 'Geben Sie Ihre E-Mail-Adresse ein.',
    emailWrong: 'Das ist keine vollständige E-Mail-Adresse wie name@example.org.',
    emailTaken: 'Mit dieser E-Mail-Adresse gibt es schon ein Konto. Melden Sie sich stattdessen an.',
    passwordMissing: 'Wählen Sie ein Passwort.',
    sent: {
      heading: 'Sehen Sie in Ihren E-Mails nach',
      paragraphs: [
        'Wir haben einen Link an die angegebene E-Mail-Adresse geschickt. Folgen Sie ihm, um das Konto anzulegen; er gilt 24 Stunden lang.',
        'Nach ein paar Minuten nichts da? Sehen Sie im Spam-Ordner nach, oder prüfen Sie die E-Mail-Adresse und versuchen Sie es noch einmal.',
      ],
    },
    closed: {
      heading: 'Konten gibt es auf Einladung',
      paragraphs: ['Bitten Sie einen Betreiber dieses Dienstes, Sie einzuladen.'],
    },
  },
  forgot: {
    title: 'Passwort vergessen?',
    lede: 'Geben Sie die E-Mail-Adresse Ihres Kontos ein. Wenn es eines gibt, schicken wir Ihnen einen Link zu einem neuen Passwort.',
    submit: 'Link schicken',
    logIn: linked('Doch wieder eingefallen? [Anmelden]'),
    sent: {
      heading: 'Sehen Sie in Ihren E-Mails nach',
      paragraphs: [
        'Wenn es ein Konto mit dieser E-Mail-Adresse gibt, ist ein Link dorthin unterwegs. Er gilt 30 Minuten lang.',
        'Nach ein paar Minuten nichts da? Sehen Sie im Spam-Ordner nach, oder versuchen Sie es mit einer anderen Ihrer E-Mail-Adressen.',
      ],
    },
  },
  reset: {
    title: 'Neues Passwort wählen',
    lede: 'Mit der Änderung enden alle Ihre Sitzungen. Melden Sie sich danach mit dem neuen an.',
    submit: 'Passwort ändern',
  },
  verify: {
    title: 'E-Mail-Adresse bestätigen',
    lede: 'Ein Klick legt Ihr Konto an.',
    ledePassword:
      'Sie haben in einem anderen Browser begonnen. Geben Sie das Passwort ein, das Sie dort gewählt haben.',
    submit: 'Mein Konto anlegen',
    wrong:
      'Das ist nicht das Passwort, das Sie gewählt haben. Wenn Sie es nicht mehr wissen, legen Sie das Konto noch einmal an.',
  },
  invitation: {
    title: 'Passwort wählen',
    lede: 'Sie sind eingeladen, ein Konto mit dieser E-Mail-Adresse anzulegen. Wählen Sie ein Passwort dafür.',
    submit: 'Mein Konto anlegen',
  },
  accountExists: {
    heading: 'Es gibt schon ein Konto',
    paragraphs: ['Mit dieser E-Mail-Adresse wurde inzwischen ein Konto angelegt. Melden Sie sich an.'],
  },
  notMe: {
    title: 'Das waren nicht Sie?',
    lede: (device, address, when) =>
      `Die Nachricht handelt von einer Anmeldung bei Ihrem Konto oder von dem, was in ihr getan wurde: mit ${device}, von der IP-Adresse ${address}, ${when}. Wenn Sie das nicht waren, beenden Sie alle Sitzungen und wählen Sie ein neues Passwort.`,
    ledeWithoutLogin:
      'Wenn nicht Sie getan haben, wovon die Nachricht berichtet, beenden Sie alle Sitzungen und wählen Sie ein neues Passwort. Das alte gilt sofort nicht mehr.',
    submit: 'Alle Sitzungen beenden und neues Passwort wählen',
  },
  takeBack: {
    factors: {
      none: '',
      taken_back: 'Zweite Faktoren, die seitdem eingerichtet wurden, werden entfernt.',
      asks: 'Seitdem wurden zweite Faktoren eingerichtet. Geben Sie das Passwort ein, das Sie vorher hatten, dann werden sie entfernt. Sonst bleiben sie, und nur ein Betreiber kann sie entfernen.',
      stay: 'Seitdem wurden zweite Faktoren eingerichtet, und sie bleiben. Sind es nicht Ihre, bitten Sie einen Betreiber, sie zu entfernen.',
    },
    wrong: 'Das ist nicht das Passwort, das Sie vorher hatten. Lassen Sie das Feld leer, um ohne es fortzufahren.',
  },
  deadLink: {
    heading: 'Dieser Link gilt nicht mehr',
    paragraphs: {
      reset:
        'Er wurde benutzt, durch einen neueren ersetzt oder ist älter als 30 Minuten; oder Ihr Passwort oder Ihre E-Mail-Adresse wurde inzwischen geändert. Fordern Sie einen neuen an.',
      verify:
        'Er wurde benutzt oder ist älter als 24 Stunden. Wenn Sie noch kein Konto haben, legen Sie es noch einmal an.',
      invitation:
        'Er wurde benutzt, durch einen neueren ersetzt oder widerrufen, oder er ist älter als 7 Tage. Fragen Sie, wer Sie eingeladen hat, oder einen Betreiber dieses Dienstes: Sie können die Einladung noch einmal schicken. Haben Sie schon ein Konto, melden Sie sich an.',
      email:
        'Er wurde benutzt, durch einen neueren ersetzt oder ist älter als eine Stunde; oder Ihr Passwort oder Ihre E-Mail-Adresse wurde inzwischen geändert. Fordern Sie einen neuen an.',
      'not-me':
        'Er wurde benutzt oder ist älter als 7 Tage. Er gilt auch nicht mehr, wenn über einen zugeschickten Link ein neues Passwort gewählt oder die E-Mail-Adresse geändert wurde: Die Nachricht darüber hat einen anderen Link. Sind Sie unsicher, wählen Sie ein neues Passwort.',
      undo: 'Er wurde benutzt oder ist älter als 7 Tage. Wenn Sie sich nicht anmelden können, wählen Sie ein neues Passwort.',
    },
    actions: {
      '/register': 'Konto anlegen',
      '/forgot-password': 'Neues Passwort anfordern',
      '/account/email': 'E-Mail-Adresse ändern',
      '/profile': 'Profil öffnen',
      '/login': 'Anmelden',
      '/operator/users/invitations': 'Einladungen ansehen',
      contact: 'Um eine neue Einladung bitten',
    },
  },
  otherLink: {
    heading: 'Seitdem wurde ein anderer Link geöffnet',
    paragraphs: [
      'Nach dieser Seite wurde in diesem Browser ein anderer Link derselben Art geöffnet. Er kann für ein anderes Konto sein, darum wurde nichts geändert.',
      'Öffnen Sie den Link in Ihrer Nachricht noch einmal, achten Sie auf die E-Mail-Adresse und senden Sie das Formular dann.',
    ],
  },
  email: {
    title: 'E-Mail-Adresse ändern',
    lede: 'Die E-Mail-Adresse Ihres Kontos ist',
    field: 'Neue E-Mail-Adresse',
    hint: 'Wir schicken einen Link dorthin. Wenn Sie ihm folgen, bekommt Ihr Konto die neue E-Mail-Adresse, alle Ihre Sitzungen enden, und Sie melden sich mit ihr an.',
    submit: 'Link dorthin schicken',
    missing: 'Geben Sie die neue E-Mail-Adresse ein.',
    same: 'Das ist schon die E-Mail-Adresse Ihres Kontos.',
    waits: {
      title: 'Eine Änderung wartet',
      text: (email: string, when: string) =>
        `Sie haben ${when} darum gebeten, sie in ${email} zu ändern. Folgen Sie dem Link, den wir dorthin geschickt haben, dann bekommt Ihr Konto sie.`,
      takeBack: 'Änderung zurücknehmen',
    },
    sent: {
      heading: 'Sehen Sie im neuen Postfach nach',
      paragraphs: [
        'Wir haben einen Link an die neue E-Mail-Adresse geschickt. Er gilt eine Stunde lang. Nichts ändert sich, bevor Sie ihm folgen.',
        'Nach ein paar Minuten nichts da? Sehen Sie im Spam-Ordner nach, und prüfen Sie die E-Mail-Adresse.',
      ],
    },
    confirm: {
      title: 'Diese E-Mail-Adresse verwenden',
      lede: 'Ihr Konto bekommt diese E-Mail-Adresse. Alle Ihre Sitzungen enden; melden Sie sich dann mit ihr an.',
      ledePassword:
        'Sie sind hier nicht angemeldet. Geben Sie das Passwort des Kontos ein, das diese E-Mail-Adresse bekommt. Haben Sie nicht darum gebeten, schließen Sie diese Seite: Es geschieht nichts.',
      wrong: 'Das ist nicht das Passwort dieses Kontos.',
      submit: 'Diese E-Mail-Adresse verwenden',
    },
    undo: {
      title: 'E-Mail-Adresse zurückholen',
      lede: 'Ihr Konto bekommt diese E-Mail-Adresse wieder. Alle Sitzungen enden, das Passwort gilt nicht mehr, und wir schicken Ihnen einen Link, um ein neues zu wählen.',
      submit: 'Meine E-Mail-Adresse zurückholen',
    },
  },
  profile: {
    title: 'Profil',
    role: 'Rolle',
    roles: {
      member: 'Mitglied',
      auditor: 'Prüfer: liest, was hier geschieht',
      operator: 'Betreiber: kümmert sich um diesen Dienst',
    },
    memberSince: 'Konto angelegt',
    session: 'Diese Sitzung',
    browser: 'Browser',
    address: 'IP-Adresse',
    loggedIn: 'Angemeldet',
    sessions: 'Alle Sitzungen ansehen',
    email: 'E-Mail-Adresse ändern',
    password: 'Passwort ändern',
    yours: 'Ihre Daten',
    data: 'Ihre Daten herunterladen',
    deletion: 'Konto löschen',
  },
  sessions: {
    title: 'Sitzungen',
    lede: linked(
      'Hier sind Sie angemeldet. Erkennen Sie eine Sitzung nicht wieder, beenden Sie sie und [ändern Sie Ihr Passwort].',
    ),
    current: 'Dieser Browser',
    address: 'IP-Adresse',
    active: 'aktiv',
    since: 'begonnen',
    method: (method: string) => `angemeldet mit ${method}`,
    kept: 'bleibt angemeldet',
    until: 'endet spätestens',
    unused: 'wenn unbenutzt,',
    end: 'Diese Sitzung beenden',
    endOthersText:
      'Gerät verloren oder nicht sicher? Dieser Browser bleibt angemeldet, alle anderen werden sofort abgemeldet.',
    endOthers: count({ one: 'Die andere Sitzung beenden', other: 'Alle # anderen Sitzungen beenden' }),
    alone: 'Sie sind sonst nirgends angemeldet.',
    knownTitle: 'Bekannte Browser',
    known: count({
      one: 'Ein Browser war an diesem Konto schon angemeldet. Falsche Passwörter, die Fremde anderswo eingeben, sperren ihn nicht aus.',
      other:
        '# Browser waren an diesem Konto schon angemeldet. Falsche Passwörter, die Fremde anderswo eingeben, sperren sie nicht aus.',
    }),
    knownNone:
      'Keine. Der nächste Browser, der sich anmeldet, wird bekannt: Falsche Passwörter, die Fremde anderswo eingeben, sperren ihn nicht aus.',
    used: 'letzte Anmeldung',
    knownSince: 'wurde bekannt',
    forgetOne: 'Diesen Browser vergessen',
    forget: 'Alle bekannten Browser vergessen',
    forgetText:
      'Niemand wird dadurch abgemeldet. Tun Sie es, wenn Sie ein Gerät verloren haben: Für Ihr Konto ist es dann ein neuer Browser.',
  },
  places: {
    probably: (place) => `vermutlich ${place}`,
    network: (owner) => `Netz von ${owner}`,
    unusual: 'ungewöhnlich:',
    guess: 'Orte und Netze sind nach der IP-Adresse geschätzt.',
    marks: {
      country: 'neues Land',
      network: 'neues Netz',
      browser: 'neue Art von Browser',
      hour: 'ungewöhnliche Stunde',
      speed: 'zu weit weg von der Anmeldung davor',
    },
  },
  methods: {
    password: 'einem Passwort',
    'password+totp': 'einem Passwort und einem Code der App',
    'password+recovery_code': 'einem Passwort und einem Wiederherstellungscode',
    'password+passkey': 'einem Passwort und einem Passkey',
    passkey: 'einem Passkey',
  },
  activity: {
    title: 'Aktivität',
    lede: linked(
      'Was in den letzten 90 Tagen mit Ihrem Konto geschah, das Neueste zuerst. Wenn eine Anmeldung nicht von Ihnen war, sagen Sie es. [Sehen Sie, wo Sie angemeldet sind].',
    ),
    none: 'In den letzten 90 Tagen wurde nichts aufgezeichnet.',
    older: 'Ältere zeigen',
    newest: 'Die neuesten zeigen',
    here: 'Diese Sitzung',
    byOperator: 'durch einen Betreiber',
    notMe: 'Das war ich nicht',
    loggedIn: (method: string) => `Anmeldung mit ${method}.`,
    newDevice: {
      browser: 'Es war die erste Anmeldung mit diesem Browser.',
      address: 'Es war die erste Anmeldung von dieser IP-Adresse.',
      'browser and address': 'Es war die erste Anmeldung mit diesem Browser und von dieser IP-Adresse.',
    },
    failed: {
      password: 'Eine Anmeldung schlug fehl: Das Passwort war falsch.',
      totp: 'Eine Anmeldung schlug fehl: Das Passwort war richtig, der Code nicht.',
      recovery_code: 'Eine Anmeldung schlug fehl: Das Passwort war richtig, der Wiederherstellungscode nicht.',
      passkey: 'Eine Anmeldung schlug fehl: Der Passkey wurde nicht angenommen.',
      disabled: 'Eine Anmeldung schlug fehl: Das Konto war gesperrt.',
      other: 'Eine Anmeldung schlug fehl.',
    },
    factors: {
      totp_added: 'Eine Authenticator-App wurde eingerichtet.',
      totp_removed: 'Die Authenticator-App wurde entfernt.',
      passkey_added: 'Ein Passkey wurde hinzugefügt.',
      passkey_removed: 'Ein Passkey wurde entfernt.',
      all_removed: 'Zweite Faktoren und Wiederherstellungscodes wurden entfernt.',
    },
    ended: {
      logged_out: 'Abmeldung.',
      revoked: 'Eine Sitzung wurde beendet.',
      revoked_by_operator: 'Ein Betreiber hat eine Sitzung beendet.',
      password_changed: 'Eine Sitzung endete, weil das Passwort geändert wurde.',
      too_many_sessions: 'Eine Sitzung endete, weil es zu viele waren.',
      other: 'Eine Sitzung endete.',
    },
    roles: {
      member: 'Ihr Konto ist ab jetzt ein Mitgliedskonto.',
      auditor: 'Ihr Konto ist ab jetzt ein Prüferkonto.',
      operator: 'Ihr Konto ist ab jetzt ein Betreiberkonto.',
    },
    says: {
      authn_second_factor_asked:
        'Das richtige Passwort wurde eingegeben. Danach wurde nach einem zweiten Faktor gefragt.',
      authn_confirm_fail: 'Eine Bestätigung wurde abgelehnt.',
      excess_rate_limit_exceeded: 'Es waren zu viele Versuche. Weitere wurden eine Zeit lang abgelehnt.',
      authn_factor_renamed: 'Ein Passkey wurde umbenannt.',
      authn_recovery_codes_made: 'Neue Wiederherstellungscodes wurden gemacht.',
      authn_password_change: 'Das Passwort wurde geändert.',
      authn_password_change_fail: 'Eine Änderung des Passworts wurde abgelehnt.',
      authn_password_reset_request: 'Ein Link für ein neues Passwort wurde angefordert.',
      authn_password_reset: 'Über einen Link aus einer Mail wurde ein neues Passwort gewählt.',
      authn_login_disowned: 'Von einer Anmeldung wurde gesagt, dass sie von jemand anderem war.',
      known_devices_forgotten:
        'Bekannte Browser wurden vergessen, auf Wunsch oder sicherheitshalber nach einer Änderung.',
      user_created: 'Das Konto wurde angelegt.',
      user_language_changed: 'Die Sprache wurde geändert.',
      user_email_change_asked: 'Eine Änderung der E-Mail-Adresse wurde angefordert.',
      user_email_change_taken_back: 'Eine Änderung der E-Mail-Adresse wurde zurückgenommen.',
      user_email_changed: 'Die E-Mail-Adresse wurde geändert.',
      user_email_change_undone: 'Die frühere E-Mail-Adresse hat das Konto zurückgeholt.',
      user_secured: 'Das Konto wurde gesichert: Alle Sitzungen wurden beendet, das Passwort gilt nicht mehr.',
      api_token_created: 'Ein API-Token wurde gemacht, mit dem ein Programm das Protokoll liest, wie Sie es dürfen.',
      api_token_revoked: 'Ein API-Token wurde widerrufen.',
      user_disabled: 'Das Konto wurde gesperrt.',
      user_enabled: 'Das Konto wurde wieder freigegeben.',
      user_data_exported: 'Ihre Daten wurden heruntergeladen.',
    },
    disown: {
      title: 'Das waren Sie nicht?',
      lede: 'Wenn diese Anmeldung nicht von Ihnen war, beenden Sie alle anderen Sitzungen und wählen Sie ein neues Passwort.',
      points: [
        'Alle anderen Sitzungen Ihres Kontos enden sofort. Dieser Browser bleibt angemeldet.',
        'Alle bekannten Browser werden vergessen.',
        'Eine Änderung Ihrer E-Mail-Adresse, die noch auf ihre Mail wartet, wird zurückgenommen.',
      ],
      tokens: 'API-Token, die für Sie das Protokoll lesen, werden widerrufen: Deren Programme lesen nichts mehr.',
      afterwards: linked(
        'Wählen Sie danach ein neues Passwort: Wer sich angemeldet hat, kannte das alte. Sehen Sie auch bei [Ihrer Sicherheit] nach: Entfernen Sie, was nicht von Ihnen ist.',
      ),
      submit: 'Alle anderen Sitzungen beenden',
      cancel: 'Das war ich: zurück',
    },
  },
  password: {
    title: 'Passwort ändern',
    lede: 'Mit der Änderung enden alle Ihre anderen Sitzungen. Dieser Browser bleibt angemeldet.',
    submit: 'Passwort ändern',
    currentMissing: 'Geben Sie Ihr aktuelles Passwort ein.',
    newMissing: 'Wählen Sie ein neues Passwort.',
    same: 'Das ist Ihr aktuelles Passwort; wählen Sie ein neues.',
    wrong: 'Das ist nicht Ihr aktuelles Passwort.',
  },

  secondFactor: {
    title: 'Noch ein Schritt',
    lede: 'Ihr Passwort stimmt. Geben Sie den Code ein, den Ihre Authentifizierungs-App jetzt zeigt.',
    code: 'Code',
    codeHint: 'Sechs Ziffern.',
    submit: 'Anmelden',
    passkey: 'Einen Passkey benutzen',
    recoverySummary: 'Einen Wiederherstellungscode benutzen',
    recovery: 'Wiederherstellungscode',
    recoveryHint: 'Buchstaben und Ziffern von der Liste, die Sie aufbewahren. Jeder Code gilt einmal.',
    recoverySubmit: 'Damit anmelden',
    lost: 'Alles verloren? Fragen Sie einen Betreiber.',
    other: 'Als jemand anderes anmelden',
    missing: { code: 'Geben Sie den Code ein.', recovery: 'Geben Sie einen Wiederherstellungscode ein.' },
    problems: {
      totp: {
        wrong:
          'Dieser Code stimmt nicht. Geben Sie den ein, der jetzt gezeigt wird; stimmt auch der nicht, schalten Sie auf dem Gerät die automatische Uhrzeit ein.',
        used: 'Dieser Code wurde schon benutzt. Warten Sie auf den nächsten.',
        late: 'Dieser Code ist zu alt: Die Uhr Ihres Geräts geht nach. Schalten Sie die automatische Uhrzeit ein, und geben Sie dann einen neuen Code ein.',
      },
      recovery_code: {
        wrong: 'Das ist keiner Ihrer Wiederherstellungscodes.',
        used: 'Dieser Wiederherstellungscode wurde schon benutzt. Nehmen Sie einen anderen.',
        late: 'Dieser Wiederherstellungscode ist zu alt.',
      },
      passkey: {
        wrong: 'Dieser Passkey konnte nicht benutzt werden. Versuchen Sie es noch einmal.',
        used: 'Das dauerte zu lange. Versuchen Sie es noch einmal.',
        late: 'Das dauerte zu lange. Versuchen Sie es noch einmal.',
      },
    },
  },
  passkeys: {
    noScript: 'Passkeys brauchen JavaScript, das in diesem Browser ausgeschaltet ist. Alles andere geht ohne.',
    failed: 'Es wurde kein Passkey benutzt. Sie können es noch einmal versuchen.',
    exists: 'Dieses Gerät hat schon einen Passkey für Ihr Konto.',
  },
  security: {
    title: 'Sicherheit',
    back: 'Zurück zur Sicherheit',
    required:
      'Ihr Konto braucht einen zweiten Faktor, bevor Sie weitermachen können: eine Authentifizierungs-App oder einen Passkey.',
    requiredOfOperator:
      'Betreiber können das Protokoll lesen und jedes Konto ändern. Ein Passwort allein reicht dafür nicht. Richten Sie zuerst eine Authentifizierungs-App oder einen Passkey ein. Dann kommen Sie in die Konsole.',
    requiredBy: (application) =>
      `${application} verlangt einen zweiten Faktor. Richten Sie eine Authentifizierungs-App oder einen Passkey ein; dann geht es dort weiter.`,
    password: 'Passwort',
    changePassword: 'Passwort ändern',
    app: 'Authentifizierungs-App',
    appOn: 'Eingerichtet',
    appOff:
      'Eine App auf Ihrem Telefon zeigt einen Code, der alle 30 Sekunden wechselt. Zum Anmelden braucht es dann Ihr Passwort und einen Code.',
    whichApp:
      'Jede App für solche Codes ist recht, etwa Google Authenticator, Microsoft Authenticator, Aegis, 2FAS oder 1Password.',
    setUpApp: 'App einrichten',
    removeApp: 'App entfernen',
    passkeys: 'Passkeys',
    passkeysText:
      'Ein Passkey meldet Sie mit Fingerabdruck, Gesicht oder PIN an, ohne Passwort. Niemand kann ihn erraten, und niemand gibt ihn versehentlich preis.',
    since: 'hinzugefügt',
    lastUsed: 'zuletzt benutzt',
    neverUsed: 'nie benutzt',
    rename: 'Umbenennen',
    saveName: 'Namen speichern',
    addPasskey: 'Passkey hinzufügen',
    removePasskey: 'Diesen Passkey entfernen',
    codes: 'Wiederherstellungscodes',
    codesLeft: count({
      one: 'Ein unbenutzter Code ist übrig. Jeder lässt Sie einmal herein, wenn Sie alles andere verloren haben.',
      other: '# unbenutzte Codes sind übrig. Jeder lässt Sie einmal herein, wenn Sie alles andere verloren haben.',
    }),
    renewCodes: 'Neue Codes machen',
    codesShown:
      'Sie haben noch nicht gesagt, dass Sie Ihre neuen Codes aufbewahrt haben. Sie werden höchstens eine Stunde lang gezeigt.',
    showCodes: 'Codes zeigen',
    tokens: 'API-Token',
    tokensText:
      'Damit lesen Programme das Protokoll, wie Sie es dürfen. Ein Betreiber hat sie gemacht. Sie gelten weiter, wenn Sie Ihr Passwort ändern: Widerrufen Sie eines, das Sie nicht kennen, und fragen Sie einen Betreiber, wer es gemacht hat.',
    tokenSince: 'gemacht',
    tokenUntil: 'gilt bis',
    revokeToken: 'Dieses Token widerrufen',
    others:
      'Sie sind auch anderswo angemeldet. Haben Sie hier etwas geändert, weil Sie jenen Browsern nicht trauen, beenden Sie deren Sitzungen.',
    lastRequired:
      'Ihr Konto braucht einen zweiten Faktor, und das ist der letzte. Richten Sie zuerst einen anderen ein.',
  },
  authenticator: {
    title: 'Authentifizierungs-App einrichten',
    scan: 'Lesen Sie dies mit der App ein.',
    qr: 'QR-Code für die Authentifizierungs-App',
    type: 'Oder geben Sie ihr diesen Schlüssel ein:',
    open: 'Oder öffnen Sie die App auf diesem Gerät',
    enter: 'Geben Sie den Code ein, den die App zeigt.',
    submit: 'Einrichten',
    missing: 'Geben Sie den Code ein, den die App zeigt.',
    problems: {
      wrong:
        'Dieser Code stimmt nicht. Geben Sie den ein, der jetzt gezeigt wird; stimmt auch der nicht, schalten Sie auf dem Gerät die automatische Uhrzeit ein.',
      late: 'Dieser Code ist zu alt: Die Uhr Ihres Geräts geht nach. Schalten Sie die automatische Uhrzeit ein, und geben Sie dann einen neuen Code ein.',
      exists: 'Es ist schon eine App eingerichtet. Entfernen Sie sie, bevor Sie eine andere einrichten.',
    },
  },
  recoveryCodes: {
    title: 'Bewahren Sie diese Wiederherstellungscodes auf',
    lede: 'Jeder lässt Sie einmal herein, wenn Sie Ihre anderen Faktoren verloren haben. Drucken Sie sie, oder bewahren Sie sie bei Ihren Passwörtern auf. Sie werden gezeigt, bis Sie sagen, dass Sie sie aufbewahrt haben, höchstens eine Stunde lang.',
    download: 'Herunterladen',
    copy: 'Kopieren',
    copied: 'Kopiert',
    print: 'Drucken',
    kept: 'Ich habe sie aufbewahrt',
  },
  passkey: {
    title: 'Passkey hinzufügen',
    lede: 'Ihr Browser fragt gleich nach Fingerabdruck, Gesicht, PIN oder Sicherheitsschlüssel.',
    name: 'Name',
    nameHint: 'Damit Sie ihn unter anderen erkennen.',
    submit: 'Passkey anlegen',
    nameWrong: 'Ein Name braucht 1 bis 60 Zeichen.',
    problems: {
      wrong:
        'Die Antwort des Browsers war nicht brauchbar, oder es dauerte länger als fünf Minuten. Es wurde nichts hinzugefügt. Versuchen Sie es noch einmal.',
      exists: 'Dieser Passkey ist schon bekannt.',
      too_many: 'Es sind schon 20 Passkeys. Entfernen Sie zuerst einen.',
    },
  },
  confirm: {
    title: 'Bestätigen Sie, dass Sie es sind',
    lede: 'Dafür brauchen wir noch einmal Ihr Passwort. Sie bleiben angemeldet, und Ihre Eingaben bleiben erhalten.',
    ledeFactor:
      'Dafür brauchen wir noch einmal Ihr Passwort und Ihren zweiten Faktor. Sie bleiben angemeldet, und Ihre Eingaben bleiben erhalten.',
    acts: {
      password: 'Sie möchten Ihr Passwort ändern.',
      email: 'Sie möchten Ihre E-Mail-Adresse ändern.',
      data: 'Sie möchten Ihre Daten herunterladen.',
      deletion: 'Sie möchten Ihr Konto löschen.',
      session: 'Sie möchten eine Sitzung beenden.',
      otherSessions: 'Sie möchten Ihre anderen Sitzungen beenden.',
      browsers: 'Sie möchten bekannte Browser vergessen.',
      disowning: 'Sie sagen, dass eine Anmeldung nicht von Ihnen war.',
      app: 'Sie möchten eine Authenticator-App einrichten.',
      removeApp: 'Sie möchten Ihre Authenticator-App entfernen.',
      passkey: 'Sie möchten einen Passkey hinzufügen.',
      removePasskey: 'Sie möchten einen Passkey entfernen.',
      codes: 'Sie möchten Wiederherstellungscodes sehen oder neu machen.',
      token: 'Sie möchten ein API-Token widerrufen.',
      security: 'Sie möchten ändern, was Ihr Konto schützt.',
      application: 'Sie möchten eine Anwendung öffnen, die eine frische Anmeldung verlangt.',
      export: 'Sie möchten das Audit-Log exportieren.',
      operator: 'Sie möchten etwas als Betreiber tun.',
      other: 'Sie möchten etwas tun, das geschützt ist.',
    },
    cancel: 'Abbrechen',
    codeHint: 'Sechs Ziffern, aus Ihrer Authentifizierungs-App.',
    submit: 'Bestätigen',
    passwordMissing: 'Geben Sie Ihr Passwort ein.',
    wrong: 'Das ist nicht Ihr Passwort.',
    passkey: 'Mit einem Passkey bestätigen',
    passkeyWrong:
      'Dieser Passkey konnte nicht benutzt werden. Versuchen Sie es noch einmal, oder geben Sie Ihr Passwort und einen Code ein.',
  },

  data: {
    title: 'Ihre Daten',
    lede: 'Eine Datei (JSON) mit allem, was über Sie gespeichert ist:',
    points: [
      'Ihr Konto, Ihre Passkeys und ob Sie eine Authentifizierungs-App verwenden',
      'Gruppen, in denen Sie sind, und wie Ihre Anmeldungen gewöhnlich sind',
      'Ihre Sitzungen, auch die beendeten, mit Browser und IP-Adresse',
      'Browser, von denen bekannt ist, dass sie sich angemeldet haben',
      'Versuche, sich bei Ihrem Konto anzumelden',
      'Mails, die Ihnen in letzter Zeit geschickt wurden',
      'API-Tokens und gespeicherte Ansichten, falls Sie solche haben',
      'Ereignisse im Protokoll, die Sie ausgelöst haben oder die Sie betrafen',
    ],
    without:
      'Ihr Passwort steht nicht darin: Gespeichert ist nur ein Hashwert davon. Behalten Sie die Datei dennoch für sich.',
    submit: 'Ihre Daten herunterladen',
  },
  deletion: {
    title: 'Konto löschen',
    lede: 'Damit wird Ihr Konto sofort und endgültig gelöscht. Niemand kann es zurückholen, auch kein Betreiber. Das Konto:',
    goes: 'Was gelöscht wird',
    going: [
      'Alle Sitzungen enden, diese und die in anderen Browsern.',
      'Ihre E-Mail-Adresse, Ihr Passwort, Ihre Passkeys und Codes werden gelöscht. Die E-Mail-Adresse ist für ein neues Konto frei.',
      'Bekannte Browser, Ihnen zugesandte Links und Aufzeichnungen über Anmeldungen bei Ihrem Konto werden gelöscht.',
    ],
    stays: 'Was bleibt',
    staying: [
      'Das Protokoll behält, dass ein Konto angelegt, benutzt und gelöscht wurde, unter einer Nummer, die nicht mehr zu Ihnen führt. Ihre IP-Adressen und Browser werden daraus entfernt.',
    ],
    download: linked('Vielleicht möchten Sie vorher [Ihre Daten herunterladen].'),
    understood: 'Mein Konto löschen. Ich weiß, dass sich das nicht rückgängig machen lässt.',
    notUnderstood: 'Setzen Sie das Häkchen, wenn Sie das wollen.',
    submit: 'Konto löschen',
    lastOperator:
      'Sie sind der letzte Betreiber. Machen Sie erst jemand anderen zum Betreiber; sonst könnte sich niemand mehr um diesen Dienst kümmern.',
  },

  shownMail: {
    paragraphs: ['Diese Installation verschickt keine Mails. Sie zeigt, was sie verschickt hätte.'],
    read: 'Mail lesen',
  },
  done: {
    'factor-added': 'Das ist eingerichtet: Ab jetzt fragt jede Anmeldung nach einem zweiten Faktor.',
    'factor-removed': 'Das wurde entfernt. Eine Anmeldung fragt weiter nach einem zweiten Faktor.',
    'last-factor-removed':
      'Das wurde entfernt, und mit ihm Ihre Wiederherstellungscodes. Eine Anmeldung braucht nur Ihr Passwort.',
    'codes-made': 'Diese Codes gelten ab jetzt. Die alten gelten nicht mehr.',
    'codes-kept': 'Sie haben Ihre Wiederherstellungscodes aufbewahrt. Sie werden nicht noch einmal gezeigt.',
    'codes-gone':
      'Ihre Wiederherstellungscodes werden nicht mehr gezeigt. Wenn Sie sie nicht aufbewahrt haben, machen Sie neue.',
    'passkey-renamed': 'Der Passkey hat seinen neuen Namen.',
    'api-token-revoked': 'Das Token ist widerrufen: Wer es hat, liest nichts mehr.',
    'session-ended': 'Diese Sitzung ist beendet.',
    'others-ended': 'Alle anderen Sitzungen sind beendet.',
    'application-ended': 'Sie sind dort abgemeldet.',
    'logged-out': 'Sie sind abgemeldet.',
    'account-deleted': 'Ihr Konto wurde gelöscht, und alle seine Sitzungen sind beendet.',
    'browsers-forgotten': 'Kein Browser ist mehr bekannt.',
    'browser-forgotten': 'Dieser Browser ist nicht mehr bekannt.',
    'login-disowned':
      'Alle anderen Sitzungen sind beendet. Wählen Sie jetzt ein neues Passwort: Wer sich angemeldet hat, kannte das alte.',
    'password-changed': 'Ihr Passwort wurde geändert, und alle anderen Sitzungen sind beendet.',
    'password-reset': 'Ihr Passwort wurde geändert, und alle Sitzungen sind beendet. Melden Sie sich mit dem neuen an.',
    registered: 'Ihre E-Mail-Adresse ist bestätigt und Ihr Konto angelegt.',
    'email-change-taken-back':
      'Die Änderung wurde zurückgenommen. Der Link, den wir geschickt haben, funktioniert nicht mehr.',
    'email-change-gone':
      'Es gibt keine Änderung zurückzunehmen: Sie wurde bestätigt, ersetzt oder ist älter als eine Stunde.',
    'email-changed':
      'Ihre E-Mail-Adresse wurde geändert, und alle Sitzungen sind beendet. Melden Sie sich mit der neuen an.',
    'email-taken-back':
      'Die E-Mail-Adresse gehört wieder Ihnen. Ein Link, um ein neues Passwort zu wählen, ist unterwegs dorthin.',
  },

  applications: {
    title: 'Anwendungen',
    lede: 'Was Sie mit diesem Konto öffnen dürfen. Solange Sie hier angemeldet sind, brauchen Sie dort kein Passwort.',
    none: 'Hier ist nichts, was Sie öffnen dürfen.',
    logins: 'Wo Sie angemeldet sind',
    loginsNone: 'Sie sind bei keiner Anwendung angemeldet.',
    end: 'Dort abmelden',
    thisSession: 'von diesem Browser aus',
    active: 'aktiv',
    since: 'angemeldet',
    under: (names: string) => `Von hier aus angemeldet bei ${names}`,
    all: 'Alle Anwendungen zeigen',
    onward: {
      heading: (name: string) => `Sie sind angemeldet. ${name} öffnet sich jetzt.`,
      link: (name: string) => `Weiter zu ${name}`,
    },
    refused: {
      heading: (name: string | null) => `${name ?? 'Diese Anwendung'} dürfen Sie nicht öffnen`,
      message: 'Ihr Konto hat keinen Zugang zu ihr. Falls es ihn haben sollte, fragen Sie einen Betreiber.',
      disabled: 'Sie ist zurzeit abgeschaltet. Fragen Sie einen Betreiber, wann sie wiederkommt.',
      unknown:
        'Eine Anwendung dieses Namens gibt es nicht, oder sie wurde entfernt. Gehen Sie zurück, woher Sie kamen.',
      next: 'Zeigen, was Sie öffnen dürfen',
    },
    loop: {
      heading: (name: string) => `${name} behält Ihre Anmeldung nicht`,
      why: 'Ihr Browser wurde in einer halben Minute fünfmal hierher geschickt, darum halten wir an. Das Cookie der Anwendung kommt nicht zu ihr zurück.',
      causes:
        'Das geschieht, wenn die Anwendung über http statt https geöffnet wird, unter einem anderen Namen als dem eingetragenen, im Rahmen einer anderen Seite, oder wenn der Browser Cookies ablehnt.',
      next: 'Warten Sie eine halbe Minute und öffnen Sie sie noch einmal. Hilft das nicht, zeigen Sie einem Betreiber diese Seite.',
    },
    unsent: {
      heading: 'Das wurde nicht gesendet',
      why: 'Sie sind hier nicht mehr angemeldet; darum hat die Anwendung nicht bekommen, was Sie gesendet haben.',
      next: 'Melden Sie sich in einem neuen Tab an, kommen Sie dann hierher zurück und senden Sie es noch einmal. Neuladen dieser Seite tut das.',
      link: 'Anmelden',
    },
    ticket: {
      heading: 'Sie wurden nicht angemeldet',
      old: 'Der Weg hinein wurde schon benutzt oder ist älter als eine Minute.',
      cookie:
        'Der Weg hinein gehört einem anderen Browser, oder dieser hat das Cookie nicht behalten: Er lehnt Cookies ab, oder die Seite steht in einem Rahmen.',
      again: 'Neu beginnen',
    },
    logout: {
      heading: (name: string) => `Bei ${name} abmelden?`,
      what: (service: string) =>
        `Sie können sich nur hier abmelden oder überall: bei ${service} in diesem Browser und bei jeder Anwendung, die Sie von ihm aus geöffnet haben.`,
      here: 'Hier abmelden',
      everywhere: 'Überall abmelden',
      nobody: 'Sie sind hier nicht angemeldet.',
      done: 'Sie sind abgemeldet',
      doneHere: (service: string) =>
        `Bei ${service} sind Sie in diesem Browser weiter angemeldet: Wer die Anwendung öffnet, wird wieder eingelassen.`,
      doneEverywhere: 'Sie sind bei allem abgemeldet, was Sie von diesem Browser aus geöffnet haben.',
      again: 'Die Anwendung öffnen',
    },
    away: {
      heading: 'Das geht gerade nicht',
      message:
        'Ein Teil des Dienstes ist für einen Moment nicht erreichbar. Niemand wird dadurch abgemeldet; versuchen Sie es gleich noch einmal.',
    },
    missing: { heading: 'Hier ist keine Seite', message: 'Vielleicht ist der Link vertippt.' },
  },
  errors: {
    reference: (status) => `Fehler ${status}. Wenn Sie um Hilfe bitten, nennen Sie die Anfragenummer`,
    retry: (when) => `Versuchen Sie es wieder ${when}.`,
    400: {
      heading: 'Diese Anfrage war nicht lesbar',
      message: 'Unterwegs ging etwas kaputt. Es wurde nichts geändert. Senden Sie das Formular noch einmal.',
      next: 'Zurück zum Formular',
    },
    403: {
      heading: 'Diese Seite ist nicht für Sie freigegeben',
      message: 'Ihr Konto hat keinen Zugang zu ihr. Sollte es ihn haben, fragen Sie einen Betreiber.',
      next: 'Profil öffnen',
    },
    404: {
      heading: 'Hier ist keine Seite',
      message: 'Vielleicht ist die Webadresse vertippt, oder die Seite ist umgezogen.',
      next: 'Zur Startseite',
    },
    allowed: {
      page: 'Diese Seite lässt sich öffnen, nimmt aber kein Formular an.',
      form: 'Hierher wird ein Formular gesendet; eine Seite zum Öffnen gibt es nicht.',
      both: 'Diese Seite lässt sich öffnen und nimmt ein Formular an, sonst nichts.',
    },
    405: {
      heading: 'So lässt sich diese Seite nicht aufrufen',
      message: 'Es wurde nichts geändert. Beginnen Sie noch einmal auf der Startseite.',
      next: 'Zur Startseite',
    },
    413: {
      heading: 'Das war zu viel',
      message:
        'Was gesendet wurde, ist größer, als diese Seite annimmt. Es wurde nichts geändert. Kürzen Sie es und senden Sie es noch einmal.',
      next: 'Zurück zum Formular',
    },
    415: {
      heading: 'Diese Seite nimmt nur Formulare an',
      message:
        'Was gesendet wurde, ist von einer Art, die sie nicht lesen kann. Es wurde nichts geändert. Benutzen Sie das Formular auf der Seite.',
      next: 'Zurück zum Formular',
    },
    421: {
      heading: 'Für diese Webadresse ist dieser Server nicht zuständig',
      message:
        'Sie haben ihn unter einem Namen erreicht, der nicht seiner ist. Gehen Sie zur richtigen Webadresse, und melden Sie sich nur dort an.',
      next: 'Zur richtigen Webadresse',
    },
    422: {
      heading: 'Das konnte nicht angenommen werden',
      message:
        'Im Formular fehlte etwas, oder etwas war nicht möglich. Es wurde nichts geändert. Sehen Sie es durch und senden Sie es noch einmal.',
      next: 'Zurück zum Formular',
    },
    429: {
      heading: 'Das war zu oft',
      message:
        'Damit niemand raten kann, geht das nur eine begrenzte Anzahl von Malen. Es wurde nichts geändert. Warten Sie ein wenig.',
      next: 'Zur Startseite',
    },
    500: {
      heading: 'Bei uns ist etwas schiefgegangen',
      message:
        'Der Fehler wurde festgehalten. Tritt er noch einmal auf, nennen Sie einem Betreiber die Anfragenummer unten.',
      next: 'Zur Startseite',
    },
    503: {
      heading: 'Das geht im Augenblick nicht',
      message:
        'Ein Teil des Dienstes ist für einen Moment nicht erreichbar. Niemand wird dadurch abgemeldet; versuchen Sie es gleich noch einmal.',
      next: 'Noch einmal versuchen',
    },
    busy: {
      heading: 'Gerade melden sich zu viele Menschen gleichzeitig an',
      message:
        'Ihre Eingaben sind in Ordnung, und es wurde nichts geändert. Versuchen Sie es in einigen Sekunden noch einmal.',
      next: 'Zurück zum Formular',
    },
    forged: {
      heading: 'Dieses Formular kam nicht von hier',
      message:
        'Ihr Browser meldet, dass eine andere Website es gesendet hat, deshalb wurde nichts geändert. Wollten Sie das wirklich tun, tun Sie es auf der Seite hier.',
      next: 'Zur Startseite',
    },
    stale: {
      heading: 'Dieses Formular ist zu alt',
      message:
        'Hier ist jetzt niemand angemeldet: Die Sitzung, in der es geöffnet wurde, ist beendet, oder Cookies wurden gelöscht oder sind ausgeschaltet. Es wurde nichts geändert. Öffnen Sie es neu und senden Sie es noch einmal.',
      next: 'Formular neu öffnen',
    },
  },
};

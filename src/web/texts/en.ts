// The words of every page that visitors see, in English. This file gives the shape: another language is a file like it,
// typed as `Texts`. A page's words stand under its name; a value is text, a sentence with a link (`linked`), one that
// counts (`counting`), or a function of what is put in. The operators' console is English and has its words in its views.
import type { PasswordProblem } from '../../core/credentials/password-policy.ts';
import type { FactorProblem } from '../../core/factors/second-factors.ts';
import type { Language } from '../../core/platform/languages.ts';
import type { FactorsSince } from '../../core/self-service/owner-proof.ts';
import type { AuthenticationMethod, SecondFactor } from '../../core/sessions/authentication-method.ts';
import type { EndReason } from '../../core/sessions/session-record.ts';
import type { Mark } from '../../core/unusual/marks.ts';
import { counting, linked } from './forms.ts';

const locale = 'en-GB';
const count = counting(locale);

export type Texts = typeof en;

export const en = {
  /** For `<html lang>`. */
  language: 'en' as Language,
  /** For times and numbers. */
  locale,
  /** What the language calls itself. */
  name: 'English',

  layout: {
    skip: 'Skip to the content',
    languages: 'Language',
  },
  nav: {
    account: 'Account',
    profile: 'Profile',
    applications: 'Applications',
    sessions: 'Sessions',
    activity: 'Activity',
    security: 'Security',
    logOut: 'Log out',
  },
  messages: {
    correct: 'Please correct:',
  },
  field: {
    error: 'Error:',
    show: 'Show',
    hide: 'Hide',
    /** Follows "Show" and "Hide" for those who hear the page. */
    which: (label: string) => ` ${label.toLowerCase()}`,
    both: ' both passwords',
  },
  /** What fields are called, on every page alike. */
  fields: {
    email: 'E-mail address',
    password: 'Password',
    current: 'Current password',
    newPassword: 'New password',
    former: 'Password that you had before',
  },
  hints: {
    newPassword: 'At least 8 characters. 15 or more is better: a few words, spaces allowed.',
    former: 'The last one that you chose yourself. Leave it empty if you don’t remember it.',
  },
  /** Why a new password is refused, and what to do instead. */
  passwordProblems: {
    too_short: 'Use at least 8 characters; 15 or more are better.',
    too_long: 'Use at most 256 bytes, which is 256 letters or some 64 emoji.',
    too_common: 'This password is among the ones that are tried first. Choose another.',
    too_close: 'This password is little more than the name of this service or your e-mail address. Choose another.',
    same_as_email: 'Don’t use your e-mail address as password. Choose another.',
    breached: 'This password has come out in a breach of some other service. Choose another.',
  } satisfies Record<PasswordProblem, string>,

  /** Moments; `clock` is a time of day, UTC. */
  moments: {
    justNow: 'just now',
    today: (clock: string) => `today at ${clock} UTC`,
    yesterday: (clock: string) => `yesterday at ${clock} UTC`,
    tomorrow: (clock: string) => `tomorrow at ${clock} UTC`,
    date: (date: string, clock: string) => `${date}, ${clock} UTC`,
    /** "in 2 minutes, at 19:07:05 UTC" */
    again: (span: string, clock: string) => `${span}, at ${clock} UTC`,
  },
  devices: {
    unknown: 'Unknown browser',
    on: (browser: string, system: string) => `${browser} on ${system}`,
    unknownAddress: 'unknown',
  },
  /** Above a form that came too late, and is shown again. */
  staleForm:
    'This form was open for too long, or cookies are turned off. Nothing was changed. What you typed is still here, but no password: enter it and send the form again.',
  /** On the page of a form that had to wait, such as for a confirmation. */
  keptForm: {
    whole: 'Nothing was done yet. What you typed is still here: press the button to go on.',
    cut: 'Nothing was done yet. What you typed was too long to be kept: enter it again.',
    nothing: 'Nothing was done yet. To go on, do it again.',
  },
  /** A form that meets another session than the one it was opened in. `isHere` follows an address. */
  otherSession: {
    title: 'Logged in already',
    isHere: 'is logged in here',
    logIn:
      'Nobody’s password, code or passkey was looked at, and nothing was changed. To log in as somebody else in this browser, log out first.',
    form: 'This form is not of this session: somebody logged in, or confirmed who they are, since it was opened. Nothing was changed. If this is not your account, log out.',
    goOn: 'Go on with this account',
    again: 'Open the form again',
  },
  throttled: (when: string) => `Too many attempts. Nothing was checked. Try again ${when}.`,

  home: {
    member: {
      heading: 'You are logged in',
      text: linked('This browser stays logged in while you use it, at most until the time that [your sessions] name.'),
      profile: 'Open your profile',
    },
    visitor: {
      heading: (service: string) => `Welcome to ${service}`,
      text: 'Log in to reach your account. You can see where you are logged in, and end every session yourself.',
      logIn: 'Log in',
      register: 'Create an account',
    },
  },
  login: {
    title: 'Log in',
    ahead: (application: string) => `You then go on to ${application}.`,
    remember: 'Keep me logged in on this browser',
    submit: 'Log in',
    register: linked('New here? [Create an account]'),
    forgot: 'Forgot your password?',
    emailMissing: 'Enter your e-mail address.',
    passwordMissing: 'Enter your password.',
    wrong: 'Wrong e-mail address or password.',
    passkey: 'Log in with a passkey',
    passkeyWrong: 'That passkey could not be used. Try again, or log in with your password.',
    late: 'The second step took longer than ten minutes, or your password was changed or your sessions were ended meanwhile. Log in again.',
    /** Perhaps after one of the next: nobody was logged in any more when a form was sent. */
    formWaits: 'Nothing was done with what you sent: it is shown again after the log-in.',
    /** Why the session of this browser is no more, said once, on the page where it leads. */
    ended: {
      logged_out: '',
      replaced: '',
      revoked: 'You ended this session from another browser. Log in to go on.',
      revoked_by_operator: 'An operator ended this session. Log in to go on.',
      password_changed: 'The password of this account was changed, which ended this session. Log in with the new one.',
      email_changed:
        'The e-mail address of this account was changed, which ended this session. Log in with the new one.',
      role_changed: 'What this account may do was changed, which ended this session. Log in to go on.',
      account_disabled: 'This account was disabled. Ask an operator if that is a mistake.',
      account_deleted: 'This account was deleted.',
      second_factor_added: 'A second factor was set up for this account. Log in with it to go on.',
      entry_lost: 'What you may enter was changed, which ended this session. Log in to go on.',
      too_many_sessions: 'This account was logged in in too many places, which ended this session. Log in to go on.',
      expired:
        'This session ended because it was not used for a while, or had reached its longest time. Log in to go on.',
    } satisfies Record<EndReason, string>,
  },
  register: {
    title: 'Create an account',
    submit: 'Create the account',
    logIn: linked('Have an account already? [Log in]'),
    emailMissing: 'Enter your e-mail address.',
    emailWrong: 'This is not a whole e-mail address, such as name@example.org.',
    emailTaken: 'There is an account with this e-mail address already. Log in instead.',
    passwordMissing: 'Choose a password.',
    sent: {
      heading: 'Check your e-mail',
      paragraphs: [
        'We have sent a link to the e-mail address that you gave. Follow it to create the account; it works for 24 hours.',
        'Nothing after a few minutes? Look in your spam folder, or check the e-mail address and try again.',
      ],
    },
    closed: {
      heading: 'Accounts are by invitation',
      paragraphs: ['Ask an operator of this service to invite you.'],
    },
  },
  forgot: {
    title: 'Forgot your password?',
    lede: 'Enter the e-mail address of your account. If there is one, we mail you a link to choose a new password.',
    submit: 'Mail me a link',
    logIn: linked('Remembered it? [Log in]'),
    sent: {
      heading: 'Check your e-mail',
      paragraphs: [
        'If there is an account with this e-mail address, a link is on its way to it. It works for 30 minutes.',
        'Nothing after a few minutes? Look in your spam folder, or try another e-mail address of yours.',
      ],
    },
  },
  reset: {
    title: 'Choose a new password',
    lede: 'Every session of yours ends when you change it. Then log in with the new one.',
    submit: 'Change the password',
  },
  verify: {
    title: 'Confirm your e-mail address',
    lede: 'One click creates your account.',
    ledePassword: 'You started in another browser. Enter the password that you chose there.',
    submit: 'Create my account',
    wrong: 'This is not the password that you chose. If you don’t remember it, create the account again.',
  },
  invitation: {
    title: 'Choose a password',
    lede: 'You are invited to create an account with this e-mail address. Choose a password for it.',
    submit: 'Create my account',
  },
  accountExists: {
    heading: 'There is an account already',
    paragraphs: ['An account with this e-mail address was created meanwhile. Log in to reach it.'],
  },
  notMe: {
    title: 'This wasn’t you?',
    lede: (device: string, address: string, when: string) =>
      `The message tells of a log-in to your account, or of what was done in it: with ${device}, from the IP address ${address}, ${when}. If that was not you, end every session and choose a new password.`,
    ledeWithoutLogin:
      'If you did not do what the message tells of, end every session and choose a new password. The old one stops working at once.',
    submit: 'End every session and choose a new password',
  },
  /** Where an account is taken back: what becomes of second factors, and the password that decides it. */
  takeBack: {
    factors: {
      none: '',
      taken_back: 'Second factors that were set up since then are removed.',
      asks: 'Second factors were set up since then. Enter the password that you had before, and they are removed. Without it they stay, and only an operator can remove them.',
      stay: 'Second factors were set up since then, and they stay. If they are not yours, ask an operator to remove them.',
    } satisfies Record<FactorsSince, string>,
    wrong: 'This is not the password that you had before. Leave it empty to go on without it.',
  },
  /** A mailed link that leads nowhere, by what it was for. */
  deadLink: {
    heading: 'This link does not work any more',
    paragraphs: {
      reset:
        'It was used, replaced by a newer one, or is older than 30 minutes; or your password or e-mail address was changed since. Ask for a new one.',
      verify: 'It was used, or is older than 24 hours. If you have no account yet, create it again.',
      invitation:
        'It was used, replaced by a newer one or revoked, or is older than 7 days. Ask whoever invited you, or an operator of this service: they can send it again. If you have an account already, log in.',
      email:
        'It was used, replaced by a newer one, or is older than an hour; or your password or e-mail address was changed since. Ask for a new one.',
      'not-me':
        'It was used, or is older than 7 days. It also stops working when a new password is chosen by a mailed link, or the e-mail address is changed: the message about that has another link. If you are not sure, choose a new password.',
      undo: 'It was used, or is older than 7 days. If you can’t log in, choose a new password.',
    },
    actions: {
      '/register': 'Create an account',
      '/forgot-password': 'Ask for a new password',
      '/account/email': 'Change the e-mail address',
      '/profile': 'Open your profile',
      '/login': 'Log in',
      '/operator/users/invitations': 'See the invitations',
      contact: 'Ask for another invitation',
    },
  },
  /** A form of a mailed link, where another link was opened in the browser since. */
  otherLink: {
    heading: 'Another link was opened since',
    paragraphs: [
      'After this page another link of the same kind was opened in this browser. It may be for another account, so nothing was changed.',
      'Follow the link in your message again, look at the e-mail address, and send the form then.',
    ],
  },
  email: {
    title: 'Change the e-mail address',
    lede: 'The e-mail address of your account is',
    field: 'New e-mail address',
    hint: 'We mail a link to it. When you follow the link, your account takes the new e-mail address, every session of yours ends, and you log in with it.',
    submit: 'Mail a link to it',
    missing: 'Enter the new e-mail address.',
    same: 'This is the e-mail address of your account already.',
    /** Follows the new address. `when` is a moment in words. */
    waits: {
      title: 'A change waits',
      text: (email: string, when: string) =>
        `You asked ${when} to change it to ${email}. Follow the link that we mailed there, and your account takes it.`,
      takeBack: 'Take the change back',
    },
    sent: {
      heading: 'Check your new mailbox',
      paragraphs: [
        'We have sent a link to the new e-mail address. It works for an hour. Nothing changes until you follow it.',
        'Nothing after a few minutes? Look in the spam folder, and check the e-mail address.',
      ],
    },
    confirm: {
      title: 'Use this e-mail address',
      lede: 'Your account takes this e-mail address. Every session of yours ends; then log in with it.',
      ledePassword:
        'You are not logged in here. Enter the password of the account that takes this e-mail address. If you did not ask for this, close this page: nothing happens.',
      wrong: 'This is not the password of that account.',
      submit: 'Use this e-mail address',
    },
    undo: {
      title: 'Take your e-mail address back',
      lede: 'Your account takes this e-mail address again. Every session ends, the password stops working, and we mail you a link to choose a new one.',
      submit: 'Take my e-mail address back',
    },
  },
  profile: {
    title: 'Profile',
    role: 'Role',
    roles: {
      member: 'Member',
      auditor: 'Auditor: reads what happens here',
      operator: 'Operator: looks after this service',
    },
    memberSince: 'Account created',
    session: 'This session',
    browser: 'Browser',
    address: 'IP address',
    loggedIn: 'Logged in',
    sessions: 'See every session',
    email: 'Change the e-mail address',
    password: 'Change the password',
    yours: 'Your data',
    data: 'Download your data',
    deletion: 'Delete the account',
  },
  sessions: {
    title: 'Sessions',
    lede: linked('Where you are logged in. If you don’t recognise one, end it and [change your password].'),
    current: 'This browser',
    address: 'IP address',
    active: 'active',
    since: 'began',
    method: (method: string) => `logged in with ${method}`,
    kept: 'kept logged in',
    until: 'ends at the latest',
    unused: 'if unused,',
    end: 'End this session',
    endOthersText: 'Lost a device, or not sure? This browser stays logged in, every other one is logged out at once.',
    endOthers: count({ one: 'End the other session', other: 'End all # other sessions' }),
    alone: 'You are logged in nowhere else.',
    knownTitle: 'Known browsers',
    known: count({
      one: 'One browser has logged in to this account before. Wrong passwords that strangers enter elsewhere don’t lock it out.',
      other:
        '# browsers have logged in to this account before. Wrong passwords that strangers enter elsewhere don’t lock them out.',
    }),
    knownNone:
      'None. The next browser that logs in becomes known: wrong passwords that strangers enter elsewhere don’t lock it out.',
    used: 'last log-in',
    knownSince: 'became known',
    forgetOne: 'Forget this browser',
    forget: 'Forget every known browser',
    forgetText: 'Nobody is logged out by this. Do it if you lost a device: to your account it is then a new browser.',
  },
  places: {
    probably: (place: string) => `probably ${place}`,
    network: (owner: string) => `network of ${owner}`,
    unusual: 'unusual:',
    guess: 'Places and networks are guesses by the IP address.',
    /** By the word in the log. */
    marks: {
      country: 'new country',
      network: 'new network',
      browser: 'new kind of browser',
      hour: 'unusual hour',
      speed: 'too far from the log-in before',
    } satisfies Record<Mark, string>,
  },
  /** How somebody logged in; follows "with". */
  methods: {
    password: 'a password',
    'password+totp': 'a password and a code of the app',
    'password+recovery_code': 'a password and a recovery code',
    'password+passkey': 'a password and a passkey',
    passkey: 'a passkey',
  } satisfies Record<AuthenticationMethod, string>,
  activity: {
    title: 'Activity',
    lede: linked(
      'What happened to your account in the last 90 days, the newest first. If a log-in was not yours, say so. [See where you are logged in].',
    ),
    none: 'Nothing was recorded in the last 90 days.',
    older: 'Show older',
    newest: 'Show the newest',
    here: 'This session',
    byOperator: 'by an operator',
    notMe: 'This wasn’t me',
    loggedIn: (method: string) => `Logged in with ${method}.`,
    /** By the word in the log. */
    newDevice: {
      browser: 'It was the first log-in with this browser.',
      address: 'It was the first log-in from this IP address.',
      'browser and address': 'It was the first log-in with this browser and from this IP address.',
    },
    /** A log-in that was refused, by what was wrong; anything else is `other`. */
    failed: {
      password: 'A log-in failed: the password was wrong.',
      totp: 'A log-in failed: the password was right, the code was not.',
      recovery_code: 'A log-in failed: the password was right, the recovery code was not.',
      passkey: 'A log-in failed: the passkey was not accepted.',
      disabled: 'A log-in failed: the account was disabled.',
      other: 'A log-in failed.',
    },
    factors: {
      totp_added: 'An authenticator app was set up.',
      totp_removed: 'The authenticator app was removed.',
      passkey_added: 'A passkey was added.',
      passkey_removed: 'A passkey was removed.',
      all_removed: 'Second factors and recovery codes were removed.',
    },
    /** A session that was ended, by why; anything else is `other`. */
    ended: {
      logged_out: 'Logged out.',
      revoked: 'A session was ended.',
      revoked_by_operator: 'An operator ended a session.',
      password_changed: 'A session ended because the password was changed.',
      too_many_sessions: 'A session ended because there were too many.',
      other: 'A session ended.',
    },
    roles: {
      member: 'Your account is a member’s from now on.',
      auditor: 'Your account is an auditor’s from now on.',
      operator: 'Your account is an operator’s from now on.',
    },
    says: {
      authn_second_factor_asked: 'The right password was entered. Then a second factor was asked for.',
      authn_confirm_fail: 'A confirmation was refused.',
      excess_rate_limit_exceeded: 'There were too many attempts. Further ones were refused for a while.',
      authn_factor_renamed: 'A passkey was renamed.',
      authn_recovery_codes_made: 'New recovery codes were made.',
      authn_password_change: 'The password was changed.',
      authn_password_change_fail: 'A change of the password was refused.',
      authn_password_reset_request: 'A link to choose a new password was asked for.',
      authn_password_reset: 'A new password was chosen by a mailed link.',
      authn_login_disowned: 'A log-in was said to be somebody else’s.',
      known_devices_forgotten: 'Known browsers were forgotten, on request or for safety after a change.',
      user_created: 'The account was created.',
      user_language_changed: 'The language was changed.',
      user_email_change_asked: 'A change of the e-mail address was asked for.',
      user_email_change_taken_back: 'A change of the e-mail address was taken back.',
      user_email_changed: 'The e-mail address was changed.',
      user_email_change_undone: 'The former e-mail address took the account back.',
      user_secured: 'The account was secured: every session ended, and the password is no longer valid.',
      api_token_created: 'An API token was made, by which a program reads the audit log as you may.',
      api_token_revoked: 'An API token was revoked.',
      user_disabled: 'The account was disabled.',
      user_enabled: 'The account was enabled again.',
      user_data_exported: 'Your data were downloaded.',
    },
    disown: {
      title: 'This wasn’t you?',
      lede: 'If this log-in was not yours, end every other session and choose a new password.',
      points: [
        'Every other session of your account ends at once. This browser stays logged in.',
        'Every known browser is forgotten.',
        'A change of your e-mail address that waits for its mail is taken back.',
      ],
      /** For whoever may have some. */
      tokens: 'API tokens that read the log for you are revoked: their programs read nothing more.',
      afterwards: linked(
        'Then choose a new password: whoever logged in knew the old one. Look at [your security] too: remove what is not yours.',
      ),
      submit: 'End every other session',
      cancel: 'It was me: go back',
    },
  },
  password: {
    title: 'Change the password',
    lede: 'Every other session of yours ends when you change it. This browser stays logged in.',
    submit: 'Change the password',
    currentMissing: 'Enter your current password.',
    newMissing: 'Choose a new password.',
    same: 'This is your current password; choose a new one.',
    wrong: 'This is not your current password.',
  },

  secondFactor: {
    title: 'One more step',
    lede: 'Your password is right. Enter the code that your authenticator app shows now.',
    code: 'Code',
    codeHint: 'Six digits.',
    submit: 'Log in',
    passkey: 'Use a passkey',
    recoverySummary: 'Use a recovery code',
    recovery: 'Recovery code',
    recoveryHint: 'Letters and digits, from the list that you kept. Each code works once.',
    recoverySubmit: 'Log in with it',
    lost: 'Lost all of it? Ask an operator.',
    other: 'Log in as somebody else',
    missing: { code: 'Enter the code.', recovery: 'Enter a recovery code.' },
    /** Why it was refused, and what to do next. `late`: the clock of the device is behind. */
    problems: {
      totp: {
        wrong:
          'This code is not right. Enter the one that is shown now; if that one fails too, turn on automatic time on the device.',
        used: 'This code has been used. Wait for the next one.',
        late: 'This code is too old: the clock of your device is behind. Turn on its automatic time, then enter a new code.',
      },
      recovery_code: {
        wrong: 'This is not one of your recovery codes.',
        used: 'This recovery code has been used. Take another one.',
        late: 'This recovery code is too old.',
      },
      passkey: {
        wrong: 'That passkey could not be used. Try again.',
        used: 'That took too long. Try again.',
        late: 'That took too long. Try again.',
      },
    } satisfies Record<SecondFactor, Record<FactorProblem, string>>,
  },
  passkeys: {
    noScript: 'Passkeys need JavaScript, which is turned off in this browser. Everything else works without.',
    failed: 'No passkey was used. You can try again.',
    exists: 'This device has a passkey for your account already.',
  },
  security: {
    title: 'Security',
    back: 'Back to security',
    required: 'Your account needs a second factor before you can go on: an authenticator app or a passkey.',
    requiredOfOperator:
      'An operator can read the log and change every account, so a password alone is not enough. Set up an authenticator app or a passkey first. Then you reach the console.',
    requiredBy: (application: string) =>
      `${application} needs a second factor. Set up an authenticator app or a passkey; then you go on there.`,
    password: 'Password',
    changePassword: 'Change the password',
    app: 'Authenticator app',
    appOn: 'Set up',
    appOff:
      'An app on your phone shows a code that changes every 30 seconds. Logging in then needs your password and a code.',
    whichApp:
      'Any app for such codes will do, such as Google Authenticator, Microsoft Authenticator, Aegis, 2FAS or 1Password.',
    setUpApp: 'Set up an app',
    removeApp: 'Remove the app',
    passkeys: 'Passkeys',
    passkeysText:
      'A passkey logs you in with your fingerprint, face or PIN, without a password. It can’t be guessed or given away by mistake.',
    since: 'added',
    lastUsed: 'last used',
    neverUsed: 'never used',
    rename: 'Rename',
    saveName: 'Save the name',
    addPasskey: 'Add a passkey',
    removePasskey: 'Remove this passkey',
    codes: 'Recovery codes',
    codesLeft: count({
      one: 'One unused code is left. Each lets you in once when you have lost the rest.',
      other: '# unused codes are left. Each lets you in once when you have lost the rest.',
    }),
    renewCodes: 'Make new codes',
    codesShown: 'You have not said yet that you have kept your new codes. They are shown for an hour at most.',
    showCodes: 'Show the codes',
    tokens: 'API tokens',
    tokensText:
      'Programs read the audit log with them, as you may. An operator made them. They go on when you change your password: revoke one that you don’t know, and ask an operator who made it.',
    tokenSince: 'made',
    tokenUntil: 'good until',
    revokeToken: 'Revoke this token',
    others:
      'You are logged in elsewhere too. If you changed something here because you don’t trust those browsers, end their sessions.',
    lastRequired: 'Your account needs a second factor, and this is the last. Set up another one first.',
  },
  authenticator: {
    title: 'Set up an authenticator app',
    scan: 'Scan this with the app.',
    qr: 'QR code for the authenticator app',
    type: 'Or type this key into it:',
    open: 'Or open the app on this device',
    enter: 'Enter the code that the app shows.',
    submit: 'Set it up',
    missing: 'Enter the code that the app shows.',
    problems: {
      wrong:
        'This code is not right. Enter the one that is shown now; if that one fails too, turn on automatic time on the device.',
      late: 'This code is too old: the clock of your device is behind. Turn on its automatic time, then enter a new code.',
      exists: 'An app is set up already. Remove it before you set up another one.',
    },
  },
  recoveryCodes: {
    title: 'Keep these recovery codes',
    lede: 'Each lets you in once when you have lost your other factors. Print them, or keep them where you keep passwords. They are shown until you say that you have kept them, for an hour at most.',
    download: 'Download',
    copy: 'Copy',
    copied: 'Copied',
    print: 'Print',
    kept: 'I have kept them',
  },
  passkey: {
    title: 'Add a passkey',
    lede: 'Your browser asks for your fingerprint, face, PIN or security key next.',
    name: 'Name',
    nameHint: 'So that you know it among others.',
    submit: 'Make the passkey',
    nameWrong: 'A name needs 1 to 60 characters.',
    problems: {
      wrong:
        'The browser’s answer could not be used, or it took longer than five minutes. Nothing was added. Try again.',
      exists: 'This passkey is known already.',
      too_many: 'There are 20 passkeys already. Remove one first.',
    },
  },
  confirm: {
    title: 'Confirm that it is you',
    lede: 'This needs your password again. You stay logged in, and what you typed is kept.',
    ledeFactor:
      'This needs your password and your second factor again. You stay logged in, and what you typed is kept.',
    /** What it is for. */
    acts: {
      password: 'You want to change your password.',
      email: 'You want to change your e-mail address.',
      data: 'You want to download your data.',
      deletion: 'You want to delete your account.',
      session: 'You want to end a session.',
      otherSessions: 'You want to end your other sessions.',
      browsers: 'You want to forget known browsers.',
      disowning: 'You say that a log-in was not yours.',
      app: 'You want to set up an authenticator app.',
      removeApp: 'You want to remove your authenticator app.',
      passkey: 'You want to add a passkey.',
      removePasskey: 'You want to remove a passkey.',
      codes: 'You want to see or make recovery codes.',
      token: 'You want to revoke an API token.',
      security: 'You want to change what protects your account.',
      application: 'You want to open an application that asks for a recent log-in.',
      export: 'You want to export the audit log.',
      operator: 'You want to do something as an operator.',
      other: 'You want to do something that is protected.',
    },
    cancel: 'Cancel',
    codeHint: 'Six digits, from your authenticator app.',
    submit: 'Confirm',
    passwordMissing: 'Enter your password.',
    wrong: 'This is not your password.',
    passkey: 'Confirm with a passkey',
    passkeyWrong: 'That passkey could not be used. Try again, or enter your password and a code.',
  },

  data: {
    title: 'Your data',
    lede: 'A file (JSON) with all that is kept about you:',
    points: [
      'your account, your passkeys and whether you use an authenticator app',
      'groups that you are in, and what your log-ins are usually like',
      'your sessions, those that have ended too, with browser and IP address',
      'browsers that are known to have logged in',
      'attempts to log in to your account',
      'mails that were sent to you lately',
      'API tokens and saved views, if you have such',
      'events in the log that you caused or that were about you',
    ],
    without: 'Your password is not in it: only a hash of it is kept. Keep the file to yourself all the same.',
    submit: 'Download your data',
  },
  deletion: {
    title: 'Delete the account',
    lede: 'This deletes your account at once and for good. Nobody can bring it back, operators included. The account:',
    goes: 'What goes',
    going: [
      'Every session ends, this one and those on other browsers.',
      'Your e-mail address, your password, passkeys and codes are deleted. The e-mail address is free for a new account.',
      'Known browsers, links that were mailed to you, and records of log-ins to your account are deleted.',
    ],
    stays: 'What stays',
    staying: [
      'The log keeps that an account was created, used and deleted, under a number that no longer leads to you. Your IP addresses and browsers are taken out of it.',
    ],
    download: linked('You may want to [download your data] first.'),
    understood: 'Delete my account. I know that this can’t be undone.',
    notUnderstood: 'Tick the box if you want this.',
    submit: 'Delete the account',
    lastOperator:
      'You are the last operator. Make somebody else an operator first; otherwise nobody could look after this service.',
  },

  /** Where mail is shown instead of sent. */
  shownMail: {
    paragraphs: ['This installation sends no mail. It shows what it would have sent.'],
    read: 'Read the mail',
  },
  /** What was just done (`?done=`), said once on the page that it leads to. */
  done: {
    'factor-added': 'It is set up: from now on a log-in asks for a second factor.',
    'factor-removed': 'It was removed. A log-in still asks for a second factor.',
    'last-factor-removed': 'It was removed, and with it your recovery codes. A log-in needs your password alone.',
    'codes-made': 'These codes count from now on. The old ones no longer work.',
    'codes-kept': 'You have kept your recovery codes. They are not shown again.',
    'codes-gone': 'Your recovery codes are no longer shown. If you have not kept them, make new ones.',
    'passkey-renamed': 'The passkey has its new name.',
    'api-token-revoked': 'The token was revoked: whoever has it reads nothing more.',
    'session-ended': 'That session has ended.',
    'others-ended': 'All other sessions have ended.',
    'application-ended': 'You are logged out there.',
    'logged-out': 'You are logged out.',
    'account-deleted': 'Your account was deleted, and every session of it has ended.',
    'browsers-forgotten': 'No browser is known any more.',
    'browser-forgotten': 'That browser is known no longer.',
    'login-disowned': 'Every other session has ended. Now choose a new password: whoever logged in knew the old one.',
    'password-changed': 'Your password was changed, and every other session has ended.',
    'password-reset': 'Your password was changed, and every session has ended. Log in with the new one.',
    registered: 'Your e-mail address is confirmed, and your account is created.',
    'email-change-taken-back': 'The change was taken back. The link that we mailed no longer works.',
    'email-change-gone': 'There is no change to take back: it was confirmed, replaced, or took longer than an hour.',
    'email-changed': 'Your e-mail address was changed, and every session has ended. Log in with the new one.',
    'email-taken-back': 'The e-mail address is yours again. A link to choose a new password is on its way to it.',
  },

  /** Pages on an application's own host, and those on the way into one. */
  applications: {
    title: 'Applications',
    lede: 'What you may open with this account. While you are logged in here, you need no password there.',
    none: 'There is nothing here that you may open.',
    logins: 'Where you are logged in',
    loginsNone: 'You are logged in to no application.',
    end: 'Log out there',
    thisSession: 'from this browser',
    active: 'active',
    since: 'entered',
    under: (names: string) => `Logged in from here to ${names}`,
    all: 'See all applications',
    onward: {
      heading: (name: string) => `You are logged in. ${name} opens now.`,
      link: (name: string) => `Go on to ${name}`,
    },
    refused: {
      heading: (name: string | null) => `You may not enter ${name ?? 'this application'}`,
      message: 'Your account has no access to it. If it should have, ask an operator.',
      disabled: 'It is turned off at the moment. Ask an operator when it comes back.',
      unknown: 'There is no application of this name, or it was removed. Go back to where you came from.',
      next: 'See what you may open',
    },
    loop: {
      heading: (name: string) => `${name} does not keep you logged in`,
      why: 'Your browser was sent here five times within half a minute, so we stopped. The application’s cookie does not come back to it.',
      causes:
        'That happens where the application is opened over http instead of https, under another name than it is registered by, inside a frame of another site, or where the browser refuses cookies.',
      next: 'Wait half a minute, then open it again. If that does not help, show an operator this page.',
    },
    unsent: {
      heading: 'This was not sent',
      why: 'You are not logged in here any more, so the application did not get what you sent.',
      next: 'Log in in a new tab, then come back to this one and send it again. Reloading this page does that.',
      link: 'Log in',
    },
    ticket: {
      heading: 'You were not logged in',
      old: 'The way in was used already, or is older than a minute.',
      cookie:
        'The way in belongs to another browser, or this browser did not keep the cookie of this host: it refuses cookies, or the page is in a frame.',
      again: 'Start again',
    },
    logout: {
      heading: (name: string) => `Log out of ${name}?`,
      what: (service: string) =>
        `You can log out here alone, or everywhere: of ${service} in this browser and of every application that you opened from it.`,
      here: 'Log out here',
      everywhere: 'Log out everywhere',
      nobody: 'You are not logged in here.',
      done: 'You are logged out',
      doneHere: (service: string) =>
        `You are still logged in to ${service} in this browser: opening the application lets you in again.`,
      doneEverywhere: 'You are logged out of everything that you opened from this browser.',
      again: 'Open the application',
    },
    away: {
      heading: 'This can’t be done right now',
      message: 'A part of the service is away for a moment. Nobody is logged out by this; try again shortly.',
    },
    missing: { heading: 'There is no page here', message: 'The link may be mistyped.' },
  },
  errors: {
    /** The line under each error page. */
    reference: (status: number) => `Error ${status}. If you ask for help, quote the request id`,
    retry: (when: string) => `Try again ${when}.`,
    400: {
      heading: 'This request could not be read',
      message: 'Something in it was broken on the way. Nothing was changed. Go back and send the form again.',
      next: 'Back to the form',
    },
    403: {
      heading: 'You may not see this page',
      message: 'Your account has no access to it. If it should have, ask an operator.',
      next: 'Open your profile',
    },
    404: {
      heading: 'There is no page here',
      message: 'The web address may be mistyped, or the page was moved.',
      next: 'Go to the front page',
    },
    /** What a page takes that was asked in another way. */
    allowed: {
      page: 'This page can be opened, but takes no form.',
      form: 'A form is sent here; there is no page to open.',
      both: 'This page can be opened, and takes a form; it takes nothing else.',
    },
    405: {
      heading: 'This page can’t be asked that way',
      message: 'Nothing was changed. Start again from the front page.',
      next: 'Go to the front page',
    },
    413: {
      heading: 'That was too much',
      message: 'What was sent is larger than this page takes. Nothing was changed. Shorten it and send it again.',
      next: 'Back to the form',
    },
    415: {
      heading: 'This page takes forms only',
      message: 'What was sent is of a type that it can’t read. Nothing was changed. Use the form on the page.',
      next: 'Back to the form',
    },
    421: {
      heading: 'This server does not answer for that web address',
      message: 'You reached it by a name that is not its own. Go to the right one, and log in only there.',
      next: 'Go to the right web address',
    },
    422: {
      heading: 'This could not be accepted',
      message: 'Something in the form was missing or not possible. Nothing was changed. Look at it and send it again.',
      next: 'Back to the form',
    },
    429: {
      heading: 'That was too often',
      message: 'To keep guessers out, this can be done only so many times. Nothing was changed. Wait a little.',
      next: 'Go to the front page',
    },
    500: {
      heading: 'Something went wrong on our side',
      message: 'The error was recorded. If it happens again, tell an operator the request id below.',
      next: 'Go to the front page',
    },
    503: {
      heading: 'This can’t be done right now',
      message: 'A part of the service is away for a moment. Nobody is logged out by this; try again shortly.',
      next: 'Try again',
    },
    busy: {
      heading: 'Too many people are logging in right now',
      message: 'Nothing is wrong with what you typed, and nothing was changed. Try again in a few seconds.',
      next: 'Back to the form',
    },
    forged: {
      heading: 'This form did not come from here',
      message:
        'Your browser says that another site sent it, so nothing was changed. If you meant to do this, do it on the page here.',
      next: 'Go to the front page',
    },
    stale: {
      heading: 'This form is too old to send',
      message:
        'Nobody is logged in here now: the session in which it was opened has ended, or cookies were deleted or are turned off. Nothing was changed. Open it again and send it once more.',
      next: 'Open the form again',
    },
  },
};

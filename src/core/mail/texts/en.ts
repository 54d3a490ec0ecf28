// The words of every mail, in English.

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
import { alertsInEnglish } from './alerts-en.ts';

/** Made for the first mail that tells of a moment: a web process sends none. */
let moment: Intl.DateTimeFormat | undefined;

const DEVICES: DeviceWords = {
  unknown: 'an unknown browser',
  on: (browser, system) => `${browser} on ${system}`,
  places: { 'the operators’ console': 'the operators’ console', 'the command line': 'the command line' },
};

const CHANGES: Readonly<Record<FactorChange, string>> = {
  totp_added: 'An authenticator app was set up for your account',
  totp_removed: 'The authenticator app of your account was removed',
  passkey_added: 'A passkey was added to your account',
  passkey_removed: 'A passkey of your account was removed',
  codes_made: 'New recovery codes were made for your account',
  newer_removed: 'The second factors that were added to your account since somebody else logged in were removed',
};

/** Of a link that takes an account back. */
const FIRST =
  'The link works once, for 7 days, also after your password was changed. A new password chosen by “Forgot your password?” ends it, so use this link first.';
const FACTORS =
  'If second factors were added by somebody else, use a browser that you have logged in with before, or have the password at hand that you had.';
const DISOWNING = [FIRST, FACTORS];

export const english: MailTexts = {
  address: 'If the button does not work, open this link:',
  footer: ({ serviceName }) => `${serviceName} sent this. Replies aren’t read.`,

  'reset-password': (from, { serviceName, link }) => ({
    subject: `Choose a new password for ${serviceName}`,
    paragraphs: [`Somebody asked to choose a new password for your account ${where(from)}.`],
    action: { label: 'Choose a new password', href: link },
    after: [
      'The link works once, for 30 minutes.',
      'If it was not you, do nothing: your password stays as it is, and nobody learns whether you have an account.',
    ],
  }),

  'password-changed': (from, { serviceName, page, link }) => ({
    subject: `Your password for ${serviceName} was changed`,
    paragraphs: [
      `The password of your account was changed ${where(from)}. Sessions on other browsers have ended.`,
      'If that was you, there is nothing to do. If it was not, end every session and choose a new password now:',
    ],
    ...(link === ''
      ? { action: { label: 'Choose a new password', href: page('/forgot-password') } }
      : { action: { label: 'This wasn’t me', href: link }, after: DISOWNING }),
  }),

  'new-device': (from, { serviceName, link }) => ({
    subject: `A new log-in to ${serviceName}`,
    paragraphs: [
      `Somebody logged in to your account from a browser or a network that was new to it: ${where(from)}.`,
      ...unusual(from),
      'If that was you, there is nothing to do. If it was not, end every session and choose a new password now:',
    ],
    action: { label: 'This wasn’t me', href: link },
    after: DISOWNING,
  }),

  'second-factor-left': (from, { serviceName, link }) => ({
    subject: `Your password for ${serviceName} was given, but not your second factor`,
    paragraphs: [
      `Somebody gave the right password of your account ${where(from)}, and did not finish the second step. Nobody was logged in.`,
      'If that was you, there is nothing to do. If it was not, somebody knows your password: end every session and choose a new one now:',
    ],
    action: { label: 'This wasn’t me', href: link },
    after: [FIRST],
  }),

  'second-factor-blocked': (from, { serviceName, link }) => ({
    subject: `Wrong codes at your account with ${serviceName}`,
    paragraphs: [
      `Somebody gave the right password of your account and then several wrong codes, the last ${where(from)}. Further codes are refused for a while.`,
      'If that was you, there is nothing to do. If it was not, somebody knows your password: end every session and choose a new one now:',
    ],
    action: { label: 'This wasn’t me', href: link },
    after: [FIRST],
  }),

  'account-deleted': (from, { serviceName }) => ({
    subject: `Your account with ${serviceName} was deleted`,
    paragraphs: [
      `Your account was deleted ${where(from)}. Every session of it has ended.`,
      `It can’t be brought back. If you did not do this, tell whoever runs ${serviceName}.`,
    ],
  }),

  'confirm-registration': (from, { serviceName, link }) => ({
    subject: `Confirm your e-mail address for ${serviceName}`,
    paragraphs: [`Somebody asked to create an account with this e-mail address ${where(from)}. One step is left:`],
    action: { label: 'Confirm this e-mail address', href: link },
    after: [
      'The link works once, for 24 hours. There is no account before that.',
      'If it was not you, do nothing, and don’t follow the link.',
    ],
  }),

  'registration-exists': (from, { serviceName, page }) => ({
    subject: `You have an account with ${serviceName} already`,
    paragraphs: [
      `Somebody asked to create an account with this e-mail address ${where(from)}. There is one already, and nothing was changed.`,
      'If it was you, log in. If you forgot the password, you can choose a new one there.',
    ],
    action: { label: 'Log in', href: page('/login') },
    after: ['If it was not you, there is nothing to do.'],
  }),

  invitation: (_, { serviceName, link }) => ({
    subject: `You are invited to ${serviceName}`,
    paragraphs: [`An operator of ${serviceName} invites you to create an account with this e-mail address.`],
    action: { label: 'Choose a password', href: link },
    after: ['The link works once, for 7 days. If you don’t want an account, do nothing.'],
  }),

  'confirm-email': (_, { serviceName, link }) => ({
    subject: `Confirm your new e-mail address for ${serviceName}`,
    paragraphs: ['You asked to use this e-mail address for your account. Confirm it to finish:'],
    action: { label: 'Use this e-mail address', href: link },
    after: ['The link works once, for an hour. If you asked for nothing, do nothing.'],
  }),

  'factor-changed': ({ change, ...from }, { serviceName, page, link }) => ({
    subject: `The second factors of your account with ${serviceName} were changed`,
    paragraphs: [
      `${CHANGES[change]} ${where(from)}.`,
      link === ''
        ? 'If that was you, there is nothing to do. If it was not, end your other sessions, take the change back, and change your password:'
        : 'If that was you, there is nothing to do. If it was not, end every session and choose a new password now:',
    ],
    ...(link === ''
      ? { action: { label: 'See what protects your account', href: page('/account/security') } }
      : { action: { label: 'This wasn’t me', href: link }, after: DISOWNING }),
  }),

  'factors-removed': (_, { serviceName, page }) => ({
    subject: `The second factors of your account with ${serviceName} were removed`,
    paragraphs: [
      'An operator removed your authenticator app, passkeys and recovery codes, and ended your sessions.',
      'Log in with your password and set up a second factor again. If you did not ask for this, tell an operator.',
    ],
    action: { label: 'Log in', href: page('/login') },
  }),

  'account-secured': ({ factors }, { serviceName, page, link }) => ({
    subject: `Your account with ${serviceName} was secured`,
    paragraphs: [
      'An operator secured your account, because somebody else may have got into it: every session has ended, its password is no longer valid, and no browser is known to it any more.',
      factors === 'removed'
        ? 'Your second factors were removed too: set one up again once you are back.'
        : 'Your second factors are as they were. Once you are back, look through them and remove what is not yours.',
      'Choose a new password, one that you use nowhere else:',
    ],
    action: { label: 'Choose a new password', href: link === '' ? page('/forgot-password') : link },
    after:
      link === ''
        ? []
        : [`The link works once, for 30 minutes. After that, ask for another one here: ${page('/forgot-password')}`],
  }),

  // Without the token's name: whoever made it may have written a link into it.
  'api-token-made': (from, { serviceName, page, link }) => ({
    subject: `An API token was made for your account with ${serviceName}`,
    paragraphs: [
      `An API token was made for your account ${where(from)}. Whoever has it reads the audit log as you may, until it expires or is revoked.`,
      link === ''
        ? 'If you know what it is for, there is nothing to do. If not, revoke it, and ask an operator who made it:'
        : 'If that was you, there is nothing to do. If it was not, end every session, revoke every API token of yours and choose a new password now:',
    ],
    ...(link === ''
      ? { action: { label: 'See your API tokens', href: page('/account/security') } }
      : { action: { label: 'This wasn’t me', href: link }, after: DISOWNING }),
  }),

  // Without the new address: whoever chose it may have written a link into it.
  'email-changed': (from, { serviceName, link }) => ({
    subject: `The e-mail address of your account with ${serviceName} was changed`,
    paragraphs: [
      `Your account has another e-mail address now: it was changed ${where(from)}.`,
      'If that was you, there is nothing to do. If it was not, take your e-mail address back: that ends every session, and you choose a new password.',
    ],
    action: { label: 'Take my e-mail address back', href: link },
    after: ['The link works once, for 7 days.', FACTORS],
  }),

  welcome: ({ hasPassword }, { serviceName, page }) => ({
    subject: `Your account has moved to ${serviceName}`,
    paragraphs: [
      `Your account is at ${serviceName} from now on.`,
      hasPassword
        ? 'Log in with this e-mail address and the password that you had before.'
        : 'It has no password yet. Choose one to log in.',
    ],
    action: hasPassword
      ? { label: 'Log in', href: page('/login') }
      : { label: 'Choose a password', href: page('/forgot-password') },
  }),

  alert: (told, about) => alertText(told, about, alertsInEnglish),
};

function inWords(at: string): string {
  moment ??= new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', dateStyle: 'long', timeStyle: 'short' });
  return moment.format(new Date(at));
}

const UNUSUAL: Readonly<Record<Mark, string>> = {
  country: 'a new country',
  network: 'a new network',
  browser: 'a new kind of browser',
  hour: 'an hour at which you don’t log in',
  speed: 'too far away from your last log-in for the time between',
};

function unusual({ unusual: marks = [] }: LogInTraits): string[] {
  return marks.length > 0 ? [`Unusual for your account: ${marks.map((mark) => UNUSUAL[mark]).join('; ')}.`] : [];
}

/** "on 24 November 2026 at 13:20 UTC (22:20 in Asia/Tokyo), with Firefox on Windows, from the IP address 203.0.113.7" */
function where(circumstances: Circumstances & LogInTraits): string {
  const { at, ip } = circumstances;
  const country = countryOf(circumstances, 'en');
  const guess = country === null ? '' : ` (${country}, a guess by the address)`;
  const from = ip === null ? '' : `, from the IP address ${ip}${guess}`;
  const there = clockThere(circumstances, 'en-GB');
  return `on ${inWords(at)} UTC${there === null ? '' : ` (${there})`}, with ${deviceIn(circumstances, DEVICES)}${from}`;
}

// Every mail that Holdfast sends, with its parameters. Each has its words in every language of
// texts/, and, if it has a one-time link, the path of that here.

import { countryName } from '../places/country-names.ts';
import type { Language } from '../platform/languages.ts';
import type { Mark } from '../unusual/marks.ts';
import type { ToldAlert } from './alerts.ts';
import { knownBrowser, knownSystem } from './browser-names.ts';

export interface Circumstances {
  /** ISO 8601 */
  readonly at: string;
  /** "Firefox on Windows", in the language of whoever acts. */
  readonly device: string;
  /** The names in `device`, for the words of another language; null if unknown. */
  readonly browser?: string | null;
  readonly system?: string | null;
  readonly ip: string | null;
  /** The zone of the browser that acted ("Asia/Tokyo"), where it is known. */
  readonly zone?: string | null;
}

/** What a file and earlier log-ins tell of a log-in; looked up when its mail is rendered, not kept with it. */
export interface LogInTraits {
  /** ISO 3166-1. */
  readonly country?: string;
  readonly unusual?: readonly Mark[];
}

export interface Told {
  readonly language: Language;
  readonly from: Circumstances;
}

/** As `device` where an operator acts: each language has its words for them. */
export const OPERATORS_PLACES = ['the operators’ console', 'the command line'] as const;

export type FactorChange =
  | 'totp_added'
  | 'totp_removed'
  | 'passkey_added'
  | 'passkey_removed'
  | 'codes_made'
  | 'newer_removed';

/** Template → parameters, which are kept with the mail: never a secret. */
export interface MailTemplates {
  'reset-password': Circumstances;
  'password-changed': Circumstances;
  'new-device': Circumstances & LogInTraits;
  'second-factor-left': Circumstances & LogInTraits;
  'second-factor-blocked': Circumstances & LogInTraits;
  'account-deleted': Circumstances;
  'confirm-registration': Circumstances;
  'registration-exists': Circumstances;
  invitation: Record<string, never>;
  'confirm-email': Record<string, never>;
  'factor-changed': Circumstances & { readonly change: FactorChange };
  'factors-removed': Record<string, never>;
  'account-secured': { readonly factors: 'kept' | 'removed' };
  'api-token-made': Circumstances;
  'email-changed': Circumstances & { readonly to: string };
  welcome: { readonly hasPassword: boolean };
  alert: ToldAlert;
}

export type MailTemplate = keyof MailTemplates;

/** The path of a mail's one-time link. */
export const LINK_PATHS: Readonly<Partial<Record<MailTemplate, string>>> = {
  'reset-password': '/reset-password',
  'account-secured': '/reset-password',
  'new-device': '/not-me',
  'second-factor-left': '/not-me',
  'second-factor-blocked': '/not-me',
  'password-changed': '/not-me',
  'factor-changed': '/not-me',
  'api-token-made': '/not-me',
  'confirm-registration': '/verify-email',
  invitation: '/invitation',
  'confirm-email': '/confirm-email',
  'email-changed': '/undo-email-change',
};

/** Mail that is sent without its link where it has none, or that counts no more: it tells of something that was done. */
export const LINK_IS_OPTIONAL: ReadonlySet<string> = new Set<MailTemplate>([
  'password-changed',
  'factor-changed',
  'account-secured',
  'api-token-made',
]);

/** Text only: the layouts make plain text and HTML of it. */
export interface MailText {
  readonly subject: string;
  readonly paragraphs: readonly string[];
  readonly action?: { readonly label: string; readonly href: string };
  /** Below the action. */
  readonly after?: readonly string[];
}

export interface About {
  readonly serviceName: string;
  /** Empty without a one-time link. */
  readonly link: string;
  page(path: string): string;
}

export interface DeviceWords {
  readonly unknown: string;
  readonly on: (browser: string, system: string) => string;
  readonly places: Readonly<Record<(typeof OPERATORS_PLACES)[number], string>>;
}

/**
 * "Firefox auf Windows", also where whoever acted reads English. Of what the row says only known names reach the mail,
 * whichever version wrote it.
 */
export function deviceIn({ device, browser, system }: Circumstances, { unknown, on, places }: DeviceWords): string {
  const place = OPERATORS_PLACES.find((one) => one === device);
  if (place !== undefined) return places[place];
  const [name, its] = [knownBrowser(browser) ?? unknown, knownSystem(system)];
  return its === null ? name : on(name, its);
}

/**
 * What a clock in the zone of the browser said, with that zone: "22:20 in Asia/Tokyo", with the day where that is another one.
 * Null where it is UTC, or no zone that this server knows.
 */
export function clockThere({ at, zone }: Circumstances, locale: string): string | null {
  if (!zone || !/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(zone)) return null;
  const moment = new Date(at);
  const says = (timeZone: string, options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { timeZone, ...options }).format(moment);
  try {
    const isOtherDay = says(zone, { dateStyle: 'long' }) !== says('UTC', { dateStyle: 'long' });
    const clock = says(zone, isOtherDay ? { dateStyle: 'long', timeStyle: 'short' } : { timeStyle: 'short' });
    return zone === 'UTC' ? null : `${clock} in ${zone}`;
  } catch {
    return null;
  }
}

/** The country of a log-in by its name; null if nothing is known of it. */
export function countryOf({ country }: LogInTraits, locale: string): string | null {
  return country === undefined ? null : countryName(country, locale);
}

export type MailTexts = {
  readonly [Template in MailTemplate]: (parameters: MailTemplates[Template], about: About) => MailText;
} & {
  readonly footer: (about: About) => string;
  /** Above the link as text, for mail programs that show no button. */
  readonly address: string;
};

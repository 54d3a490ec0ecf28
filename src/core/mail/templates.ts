// Every mail that Holdfast sends, with what its words need. Whoever adds one writes its words in each language
// (mail-texts/) and, where it holds a one-time link, says where that leads.
import type { Language } from '../platform/languages.ts';

/** Where something was done from, in words: the browser, and the address or null. */
export interface Circumstances {
  /** ISO 8601 */
  readonly at: string;
  /** "Firefox on Windows", as whoever acts reads. */
  readonly device: string;
  /** The names in it, so that the words of another language can be put around them; null where there is none. */
  readonly browser?: string | null;
  readonly system?: string | null;
  readonly ip: string | null;
}

/** How to write to whoever acts, and what to say of where they did it from. */
export interface Told {
  readonly language: Language;
  readonly from: Circumstances;
}

/** Where operators act from, as `device`: each language has its words for them. */
export const OPERATORS_PLACES = ['the operators’ console', 'the command line'] as const;

export type FactorChange =
  | 'totp_added'
  | 'totp_removed'
  | 'passkey_added'
  | 'passkey_removed'
  | 'codes_made'
  | 'newer_removed';

/** Template → parameters. They are kept with the mail for a while: never a secret. */
export interface MailTemplates {
  'reset-password': Circumstances;
  'password-changed': Circumstances;
  'new-device': Circumstances;
  'account-deleted': Circumstances;
  'confirm-registration': Circumstances;
  'registration-exists': Circumstances;
  invitation: Record<string, never>;
  'confirm-email': Record<string, never>;
  'factor-changed': Circumstances & { readonly change: FactorChange };
  'factors-removed': Record<string, never>;
  'email-changed': Circumstances & { readonly to: string };
}

export type MailTemplate = keyof MailTemplates;

/** Where the one-time link of a mail leads; one that is not here has none. */
export const LINK_PATHS: Readonly<Partial<Record<MailTemplate, string>>> = {
  'reset-password': '/reset-password',
  'new-device': '/not-me',
  'confirm-registration': '/verify-email',
  invitation: '/invitation',
  'confirm-email': '/confirm-email',
  'email-changed': '/undo-email-change',
};

/** What a mail says. Text only: the layouts make plain text and HTML of it. */
export interface MailText {
  readonly subject: string;
  readonly paragraphs: readonly string[];
  readonly action?: { readonly label: string; readonly href: string };
  /** Below the action. */
  readonly after?: readonly string[];
}

/** What every text may need beside its parameters. */
export interface About {
  readonly serviceName: string;
  /** The one-time link, where the mail has one. */
  readonly link: string;
  /** A page of this service. */
  page(path: string): string;
}

/** The words that a language puts around the names of a browser and a system. */
export interface DeviceWords {
  readonly unknown: string;
  readonly on: (browser: string, system: string) => string;
  readonly places: Readonly<Record<(typeof OPERATORS_PLACES)[number], string>>;
}

/** "Firefox auf Windows", also where whoever acted reads English. A mail of an older version has the words alone. */
export function deviceIn({ device, browser, system }: Circumstances, { unknown, on, places }: DeviceWords): string {
  const place = OPERATORS_PLACES.find((one) => one === device);
  if (place !== undefined) return places[place];
  if (browser === undefined || system === undefined) return device;
  return system === null ? (browser ?? unknown) : on(browser ?? unknown, system);
}

export type MailTexts = {
  readonly [Template in MailTemplate]: (parameters: MailTemplates[Template], about: About) => MailText;
} & {
  /** Below every mail: why it was sent, and that nobody reads answers. */
  readonly footer: (about: About) => string;
  /** Above the address of the action, for mail programs that show no button. */
  readonly address: string;
};

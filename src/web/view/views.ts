// What each page is given, one typed object a view. A view's object is built by hand, never spread from a request or a
// row: EJS reads some keys of its locals as options of its own.
import type { Texts } from '../texts/en.ts';
import type { ShownTime } from '../texts/times-and-devices.ts';
import type { ConsoleViews } from './console-views.ts';
import type { FormProblems, SessionRow } from './view-parts.ts';

/** Where a page stands in the navigation: the account's, or the console's. */
export type Place =
  | 'home'
  | 'profile'
  | 'sessions'
  | 'password'
  | 'security'
  | 'overview'
  | 'audit'
  | 'people'
  | 'attempts'
  | 'blocks'
  | 'mail'
  | 'queues';

/** What the layout needs around every page. */
export interface Frame {
  /** The words of the page; the operators' console reads English. */
  readonly text: Texts;
  /** Other languages to read the page in, and the address that the choice leads back to. */
  readonly languages: {
    readonly others: readonly { readonly code: string; readonly name: string }[];
    readonly back: string;
  };
  readonly serviceName: string;
  readonly title: string;
  /** The page's place in the navigation, if it has one. */
  readonly current: Place | null;
  /** Who is logged in. */
  readonly member: { readonly email: string; readonly operator: boolean } | null;
  /** The token of every form on the page. */
  readonly csrf: string;
  /** One sentence about what just happened, said once above the page. */
  readonly notice: { readonly kind: 'done' | 'info'; readonly text: string } | null;
  /** Operator pages are wider and denser. */
  readonly wide: boolean;
  /** The page uses passkeys, and needs their script. */
  readonly passkeys?: boolean;
}

export interface Views extends ConsoleViews {
  home: { readonly loggedIn: boolean; readonly registers: boolean };
  login: FormProblems & {
    readonly email: string;
    readonly remember: boolean;
    /** Where to go afterwards: a same-origin path, for the hidden field. */
    readonly next: string | null;
    /** Where to make an account, and where to go without the password; null where there is no such page. */
    readonly registerHref: string | null;
    readonly forgotHref: string | null;
  };
  register: FormProblems & {
    readonly email: string;
    readonly next: string | null;
    readonly loginHref: string;
  };
  'login/second-factor': FormProblems & {
    /** Which ways the account has. */
    readonly totp: boolean;
    readonly passkeys: boolean;
  };
  'account/security': FormProblems & {
    /** It needs a second factor before it may do anything else. */
    readonly required: boolean;
    /** Where factors are set up; from there it goes on to the page that was asked for before. */
    readonly appHref: string;
    readonly newPasskeyHref: string;
    readonly totpSince: ShownTime | null;
    readonly passkeys: readonly {
      readonly id: string;
      readonly name: string;
      readonly since: ShownTime;
      readonly lastUsed: ShownTime | null;
    }[];
    readonly hasFactor: boolean;
    readonly recoveryCodesLeft: number;
    readonly othersCount: number;
  };
  'account/authenticator': FormProblems & {
    readonly secret: string;
    /** The secret for the form, readable by this server alone. */
    readonly sealed: string;
    /** Where to go afterwards: a same-origin path, for the hidden field. */
    readonly next: string | null;
    readonly uri: string;
    readonly qr: { readonly size: number; readonly path: string };
  };
  'account/recovery-codes': {
    readonly codes: readonly string[];
    readonly download: string;
    /** Where to go once they are kept. */
    readonly onward: string;
  };
  'account/passkey': FormProblems & {
    readonly name: string;
    readonly next: string | null;
  };
  confirm: FormProblems & {
    /** Whether the account has passkeys. */
    readonly passkeys: boolean;
    readonly email: string;
    /** Where to go afterwards: a same-origin path, for the hidden field. */
    readonly next: string | null;
  };
  /** A page that only says something, and perhaps where to go next. */
  message: {
    readonly heading: string;
    readonly paragraphs: readonly string[];
    readonly action: { readonly href: string; readonly label: string } | null;
  };
  'forgot-password': FormProblems & { readonly email: string };
  'choose-password': FormProblems & {
    readonly heading: string;
    readonly lede: string;
    /** The path that the form is sent to. */
    readonly action: string;
    readonly submit: string;
    readonly email: string;
  };
  /** What a mailed link opens: one button, and perhaps the password. */
  'confirm-link': FormProblems & {
    readonly heading: string;
    readonly lede: string;
    readonly action: string;
    readonly submit: string;
    /** The address that it is about; empty where the lede says it. */
    readonly email: string;
    readonly asksPassword: boolean;
  };
  profile: {
    readonly email: string;
    /** Where mail is possible. */
    readonly changesEmail: boolean;
    readonly role: 'member' | 'operator';
    readonly memberSince: ShownTime;
    readonly loggedInAt: ShownTime;
    readonly device: string;
    readonly address: string;
  };
  'account/sessions': {
    readonly sessions: readonly SessionRow[];
    readonly othersCount: number;
    /** Browsers that the throttle knows to be the account's. */
    readonly knownBrowsers: number;
  };
  'account/email': FormProblems & {
    /** What was typed; and the address as it is. */
    readonly email: string;
    readonly current: string;
  };
  'account/password': FormProblems & { readonly email: string };
  'account/data': Readonly<Record<never, never>>;
  'account/delete': FormProblems & { readonly email: string };
  error: {
    readonly status: number;
    readonly heading: string;
    readonly message: string;
    readonly next: { readonly href: string; readonly label: string } | null;
    readonly requestId: string;
    /** When it is worth trying again, if that is known. */
    readonly retryAt: ShownTime | null;
  };
}

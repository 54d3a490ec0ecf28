// What each page is given. A view's object is built by hand, never spread from a request or a row:
// EJS reads some keys of its locals as options.
import type { Role } from '../../core/sessions/role.ts';
import type { Texts } from '../texts/en.ts';
import type { ShownTime } from '../texts/times-and-devices.ts';
import type { AlertViews } from './alert-views.ts';
import type { ConsoleViews } from './console-views.ts';
import type { DrainViews } from './drain-views.ts';
import type { FindViews } from './find-views.ts';
import type { RegistryViews } from './registry-views.ts';
import type { SavedViewViews } from './saved-view-views.ts';
import type { SecuringViews, TokenViews } from './securing-views.ts';
import type { SessionViews } from './session-views.ts';
import type { ActivityRow, BrowserRow, FormProblems, OwnSessionRow } from './view-parts.ts';

export type Place =
  | 'home'
  | 'profile'
  | 'sessions'
  | 'applications'
  | 'activity'
  | 'password'
  | 'security'
  | 'overview'
  | 'audit'
  | 'people'
  | 'groups'
  | 'applications'
  | 'attempts'
  | 'blocks'
  | 'alerts'
  | 'drains'
  | 'mail'
  | 'queues';

export interface Frame {
  readonly text: Texts;
  /** The other languages, and the address that the choice leads back to. */
  readonly languages: {
    readonly others: readonly { readonly code: string; readonly name: string }[];
    readonly back: string;
  };
  /** Of a page that answers a form: where the form stands. */
  readonly formPage?: string | null;
  readonly serviceName: string;
  readonly title: string;
  readonly current: Place | null;
  /** `operator`: sees the console; `readsOnly`: and changes nothing in it. */
  readonly member: { readonly email: string; readonly operator: boolean; readonly readsOnly?: boolean } | null;
  readonly csrf: string;
  readonly notice: { readonly kind: 'done' | 'info'; readonly text: string } | null;
  readonly wide: boolean;
  readonly passkeys?: boolean;
  /** The cookie in which the script says the browser's zone. */
  readonly zoneCookie?: string;
  /** Of every moment of a console page, and the ones to change to. */
  readonly zone?: {
    readonly name: string;
    /** "UTC+1" */
    readonly offset: string;
    readonly others: readonly string[];
    readonly back: string;
  } | null;
}

export interface Views
  extends ConsoleViews,
    AlertViews,
    DrainViews,
    FindViews,
    RegistryViews,
    SavedViewViews,
    SecuringViews,
    SessionViews,
    TokenViews {
  home: { readonly loggedIn: boolean; readonly registers: boolean };
  login: FormProblems & {
    readonly email: string;
    readonly remember: boolean;
    /** A path of ours to go to afterwards, and the application to which it leads. */
    readonly next: string | null;
    readonly ahead: string | null;
    readonly registerHref: string | null;
    readonly forgotHref: string | null;
  };
  register: FormProblems & {
    readonly email: string;
    readonly next: string | null;
    readonly ahead: string | null;
    readonly loginHref: string;
  };
  'login/second-factor': FormProblems & {
    readonly ahead: string | null;
    readonly totp: boolean;
    readonly passkeys: boolean;
  };
  'account/security': FormProblems & {
    /** Whose account must set up a second factor first. */
    readonly required: Role | null;
    /** The application that it was asked for on the way to, while there is none. */
    readonly requiredBy: string | null;
    /** They lead on to the page that was asked for before. */
    readonly appHref: string;
    readonly newPasskeyHref: string;
    readonly totpSince: ShownTime | null;
    readonly passkeys: readonly {
      readonly id: string;
      readonly name: string;
      /** A new name that waits to be sent again. */
      readonly typed?: string | undefined;
      readonly since: ShownTime;
      readonly lastUsed: ShownTime | null;
    }[];
    readonly hasFactor: boolean;
    readonly recoveryCodesLeft: number;
    /** Where new codes wait for their owner to keep them; null without such. */
    readonly shownCodesHref: string | null;
    /** By which programs read the log for the member. */
    readonly tokens: readonly {
      readonly id: string;
      readonly name: string;
      readonly since: ShownTime;
      readonly lastUsed: ShownTime | null;
      readonly until: ShownTime;
    }[];
    readonly othersCount: number;
  };
  'account/authenticator': FormProblems & {
    readonly secret: string;
    /** The secret, encrypted, for the form. */
    readonly sealed: string;
    /** A path of ours to go to afterwards. */
    readonly next: string | null;
    readonly uri: string;
    readonly qr: { readonly size: number; readonly path: string };
  };
  'account/recovery-codes': {
    readonly codes: readonly string[];
    /** A path of ours to go to afterwards. */
    readonly next: string | null;
  };
  'account/passkey': FormProblems & {
    readonly name: string;
    readonly next: string | null;
  };
  confirm: FormProblems & {
    /** What the account has beside its password. */
    readonly totp: boolean;
    readonly passkeys: boolean;
    readonly email: string;
    /** What it is for, as a sentence. */
    readonly act: string;
    /** A path of ours to go to afterwards. */
    readonly next: string | null;
    /** A path of ours for whoever does not want it after all. */
    readonly cancel: string;
    readonly forgotHref: string | null;
  };
  message: {
    readonly heading: string;
    readonly paragraphs: readonly string[];
    /** `goesOn`: the page leads there by itself. */
    readonly action: { readonly href: string; readonly label: string; readonly goesOn?: boolean } | null;
  };
  /** A form met another session than the one it was opened in. */
  'other-session': {
    /** Of whoever is logged in. */
    readonly email: string;
    readonly says: string;
    readonly onward: string;
    readonly onwardLabel: string;
    /** Where logging out leads; null: to the front page. */
    readonly loggedOut: string | null;
  };
  'forgot-password': FormProblems & { readonly email: string };
  'choose-password': FormProblems & {
    readonly heading: string;
    readonly lede: string;
    readonly action: string;
    readonly submit: string;
    readonly email: string;
    /** Which link the page shows, for its form to say. */
    readonly link: string;
  };
  /** What a mailed link opens: one button, and perhaps the password. */
  'confirm-link': FormProblems & {
    readonly heading: string;
    readonly lede: string;
    readonly action: string;
    readonly submit: string;
    /** Empty where the lede says it. */
    readonly email: string;
    readonly link: string;
    readonly asksPassword: boolean;
    /** What becomes of second factors; asks for the former password if `asksFormer`. */
    readonly factors?: string;
    readonly asksFormer?: boolean;
  };
  profile: {
    readonly email: string;
    readonly changesEmail: boolean;
    readonly role: Role;
    readonly memberSince: ShownTime;
    readonly loggedInAt: ShownTime;
    readonly device: string;
    readonly address: string;
  };
  'account/sessions': {
    readonly sessions: readonly OwnSessionRow[];
    readonly othersCount: number;
    /** Whether there is any application that somebody may open. */
    readonly hasApplications: boolean;
    readonly browsers: readonly BrowserRow[];
  };
  applications: {
    readonly applications: readonly { readonly name: string; readonly host: string; readonly href: string }[];
    readonly logins: readonly {
      readonly id: string;
      readonly name: string;
      readonly device: string;
      /** It hangs on the session that looks at the page. */
      readonly here: boolean;
      readonly since: ShownTime;
      readonly lastSeen: ShownTime;
    }[];
  };
  'account/activity': {
    readonly activities: readonly ActivityRow[];
    readonly olderHref: string | null;
    readonly newestHref: string | null;
  };
  'account/disown': {
    readonly activity: ActivityRow;
    /** Whether API tokens may end with it. */
    readonly tokens: boolean;
    readonly action: string;
  };
  'account/email': FormProblems & {
    readonly email: string;
    readonly current: string;
    /** The change that waits for its mail, as a sentence; null for none. */
    readonly waits: string | null;
  };
  'account/password': FormProblems & { readonly email: string };
  'account/data': Readonly<Record<never, never>>;
  'account/delete': FormProblems & { readonly email: string; readonly understood: boolean };
  error: {
    readonly status: number;
    readonly heading: string;
    readonly message: string;
    readonly next: { readonly href: string; readonly label: string } | null;
    readonly requestId: string;
    readonly retryAt: ShownTime | null;
  };
}

// What the console's pages of groups and applications are given, and their rows.
import type { ShownTime } from '../texts/times-and-devices.ts';
import type { FormProblems } from './view-parts.ts';

export interface RegistryViews {
  'operator/groups': Narrowing & {
    readonly rows: readonly GroupRow[];
    /** "3 groups", "3 of 400 groups" */
    readonly count: string;
    readonly asOf: ShownTime;
  };
  'operator/group': {
    readonly name: string;
    readonly href: string;
    readonly since: ShownTime;
    /** A part of the e-mail addresses of those that are shown; empty for all. */
    readonly q: string;
    /** "2 members" */
    readonly count: string;
    readonly members: readonly MemberRow[];
    readonly applications: readonly Linked[];
    /** Further members; null on the last page. */
    readonly nextHref: string | null;
    /** The first page; null there. */
    readonly firstHref: string | null;
  };
  'operator/applications': Narrowing & {
    readonly rows: readonly ApplicationRow[];
    readonly count: string;
    readonly asOf: ShownTime;
  };
  'operator/application': {
    readonly name: string;
    readonly slug: string;
    readonly url: string;
    readonly href: string;
    readonly disabled: ShownTime | null;
    readonly since: ShownTime;
    readonly facts: readonly Fact[];
    readonly everybody: boolean;
    /** Whether people register without showing that their address is theirs. */
    readonly unproved: boolean;
    readonly groups: readonly Linked[];
    readonly sessions: readonly EnteredRow[];
    /** "12 sessions", "the newest 50 of 1,204 sessions" */
    readonly count: string;
    readonly acts: readonly Act[];
    /** What to put into each proxy. */
    readonly recipes: readonly Recipe[];
    /** Where things are by which they are filled in, and what is wrong with it. */
    readonly places: Places & Pick<FormProblems, 'errors'>;
    /** The command that prints one of them. */
    readonly recipeCommand: string | null;
    /** Its proxy needs a certificate. */
    readonly addsTls: boolean;
    /** TRUSTED_PROXIES is empty: no check is answered. */
    readonly noProxyTrusted: boolean;
    readonly eventsHref: string;
  };
  'operator/application-form': FormProblems & {
    readonly title: string;
    readonly says: string;
    /** Null while it is registered. */
    readonly slug: string | null;
    readonly action: string;
    readonly button: string;
    readonly back: string;
    readonly seen: number;
    readonly typed: TypedApplication;
    readonly unproved: boolean;
    /** Whether the rules that few applications need are shown from the start. */
    readonly rare: boolean;
    readonly groups: readonly { readonly field: string; readonly name: string; readonly checked: boolean }[];
    readonly reason: string;
  };
  'operator/registry-act': FormProblems & {
    readonly title: string;
    readonly says: string;
    readonly facts: readonly Fact[];
    /** What has to be typed besides the reason. */
    readonly fields: readonly {
      readonly name: string;
      readonly label: string;
      readonly type: 'text' | 'email';
      readonly value: string;
      readonly hint: string;
    }[];
    readonly action: string;
    readonly button: string;
    readonly danger: boolean;
    readonly back: string;
    readonly seen: number;
    readonly reason: string;
  };
}

export interface Linked {
  readonly label: string;
  readonly href: string;
}

export interface Fact {
  readonly label: string;
  readonly value: string;
  readonly href?: string;
}

export interface Act extends Linked {
  readonly danger: boolean;
}

/** As it was typed. */
export interface Places {
  readonly listen: string;
  readonly upstream: string;
  readonly holdfast: string;
}

export interface Recipe {
  readonly proxy: string;
  readonly text: string;
}

/** The fields of the form, as they were typed. */
export interface TypedApplication {
  readonly slug: string;
  readonly name: string;
  readonly url: string;
  readonly everybody: boolean;
  readonly secondFactor: boolean;
  readonly recentLogin: string;
  readonly idle: string;
  readonly absolute: string;
  readonly preflight: boolean;
  readonly framedBy: string;
  readonly remoteUser: boolean;
}

/** A part of a long list: those that `q` is in, a page of them. */
interface Narrowing {
  readonly q: string;
  readonly previousHref: string | null;
  readonly nextHref: string | null;
}

export interface GroupRow {
  readonly name: string;
  readonly href: string;
  readonly members: string;
  readonly applications: readonly Linked[];
  readonly since: ShownTime;
}

export interface MemberRow {
  readonly email: string;
  readonly href: string;
  readonly disabled: boolean;
  readonly since: ShownTime;
  readonly removeHref: string;
}

export interface ApplicationRow {
  readonly name: string;
  readonly href: string;
  readonly host: string;
  readonly state: 'active' | 'disabled';
  readonly enter: string;
  readonly sessions: string;
}

export interface EnteredRow {
  readonly email: string;
  readonly href: string;
  readonly device: string;
  readonly entered: ShownTime;
  readonly lastSeen: ShownTime;
  readonly endHref: string;
}

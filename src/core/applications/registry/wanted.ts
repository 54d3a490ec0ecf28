// What a file wants groups and applications to be, and what it takes to get there.
import type { SettingChange } from '../application.ts';
import type { TypedSettings } from '../typed-settings.ts';

/** A part that the file leaves out is null, and stays as it is. */
export interface WantedRegistry {
  readonly groups: readonly WantedGroup[] | null;
  readonly applications: readonly WantedApplication[] | null;
}

export interface WantedGroup {
  readonly name: string;
  /** All of its members, by e-mail address; null leaves them as they are. */
  readonly members: readonly string[] | null;
}

export interface WantedApplication {
  readonly slug: string;
  readonly settings: TypedSettings;
  /** Null leaves it as it is. */
  readonly disabled: boolean | null;
}

/** Where in the file: `['applications', 0, 'url']`. */
export type Place = readonly (string | number)[];

export interface RegistryProblem {
  readonly place: Place;
  readonly says: string;
}

export type RegistryChange =
  | { readonly action: 'create_group' | 'remove_group'; readonly group: string }
  | { readonly action: 'add_member' | 'remove_member'; readonly group: string; readonly member: string }
  | { readonly action: 'register'; readonly application: string; readonly settings: Readonly<Record<string, unknown>> }
  | { readonly action: 'change'; readonly application: string; readonly changes: readonly SettingChange[] }
  | { readonly action: 'remove'; readonly application: string };

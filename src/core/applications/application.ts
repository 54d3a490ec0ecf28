// An application that Holdfast stands in front of: what an operator sets about it, and how two states of that differ.
import type { Detail } from '../audit/events.ts';
import { showDuration } from '../platform/durations.ts';

/** What an operator sets; the slug stays as long as the application. */
export interface ApplicationSettings {
  readonly name: string;
  /** Its origin, `https://wiki.example.org`. */
  readonly url: string;
  /** Whether everybody with an account may enter; else the members of its groups. */
  readonly everybody: boolean;
  /** The names of groups, as they are spelled there. */
  readonly groups: readonly string[];
  readonly secondFactor: boolean;
  /** How long ago the log-in may be; null: as long as the session lasts. */
  readonly recentLoginSeconds: number | null;
  /** Limits of its sessions, never beyond their person's; null: the person's. */
  readonly idleSeconds: number | null;
  readonly absoluteSeconds: number | null;
  /** Whether preflights are let through. */
  readonly preflight: boolean;
  /** Origins that may show it in a frame. */
  readonly framedBy: readonly string[];
  /** Whether it gets Remote-User and its like. */
  readonly remoteUser: boolean;
}

export interface Application extends Omit<ApplicationSettings, 'groups'> {
  readonly id: string;
  readonly slug: string;
  /** Of the origin, with the port only if it is not the scheme's own. */
  readonly host: string;
  readonly groups: readonly { readonly id: string; readonly name: string }[];
  readonly disabledAt: Date | null;
  readonly createdAt: Date;
  /** Counts its changes. */
  readonly version: number;
}

export function settingsOf({ groups, ...application }: Application): ApplicationSettings {
  const { name, url, everybody, secondFactor, recentLoginSeconds, idleSeconds, absoluteSeconds } = application;
  const { preflight, framedBy, remoteUser } = application;
  const limits = { recentLoginSeconds, idleSeconds, absoluteSeconds };
  const names = groups.map((group) => group.name);
  return { name, url, everybody, groups: names, secondFactor, ...limits, preflight, framedBy, remoteUser };
}

/** As events and differences name them. */
export type SettingName = keyof ReturnType<typeof inWords>;

export function inWords(settings: ApplicationSettings) {
  const duration = (seconds: number | null) => (seconds === null ? null : showDuration(seconds * 1_000));
  return {
    name: settings.name,
    url: settings.url,
    enter: settings.everybody ? 'everybody' : [...settings.groups].sort().join(', '),
    second_factor: settings.secondFactor,
    recent_login: duration(settings.recentLoginSeconds),
    idle: duration(settings.idleSeconds),
    absolute: duration(settings.absoluteSeconds),
    preflight: settings.preflight,
    framed_by: [...settings.framedBy].sort().join(', '),
    remote_user: settings.remoteUser,
  };
}

export interface SettingChange {
  readonly setting: SettingName | 'disabled';
  readonly before: string | boolean | null;
  readonly after: string | boolean | null;
}

export function settingChanges(before: ApplicationSettings, after: ApplicationSettings): SettingChange[] {
  const [old, now] = [inWords(before), inWords(after)];
  return (Object.keys(now) as SettingName[])
    .filter((setting) => old[setting] !== now[setting])
    .map((setting) => ({ setting, before: old[setting], after: now[setting] }));
}

/** `enter_before`, `enter_after`: what changed, as an event tells it. */
export function changeDetail(changes: readonly SettingChange[]): Detail {
  return Object.fromEntries(
    changes.flatMap(({ setting, before, after }) => [
      [`${setting}_before`, before],
      [`${setting}_after`, after],
    ]),
  );
}

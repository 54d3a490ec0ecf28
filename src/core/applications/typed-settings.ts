// The settings of an application as somebody typed them, in the console, a command or a file: read whole, or refused with a
// sentence for each that does not fit.
import { groupKey, readGroupName } from '../groups/group-name.ts';
import { readDuration } from '../platform/durations.ts';
import type { ApplicationSettings } from './application.ts';
import { hostnameOf, readOrigin } from './origins.ts';

export interface TypedSettings {
  readonly name: string;
  readonly url: string;
  readonly everybody: boolean;
  readonly groups: readonly string[];
  readonly secondFactor: boolean;
  /** `15m`; empty for none, as the two after it. */
  readonly recentLogin: string;
  readonly idle: string;
  readonly absolute: string;
  readonly preflight: boolean;
  readonly framedBy: readonly string[];
  readonly remoteUser: boolean;
}

/** A sentence for each field that does not fit. */
export type SettingProblems = Readonly<Partial<Record<keyof TypedSettings | 'slug', string>>>;

export type SettingsResult =
  | { readonly ok: true; readonly settings: ApplicationSettings }
  | { readonly ok: false; readonly problems: SettingProblems };

const MOST_CHARACTERS = 60;
/** What changed stands in one detail of an event, 1,024 characters long. */
const MOST_GROUPS = 15;
const MOST_FRAMES = 5;
/** Use is noted once a minute: a shorter limit would end what is in use. */
const LEAST_MS = { recentLogin: 60_000, idle: 300_000, absolute: 300_000 } as const;
const SLUG = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export function slugProblem(slug: string): string | null {
  return SLUG.test(slug) ? null : 'Use small letters without accents, digits and - between them, at most 63 of them.';
}

export function readSettings(typed: TypedSettings, publicOrigin: string): SettingsResult {
  const name = typed.name.trim();
  const origin = readOrigin(typed.url, publicOrigin);
  const problems = {
    name: nameProblem(name),
    url: origin.ok ? ownHostProblem(origin.hostname, publicOrigin) : origin.problem,
    groups: groupsProblem(typed),
    recentLogin: durationProblem('recentLogin', typed.recentLogin),
    idle: durationProblem('idle', typed.idle),
    absolute: durationProblem('absolute', typed.absolute),
    framedBy: framesProblem(typed.framedBy, publicOrigin),
  };
  const found = Object.entries(problems).filter(([, problem]) => problem !== null);
  if (found.length > 0 || !origin.ok) return { ok: false, problems: Object.fromEntries(found) };
  return { ok: true, settings: settingsFrom({ ...typed, name, url: origin.url }, publicOrigin) };
}

function settingsFrom(typed: TypedSettings, publicOrigin: string): ApplicationSettings {
  const { name, url, everybody, groups, secondFactor, preflight, remoteUser } = typed;
  const origins = typed.framedBy.map((text) => readOrigin(text, publicOrigin));
  return {
    name,
    url,
    everybody,
    groups: everybody ? [] : onceEach(groups.map((group) => group.trim())),
    secondFactor,
    recentLoginSeconds: seconds(typed.recentLogin),
    idleSeconds: seconds(typed.idle),
    absoluteSeconds: seconds(typed.absolute),
    preflight,
    framedBy: [...new Set(origins.flatMap((origin) => (origin.ok ? [origin.url] : [])))],
    remoteUser,
  };
}

function onceEach(groups: readonly string[]): string[] {
  return [...new Map(groups.map((group) => [groupKey(group), group])).values()];
}

function seconds(text: string): number | null {
  const milliseconds = readDuration(text);
  return milliseconds === null ? null : Math.floor(milliseconds / 1_000);
}

function nameProblem(name: string): string | null {
  if (name === '') return 'Give it a name that people know it by.';
  if (name.length > MOST_CHARACTERS) return `Use at most ${MOST_CHARACTERS} characters.`;
  return /[\p{Cc}\u2028\u2029]/u.test(name) ? 'Use one line of text.' : null;
}

/** Holdfast's own cookie would reach the application. */
function ownHostProblem(hostname: string, publicOrigin: string): string | null {
  if (hostname !== hostnameOf(publicOrigin)) return null;
  return 'This is the host of Holdfast itself, whose cookies the application would get: ports do not part them. Give it a host name of its own.';
}

function groupsProblem({ everybody, groups }: TypedSettings): string | null {
  if (everybody) return null;
  const wrong = groups.find((group) => readGroupName(group) === null);
  if (wrong !== undefined) return `“${wrong}” is no name of a group.`;
  return groups.length > MOST_GROUPS ? `Name at most ${MOST_GROUPS} groups.` : null;
}

function durationProblem(field: keyof typeof LEAST_MS, text: string): string | null {
  if (text.trim() === '') return null;
  const milliseconds = readDuration(text);
  if (milliseconds === null) return 'Give a time such as 15m, 8h or 30d, or nothing.';
  const least = LEAST_MS[field];
  return milliseconds < least ? `Give at least ${least / 60_000}m.` : null;
}

function framesProblem(framedBy: readonly string[], publicOrigin: string): string | null {
  if (framedBy.length > MOST_FRAMES) return `Name at most ${MOST_FRAMES} origins.`;
  const wrong = framedBy.map((text) => ({ text, read: readOrigin(text, publicOrigin) })).find(({ read }) => !read.ok);
  return wrong && !wrong.read.ok ? `“${wrong.text}”: ${wrong.read.problem}` : null;
}

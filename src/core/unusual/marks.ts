// What is unusual about a log-in for the person whose it is, by rules that anybody can check. A mark is no proof: it says where
// to look first. docs/security.md has the rules in words.
import { leastDistanceKm } from '../places/distance.ts';
import type { Usual } from '../places/place.ts';
import type { Habits, LogIn, SeenOf } from './habits.ts';

export const MARKS = ['country', 'network', 'browser', 'hour', 'speed'] as const;
export type Mark = (typeof MARKS)[number];

/** The marks of an event's detail, in their order; those of a newer version are left out. */
export function readMarks(kept: unknown): readonly Mark[] {
  const words = typeof kept === 'string' ? kept.split(' ') : [];
  return MARKS.filter((mark) => words.includes(mark));
}

/** Hours are judged after so many log-ins on so many days; one is unusual if none was within two hours of it. */
const HOURS_AFTER = { logins: 20, days: 10 };
const HOURS_BESIDE = [-2, -1, 0, 1, 2];
/** Faster than an airliner, and far enough that no border, tunnel or wrong guess explains it. */
const FASTEST_KM_H = 1_000;
const LEAST_KM = 500;
const LEAST_MS = 60_000;
/** Who was in a country on so many days is there and elsewhere at once, as by a VPN. */
const USUAL_DAYS = 3;
const REASONS = 3;

export interface Unusual {
  readonly marks: readonly Mark[];
  /** Why. */
  readonly usual: Usual;
}

/** Nothing about the first log-in is unusual, nor is a part of which no earlier log-in tells. */
export function whatIsUnusual(habits: Habits, login: LogIn): Unusual {
  const { place, browser } = login;
  const found: [Mark, Usual][] = [];
  if (isNew(habits.countries, place.country)) found.push(['country', { countries: usualOf(habits.countries) }]);
  if (isNew(habits.networks, place.network))
    found.push(['network', { networks: usualOf(habits.networks).map(Number) }]);
  if (isNew(habits.browsers, browser)) found.push(['browser', { browsers: usualOf(habits.browsers) }]);
  if (isOddHour(habits, login)) found.push(['hour', { hours: hoursOf(habits) }]);
  const journey = impossibleJourney(habits, login);
  if (journey) found.push(['speed', journey]);
  return { marks: found.map(([mark]) => mark), usual: Object.assign({}, ...found.map(([, why]) => why)) };
}

function isNew(seen: SeenOf, value: string | number | undefined): boolean {
  return value !== undefined && Object.keys(seen).length > 0 && !Object.hasOwn(seen, String(value));
}

/** Those seen on most days first. */
function usualOf(seen: SeenOf): string[] {
  const entries = Object.entries(seen).sort(([, [a]], [, [b]]) => b - a);
  return entries.slice(0, REASONS).map(([name]) => name);
}

function isOddHour({ logins, days, hours }: Habits, { at }: LogIn): boolean {
  if (logins < HOURS_AFTER.logins || (days?.[0] ?? 0) < HOURS_AFTER.days) return false;
  return HOURS_BESIDE.every((beside) => (hours[(at.getUTCHours() + beside + 24) % 24] ?? 0) === 0);
}

function hoursOf({ hours }: Habits): number[] {
  return hours.flatMap((count, hour) => (count > 0 ? [hour] : []));
}

function impossibleJourney({ last, countries }: Habits, { at, place }: LogIn): Usual | null {
  if (last === null || place.country === undefined) return null;
  if ((countries[place.country]?.[0] ?? 0) >= USUAL_DAYS) return null;
  const km = leastDistanceKm(last, place);
  const ms = Math.max(LEAST_MS, Math.abs(at.getTime() - Date.parse(last.at)));
  if (km === null || km < LEAST_KM || km / (ms / 3_600_000) <= FASTEST_KM_H) return null;
  return { from: last.country, km, minutes: Math.round(ms / 60_000) };
}

// What somebody's log-ins are like: from where, by which networks and browsers, at which hours. Days are counted, not log-ins:
// one busy day makes nothing usual.
import { isCountry, type Place } from '../places/place.ts';

/** On how many days it was seen, and the last of them ("2026-11-29"). */
export type Seen = readonly [days: number, last: string];
export type SeenOf = Readonly<Record<string, Seen>>;

/** Kept for each account as JSON. A newer version may add fields; they are kept. */
export interface Habits {
  readonly logins: number;
  readonly days: Seen | null;
  readonly countries: SeenOf;
  readonly networks: SeenOf;
  readonly browsers: SeenOf;
  /** Log-ins in each hour of the day, in UTC. */
  readonly hours: readonly number[];
  /** The newest log-in of which the place was known. */
  readonly last: { readonly at: string; readonly country: string; readonly point?: readonly [number, number] } | null;
}

export interface LogIn {
  readonly at: Date;
  readonly place: Place;
  /** The family, such as "Firefox"; empty where it told none that is known. */
  readonly browser: string;
}

export const NO_HABITS: Habits = {
  logins: 0,
  days: null,
  countries: {},
  networks: {},
  browsers: {},
  hours: Array.from({ length: 24 }, () => 0),
  last: null,
};

const DAY_MS = 86_400_000;
/** What was not seen for so long is forgotten. */
const KEPT_DAYS = 365;
const MOST = 30;
/** Then all hours count half: what somebody did long ago weighs less. */
const MOST_HOURS = 400;

/** The habits after one more log-in. */
export function learn(habits: Habits, { at, place, browser }: LogIn): Habits {
  const day = at.toISOString().slice(0, 10);
  const { country, network, point } = place;
  return {
    ...habits,
    logins: habits.logins + 1,
    days: oneMore(habits.days ?? undefined, day),
    countries: seen(habits.countries, country, day),
    networks: seen(habits.networks, network === undefined ? undefined : String(network), day),
    browsers: seen(habits.browsers, browser, day),
    hours: oneMoreAt(habits.hours, at.getUTCHours()),
    last: country === undefined ? habits.last : { at: at.toISOString(), country, ...(point ? { point } : {}) },
  };
}

function seen(before: SeenOf, name: string | undefined, day: string): SeenOf {
  if (name === undefined) return before;
  const known = before[name];
  if (known && day <= known[1]) return before;
  const oldest = new Date(Date.parse(day) - KEPT_DAYS * DAY_MS).toISOString().slice(0, 10);
  const kept = Object.entries(before).filter(([other, [, last]]) => other !== name && last >= oldest);
  const newest = kept.sort(([, [, a]], [, [, b]]) => (a < b ? 1 : -1)).slice(0, MOST - 1);
  return Object.fromEntries([[name, oneMore(known, day)], ...newest]);
}

function oneMore(before: Seen | undefined, day: string): Seen {
  if (before === undefined) return [1, day];
  const [days, last] = before;
  return day > last ? [days + 1, day] : before;
}

function oneMoreAt(hours: readonly number[], hour: number): number[] {
  const more = hours.map((count, index) => (index === hour ? count + 1 : count));
  const all = more.reduce((sum, count) => sum + count, 0);
  return all > MOST_HOURS ? more.map((count) => Math.ceil(count / 2)) : more;
}

/** What a row holds, whichever version wrote it; null for what makes no sense. */
export function readHabits(kept: unknown): Habits | null {
  if (!(kept instanceof Object)) return null;
  const { logins, days, countries, networks, browsers, hours, last, ...newer } = kept as Partial<
    Record<keyof Habits, unknown>
  >;
  const isWhole = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;
  if (!isWhole(logins) || !Array.isArray(hours) || hours.length !== 24 || !hours.every(isWhole)) return null;
  return {
    ...newer,
    logins,
    days: isSeen(days) ? days : null,
    countries: readSeen(countries),
    networks: readSeen(networks),
    browsers: readSeen(browsers),
    hours,
    last: readLast(last),
  };
}

const isSeen = (value: unknown): value is Seen =>
  Array.isArray(value) &&
  Number.isInteger(value[0]) &&
  typeof value[1] === 'string' &&
  /^\d{4}-\d\d-\d\d$/.test(value[1]);

function readSeen(value: unknown): SeenOf {
  const entries: [string, unknown][] = value instanceof Object ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, Seen] => isSeen(entry[1])));
}

function readLast(value: unknown): Habits['last'] {
  if (!(value instanceof Object)) return null;
  const { at, country, point } = value as Readonly<Record<string, unknown>>;
  if (typeof at !== 'string' || Number.isNaN(Date.parse(at)) || !isCountry(country)) return null;
  const isPoint = Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  return { at, country, ...(isPoint ? { point: [point[0], point[1]] as const } : {}) };
}

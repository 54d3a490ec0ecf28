// Moments and browsers in words: short, whatever a client sends. The operators' console reads
// English.
import { deviceNames } from '../../core/platform/device-names.ts';
import { memo } from '../http/memo.ts';
import { en, type Texts } from './en.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const KEPT_FORMATTED = 10_000;
const KEPT_SECONDS = 100;

type Unit = 'second' | 'minute' | 'hour';

/** Remembers its results: distances by number, moments by minute or day. */
interface Formats {
  readonly relative: (count: number, unit: Unit) => string;
  readonly clock: (date: Date) => string;
  readonly calendar: (date: Date) => string;
  readonly seconds: (date: Date) => string;
}

const formatsOf = memo((locale: string): Formats => {
  const timeZone = 'UTC';
  return {
    relative: memoDistances(new Intl.RelativeTimeFormat(locale, { numeric: 'always' })),
    clock: memoMoments(new Intl.DateTimeFormat(locale, { timeZone, hour: '2-digit', minute: '2-digit' }), MINUTE),
    calendar: memoMoments(
      new Intl.DateTimeFormat(locale, { timeZone, day: 'numeric', month: 'short', year: 'numeric' }),
      DAY,
    ),
    seconds: memoMoments(new Intl.DateTimeFormat(locale, { timeZone, timeStyle: 'medium' }), SECOND),
  };
});

const KEPT_ZONES = 100;

const secondsIn = memo((locale: string) =>
  memo(
    (timeZone: string) =>
      memoMoments(new Intl.DateTimeFormat(locale, { timeZone, timeStyle: 'medium' }), SECOND, KEPT_SECONDS),
    { most: KEPT_ZONES },
  ),
);

function memoDistances(format: Intl.RelativeTimeFormat): Formats['relative'] {
  const inUnit = (unit: Unit) => memo((count: number) => format.format(count, unit));
  const known = { second: inUnit('second'), minute: inUnit('minute'), hour: inUnit('hour') };
  return (count, unit) => known[unit](count);
}

/** What the format shows changes only every `unitMs`. */
function memoMoments(format: Intl.DateTimeFormat, unitMs: number, most = KEPT_FORMATTED): (date: Date) => string {
  const known = memo((_unit: number, date: Date) => format.format(date), { most });
  return (date) => known(Math.floor(date.getTime() / unitMs), date);
}

/** "Firefox on Windows", "curl" or "Unknown browser"; never text that a client made up. */
export function describeDevice(userAgent: string | null, { devices }: Texts = en): string {
  const { name, place } = deviceNames(userAgent);
  return place === null ? (name ?? devices.unknown) : devices.on(name ?? devices.unknown, place);
}

/** "just now", "4 minutes ago", "yesterday at 19:07 UTC", "23 Nov 2026, 19:07 UTC". */
export function showTime(date: Date, now: Date, text: Texts = en): ShownTime {
  const ago = sinceThen(date, now, text);
  const iso = date.toISOString();
  return ago === null
    ? { text: onTheCalendar(date, now, text), iso }
    : { text: ago, iso, awayMs: date.getTime() - now.getTime() };
}

/** "in 2 minutes, at 20:07:05 (Europe/Paris), 19:07:05 UTC", rounded up so that it is true; in UTC alone where that is their zone. */
export function whenAgain(afterSeconds: number, now: Date, { locale, moments }: Texts = en, zone = 'UTC'): string {
  const { relative, seconds } = formatsOf(locale);
  const then = new Date(now.getTime() + afterSeconds * 1_000 + 999);
  const local = zone === 'UTC' ? '' : `${secondsIn(locale)(zone)(then)} (${zone}), `;
  const at = `${local}${seconds(then)}`;
  const span =
    afterSeconds < 60
      ? relative(afterSeconds, 'second')
      : afterSeconds < 3_600
        ? relative(Math.ceil(afterSeconds / 60), 'minute')
        : relative(Math.ceil(afterSeconds / 3_600), 'hour');
  return moments.again(span, at);
}

/** "just now", "4 minutes ago"; null for what is half a day away. */
export function sinceThen(date: Date, now: Date, { locale, moments }: Texts): string | null {
  const awayMs = date.getTime() - now.getTime();
  const distanceMs = Math.abs(awayMs);
  if (distanceMs < 45_000) return moments.justNow;
  if (distanceMs >= 12 * HOUR) return null;
  const { relative } = formatsOf(locale);
  if (distanceMs < HOUR) return relative(roundAway(awayMs, MINUTE), 'minute');
  return relative(roundAway(awayMs, HOUR), 'hour');
}

function onTheCalendar(date: Date, now: Date, { locale, moments }: Texts): string {
  const formats = formatsOf(locale);
  const clock = formats.clock(date);
  const days = Math.floor(date.getTime() / DAY) - Math.floor(now.getTime() / DAY);
  if (days === 0) return moments.today(clock);
  if (days === -1) return moments.yesterday(clock);
  return days === 1 ? moments.tomorrow(clock) : moments.date(formats.calendar(date), clock);
}

// Whole units, at least one: 119 seconds ago is a minute ago.
function roundAway(ms: number, unitMs: number): number {
  return Math.sign(ms) * Math.max(1, Math.floor(Math.abs(ms) / unitMs));
}

export interface ShownTime {
  /** "4 minutes ago", or "23 Nov 2026, 19:07 UTC" where no relative time makes sense. */
  readonly text: string;
  /** ISO 8601, UTC: for `datetime`, and `title` without one of its own. */
  readonly iso: string;
  readonly title?: string;
  /** The text is a time of day; how far away it is stands in the title. */
  readonly isClock?: boolean;
  /** How far away from now, where the text says so: a script keeps it true while the page is open. */
  readonly awayMs?: number;
}

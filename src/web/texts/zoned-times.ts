// Moments of the operators' console, all of a page in one zone, which the page names once.
import { memo } from '../http/memo.ts';
import { en } from './en.ts';
import { type ShownTime, sinceThen } from './times-and-devices.ts';
import { UTC } from './zone.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const MOST_ZONES = 50;
const LOCAL = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)$/;

interface Formats {
  readonly clock: Intl.DateTimeFormat;
  readonly minute: Intl.DateTimeFormat;
  readonly day: Intl.DateTimeFormat;
  readonly date: Intl.DateTimeFormat;
  readonly weekday: Intl.DateTimeFormat;
  readonly month: Intl.DateTimeFormat;
  readonly fields: Intl.DateTimeFormat;
}

const formatsOf = memo(
  (timeZone: string): Formats => {
    const format = (options: Intl.DateTimeFormatOptions) =>
      new Intl.DateTimeFormat(en.locale, { timeZone, ...options });
    const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    const day = { day: 'numeric', month: 'short' } as const;
    return {
      clock: format({ ...clock, second: '2-digit' }),
      minute: format(clock),
      day: format(day),
      date: format({ ...day, year: 'numeric' }),
      weekday: format({ weekday: 'short' }),
      month: format({ month: 'short', year: 'numeric' }),
      fields: new Intl.DateTimeFormat('en-US', {
        ...{ timeZone, year: 'numeric', month: '2-digit', day: '2-digit', era: 'short' },
        ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
      }),
    };
  },
  { most: MOST_ZONES },
);

export interface Times {
  /** "Europe/Lisbon", "UTC" */
  readonly zone: string;
  readonly now: Date;
  /** In a row: "19:07:05", "22 Nov, 19:07:05"; on hover how long ago. */
  clock(date: Date): ShownTime;
  /** In a sentence: "4 minutes ago", "yesterday at 19:07"; on hover to the second. */
  prose(date: Date): ShownTime;
  /** "23 Nov 2026, 19:07:05" */
  exact(date: Date): string;
  /** "Mon 9:00", "24 Nov" or "Nov 2026", as it suits so long a time. */
  tick(date: Date, rangeMs: number): string;
  /** As a field for date and time shows it; empty for null. */
  field(date: Date | null): string;
}

export function timesIn(zone: string, now: Date): Times {
  const { clock, minute, day, date: withYear, weekday, month } = formatsOf(zone);
  const exact = (date: Date) => `${withYear.format(date)}, ${clock.format(date)}`;
  const daysAway = (date: Date) => dayOf(date, zone) - dayOf(now, zone);

  function inRow(date: Date): string {
    if (daysAway(date) === 0) return clock.format(date);
    const sameYear = localOf(date, zone).slice(0, 4) === localOf(now, zone).slice(0, 4);
    return `${(sameYear ? day : withYear).format(date)}, ${clock.format(date)}`;
  }

  function onTheCalendar(date: Date): string {
    const at = minute.format(date);
    const near = { '-1': 'yesterday', 0: 'today', 1: 'tomorrow' }[String(daysAway(date))];
    return near === undefined ? `${withYear.format(date)}, ${at}` : `${near} at ${at}`;
  }

  return {
    zone,
    now,
    exact,
    clock(date) {
      const ago = sinceThen(date, now, en);
      const shown = { text: inRow(date), iso: date.toISOString(), isClock: true, title: ago ?? exact(date) };
      return ago === null ? shown : { ...shown, awayMs: date.getTime() - now.getTime() };
    },
    prose(date) {
      const ago = sinceThen(date, now, en);
      const shown = { text: ago ?? onTheCalendar(date), iso: date.toISOString(), title: exact(date) };
      return ago === null ? shown : { ...shown, awayMs: date.getTime() - now.getTime() };
    },
    tick(date, rangeMs) {
      if (rangeMs > 400 * DAY) return month.format(date);
      if (rangeMs > 6 * DAY) return day.format(date);
      return `${weekday.format(date)} ${minute.format(date).replace(/^0/, '')}`;
    },
    field: (date) => (date === null ? '' : localOf(date, zone).replace(/(:00)?\.000$/, '')),
  };
}

/** How far a zone is ahead of UTC at a moment. */
export function offsetMs(date: Date, zone: string): number {
  if (zone === UTC) return 0;
  const parts = Object.fromEntries(
    formatsOf(zone)
      .fields.formatToParts(date)
      .map(({ type, value }) => [type, value]),
  );
  const { year, month, day, hour, minute, second, era = '' } = parts;
  const shown = Date.UTC(2000, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const local = new Date(shown).setUTCFullYear(/^B/.test(era) ? 1 - Number(year) : Number(year));
  return local - Math.floor(date.getTime() / 1_000) * 1_000;
}

/**
 * A moment as a clock of that zone says it ("2026-11-24T09:00"), or null for what no clock says. Where a clock says it twice
 * the first one counts; where it is jumped over, the moment after the jump.
 */
export function readLocal(typed: string, zone: string): Date | null {
  const [, day, time] = LOCAL.exec(typed) ?? [];
  const local = new Date(`${day}T${time}Z`);
  if (day === undefined || Number.isNaN(local.getTime()) || local.toISOString().slice(0, 10) !== day) return null;
  const candidates = [local.getTime() - DAY, local.getTime() + DAY].map(
    (near) => new Date(local.getTime() - offsetMs(new Date(near), zone)),
  );
  const right = candidates.filter((moment) => moment.getTime() + offsetMs(moment, zone) === local.getTime());
  const [first = candidates[0]] = right.sort((one, other) => one.getTime() - other.getTime());
  return first ?? null;
}

/** "2026-11-24T09:00:00.000" by a clock of the zone. */
function localOf(date: Date, zone: string): string {
  return new Date(date.getTime() + offsetMs(date, zone)).toISOString().slice(0, -1);
}

function dayOf(date: Date, zone: string): number {
  return Math.floor((date.getTime() + offsetMs(date, zone)) / DAY);
}

/** "UTC+1", "UTC−3:30"; "UTC" where the zone is as far. */
export function offsetName(date: Date, zone: string): string {
  const minutes = Math.round(offsetMs(date, zone) / MINUTE);
  if (minutes === 0) return UTC;
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? '−' : '+'}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
}

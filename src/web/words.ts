// Moments and browsers in the words of a person. Promises a short answer for whatever a client sends; hides the
// user-agent parser, and where a relative time stops making sense.
import Bowser from 'bowser';
import type { PasswordProblem } from '../core/passwords.ts';
import type { ShownTime } from './views.ts';

const UNKNOWN = 'Unknown browser';
const LONGEST_USER_AGENT = 512;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' });
const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', hour: '2-digit', minute: '2-digit' });
const calendar = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric' });
const seconds = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', timeStyle: 'medium' });

/** "Firefox on Windows", "curl", or "Unknown browser": never what a client made up at length. */
export function describeDevice(userAgent: string | null): string {
  if (userAgent === null) return UNKNOWN;
  const short = userAgent.slice(0, LONGEST_USER_AGENT).trim();
  if (short === '') return UNKNOWN;
  try {
    return inWords(short);
  } catch {
    return UNKNOWN;
  }
}

/** "just now", "4 minutes ago", "yesterday at 19:07 UTC" or "23 Nov 2026, 19:07 UTC", as of `now`. */
export function showTime(date: Date, now: Date): ShownTime {
  return { text: asPeopleSay(date, now), iso: date.toISOString() };
}

/** "in 2 minutes, at 19:07:05 UTC", rounded up so that it is true. */
export function whenAgain(afterSeconds: number, now: Date): string {
  const at = seconds.format(new Date(now.getTime() + afterSeconds * 1_000 + 999));
  const span =
    afterSeconds < 60
      ? relative.format(afterSeconds, 'second')
      : afterSeconds < 3_600
        ? relative.format(Math.ceil(afterSeconds / 60), 'minute')
        : relative.format(Math.ceil(afterSeconds / 3_600), 'hour');
  return `${span}, at ${at} UTC`;
}

/** "23 Nov 2026, 19:07:05 UTC" */
export function exactTime(date: Date): string {
  return `${calendar.format(date)}, ${seconds.format(date)} UTC`;
}

function inWords(userAgent: string): string {
  const { browser, os, platform } = Bowser.parse(userAgent);
  const name = knownName(browser.name) ?? programName(userAgent);
  const place = mobilePlace(platform.model) ?? knownName(os.name);
  if (name === null) return place === null ? UNKNOWN : `${UNKNOWN} on ${place}`;
  return place === null ? name : `${name} on ${place}`;
}

// The parser falls back to text from the user agent itself, so even its answer has to look like a name.
function knownName(name: string | undefined): string | null {
  return name !== undefined && /^[A-Za-z][A-Za-z0-9 .+-]{0,30}$/.test(name) ? plainName(name) : null;
}

function plainName(name: string): string {
  return name === 'Microsoft Edge' ? 'Edge' : name;
}

// "curl/8.5.0" → "curl"; a browser's "Mozilla/5.0" says nothing.
function programName(userAgent: string): string | null {
  const name = /^([A-Za-z][A-Za-z0-9.+-]{0,30})\//.exec(userAgent)?.[1];
  return name === undefined || name === 'Mozilla' ? null : name;
}

function mobilePlace(model: string | undefined): string | null {
  return model === 'iPhone' || model === 'iPad' ? model : null;
}

function asPeopleSay(date: Date, now: Date): string {
  const awayMs = date.getTime() - now.getTime();
  const distanceMs = Math.abs(awayMs);
  if (distanceMs < 45_000) return 'just now';
  if (distanceMs < HOUR) return relative.format(roundAway(awayMs, MINUTE), 'minute');
  if (distanceMs < 12 * HOUR) return relative.format(roundAway(awayMs, HOUR), 'hour');
  const day = dayName(date, now);
  return day === null ? `${calendar.format(date)}, ${clock.format(date)} UTC` : `${day} at ${clock.format(date)} UTC`;
}

// Whole units that have passed, but at least one: 119 seconds ago is a minute ago.
function roundAway(ms: number, unitMs: number): number {
  return Math.sign(ms) * Math.max(1, Math.floor(Math.abs(ms) / unitMs));
}

function dayName(date: Date, now: Date): string | null {
  const days = Math.floor(date.getTime() / DAY) - Math.floor(now.getTime() / DAY);
  if (days === 0) return 'today';
  if (days === -1) return 'yesterday';
  return days === 1 ? 'tomorrow' : null;
}

/** Why a new password is refused, and what to do instead. */
export const PASSWORD_PROBLEMS: Readonly<Record<PasswordProblem, string>> = {
  too_short: 'Use at least 8 characters; 15 or more are better.',
  too_long: 'Use at most 256 bytes, which is 256 letters or some 64 emoji.',
  too_common: 'This password is among the ones that are tried first. Choose another.',
  same_as_email: 'Don’t use your e-mail address as password. Choose another.',
};

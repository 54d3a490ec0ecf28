// Quick ranges of the log's filter: counted from the moment at which the page is asked for, in the page's
// zone, so that the same link tells of another night tomorrow.
import { readLocal, type Times } from '../../texts/zoned-times.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Last night is from ten in the evening of yesterday to six in the morning of today. */
const NIGHT = { from: 'T22:00', to: 'T06:00' };

export interface Range {
  readonly from: Date;
  /** Null: until now, and on. */
  readonly to: Date | null;
}

export const RANGES = [
  { value: '1h', label: 'Last hour' },
  { value: 'night', label: 'Last night' },
  { value: '24h', label: 'Last 24 hours' },
  { value: '7d', label: 'Last 7 days' },
] as const;

const BACK_MS: Readonly<Record<string, number>> = { '1h': HOUR_MS, '24h': DAY_MS, '7d': 7 * DAY_MS };

/** Null for a name that is none. */
export function rangeOf(name: string, times: Pick<Times, 'now' | 'zone' | 'field'>): Range | null {
  if (name === 'night') return lastNight(times);
  const back = Object.hasOwn(BACK_MS, name) ? BACK_MS[name] : undefined;
  return back === undefined ? null : { from: new Date(times.now.getTime() - back), to: null };
}

export function rangeLabel(name: string): string {
  return RANGES.find(({ value }) => value === name)?.label ?? name;
}

function lastNight({ now, zone, field }: Pick<Times, 'now' | 'zone' | 'field'>): Range | null {
  const today = field(now).slice(0, 10);
  const yesterday = new Date(Date.parse(`${today}T00:00:00Z`) - DAY_MS).toISOString().slice(0, 10);
  const from = readLocal(`${yesterday}${NIGHT.from}`, zone);
  return from && { from, to: readLocal(`${today}${NIGHT.to}`, zone) };
}

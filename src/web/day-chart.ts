// A day of attempts as bars, one each ten minutes: what was refused stands on the failures, those on the successes.
import type { AttemptBucket } from '../core/throttle-records.ts';
import type { DayChart } from './views.ts';
import { showTime } from './words.ts';

const WIDTH = 864;
const HEIGHT = 120;
const HOURS_BETWEEN_MARKS = 4;
const BUCKETS_AN_HOUR = 6;
const KINDS = ['successes', 'failures', 'refused'] as const;

const clock = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  weekday: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

/** Places and sizes of the bars; heights are square roots, so that one attempt beside ten thousand is still seen. */
export function drawDay(buckets: readonly AttemptBucket[], now: Date): DayChart {
  const most = Math.max(1, ...buckets.map(sum));
  const step = WIDTH / Math.max(1, buckets.length);
  const total = (kind: (typeof KINDS)[number] | 'blocks') => buckets.reduce((all, bucket) => all + bucket[kind], 0);
  const told = `${total('successes')} successes, ${total('failures')} failures, ${total('refused')} refused, ${total('blocks')} blocks`;
  return {
    width: WIDTH,
    height: HEIGHT,
    barWidth: round(step * 0.75),
    bars: buckets.flatMap((bucket, index) => barsOf(bucket, round(index * step), most)),
    marks: buckets.flatMap(({ since }, index) =>
      since.getUTCMinutes() === 0 &&
      since.getUTCHours() % HOURS_BETWEEN_MARKS === 0 &&
      index < buckets.length - BUCKETS_AN_HOUR
        ? [{ x: round(index * step), label: clock.format(since) }]
        : [],
    ),
    top: most.toLocaleString('en'),
    summary: `The last 24 hours: ${told}.`,
    rows: buckets
      .filter((bucket) => sum(bucket) + bucket.blocks > 0)
      .map((bucket) => ({ ...countsOf(bucket), since: showTime(bucket.since, now) }))
      .reverse(),
  };
}

function barsOf(bucket: AttemptBucket, x: number, most: number): DayChart['bars'] {
  let below = 0;
  return KINDS.flatMap((kind) => {
    const from = heightOf(below, most);
    below += bucket[kind];
    const to = heightOf(below, most);
    return to > from ? [{ kind, x, y: round(HEIGHT - to), height: round(to - from) }] : [];
  });
}

function countsOf({ successes, failures, refused, blocks }: AttemptBucket) {
  return { successes, failures, refused, blocks };
}

function sum({ successes, failures, refused }: AttemptBucket): number {
  return successes + failures + refused;
}

function heightOf(count: number, most: number): number {
  return Math.sqrt(count / most) * HEIGHT;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

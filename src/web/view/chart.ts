// Counts over time as stacked bars for an SVG, and as a table. Heights are square roots, so that
// one event beside ten thousand is seen. Pages import it on demand: d3 is some 140 modules.
import { scaleSqrt, scaleUtc } from 'd3-scale';
import { exactTime, showTime } from '../texts/times-and-devices.ts';
import type { Chart, ChartKind } from './console-views.ts';

export interface ChartBar {
  readonly from: Date;
  readonly to: Date;
  readonly counts: Readonly<Partial<Record<ChartKind, number>>>;
  readonly href: string | null;
}

export interface ChartSeries {
  readonly kind: ChartKind;
  readonly label: string;
  /** Only in the table. */
  readonly undrawn?: boolean;
}

interface ChartOptions {
  readonly bars: readonly ChartBar[];
  readonly series: readonly ChartSeries[];
  readonly title: string;
  readonly now: Date;
}

const HEIGHT = 88;
const TICKS = 8;
/** In percent: a label further right would be cut; on a phone, without minor labels, earlier. */
const LABELS_UNTIL = 95;
const LABELS_UNTIL_NARROW = 80;
const DAY_MS = 86_400_000;

const day = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short' });
const weekday = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', weekday: 'short' });
const year = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'short', year: 'numeric' });

export function drawChart({ bars, series, title, now }: ChartOptions): Chart {
  const drawn = series.filter(({ undrawn }) => !undrawn);
  const sum = ({ counts }: ChartBar, of: readonly ChartSeries[]) =>
    of.reduce((all, { kind }) => all + (counts[kind] ?? 0), 0);
  const most = Math.max(1, ...bars.map((bar) => sum(bar, drawn)));
  const height = scaleSqrt([0, most], [0, HEIGHT]);
  const [first, last] = [bars.at(0)?.from ?? now, bars.at(-1)?.to ?? now];
  const x = scaleUtc([first, last], [0, 100]);
  const totals = series.map(({ kind, label }) => {
    const total = bars.reduce((all, { counts }) => all + (counts[kind] ?? 0), 0);
    return `${total.toLocaleString('en')} ${label}`;
  });
  const grid = most >= 8 ? [most, most / 4] : [most];
  return {
    height: HEIGHT,
    bars: bars
      .filter((bar) => sum(bar, drawn) > 0)
      .map((bar) => ({
        x: percent(x(bar.from)),
        width: percent((x(bar.to) - x(bar.from)) * 0.8),
        parts: partsOf(bar, drawn, height),
        href: bar.href,
        title: `${exactTime(bar.from)}: ${series.map(({ kind, label }) => `${bar.counts[kind] ?? 0} ${label}`).join(', ')}`,
      })),
    grid: grid.map((count) => ({
      y: round(HEIGHT - height(count)),
      label: Math.round(count).toLocaleString('en'),
    })),
    ticks: x.ticks(TICKS).map((moment, index) => ({
      x: percent(x(moment)),
      label: x(moment) > LABELS_UNTIL ? '' : tickLabel(moment, last.getTime() - first.getTime()),
      minor: index % 2 === 1 || x(moment) > LABELS_UNTIL_NARROW,
    })),
    keys: drawn.map(({ kind, label }) => ({ kind, label })),
    summary: `${title}: ${totals.join(', ')}.`,
    columns: series.map(({ label }) => label),
    rows: bars
      .filter((bar) => sum(bar, series) > 0)
      .map((bar) => ({
        since: showTime(bar.from, now),
        counts: series.map(({ kind }) => (bar.counts[kind] ?? 0).toLocaleString('en')),
        href: bar.href,
      }))
      .reverse(),
  };
}

function partsOf(
  bar: ChartBar,
  drawn: readonly ChartSeries[],
  height: (count: number) => number,
): Chart['bars'][number]['parts'] {
  let below = 0;
  return drawn.flatMap(({ kind }) => {
    const from = height(below);
    below += bar.counts[kind] ?? 0;
    const to = height(below);
    return to > from ? [{ kind, y: round(HEIGHT - to), height: round(to - from) }] : [];
  });
}

/** "Mon 9:00" within days, "24 Nov" within months, "Nov 2026" beyond. */
function tickLabel(moment: Date, rangeMs: number): string {
  if (rangeMs > 400 * DAY_MS) return year.format(moment);
  if (rangeMs > 9 * DAY_MS) return day.format(moment);
  const clock = `${moment.getUTCHours()}:${String(moment.getUTCMinutes()).padStart(2, '0')}`;
  return `${weekday.format(moment)} ${clock}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100) / 100}%`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

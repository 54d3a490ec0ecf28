// Counts over time as bars for an SVG, and as a table. Each series has a band and a linear scale of
// its own, so that three failures beside ten thousand successes are seen. Pages import it on demand:
// d3 is some 140 modules.
import { type ScaleTime, scaleLinear, scaleUtc } from 'd3-scale';
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

const FIRST_BAND = 72;
const OTHER_BANDS = 28;
/** Above each band, for the number at its top. */
const GAP = 16;
/** One event among thousands is still a line. */
const LEAST = 2;
const LINES = 3;
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
  const [first, last] = [bars.at(0)?.from ?? now, bars.at(-1)?.to ?? now];
  const x = scaleUtc([first, last], [0, 100]);
  const totals = series.map(({ kind, label }) => {
    const total = bars.reduce((all, { counts }) => all + (counts[kind] ?? 0), 0);
    return `${total.toLocaleString('en')} ${label}`;
  });
  const bands = bandsOf(bars, drawn);
  return {
    height: bands.at(-1)?.ground ?? 0,
    bars: bars
      .filter((bar) => sum(bar, drawn) > 0)
      .map((bar) => ({
        x: percent(x(bar.from)),
        width: percent((x(bar.to) - x(bar.from)) * 0.8),
        parts: partsOf(bar, bands),
        href: bar.href,
        title: `${exactTime(bar.from)}: ${series.map(({ kind, label }) => `${bar.counts[kind] ?? 0} ${label}`).join(', ')}`,
      })),
    grounds: bands.map(({ ground }) => ground),
    grid: bands.flatMap(({ grid }) => grid),
    ticks: ticksOf(x, last.getTime() - first.getTime()),
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

interface Band {
  readonly kind: ChartKind;
  /** Pixels from the top: where its bars stand. */
  readonly ground: number;
  readonly height: (count: number) => number;
  readonly grid: Chart['grid'];
}

function bandsOf(bars: readonly ChartBar[], series: readonly ChartSeries[]): readonly Band[] {
  return series.map(({ kind }, index) => {
    const size = index === 0 ? FIRST_BAND : OTHER_BANDS;
    const ground = GAP + FIRST_BAND + index * (GAP + OTHER_BANDS);
    const most = Math.max(1, ...bars.map(({ counts }) => counts[kind] ?? 0));
    const scale = scaleLinear([0, most], [0, size]).nice(LINES);
    const lines = scale.ticks(LINES).filter((count) => count > 0 && Number.isInteger(count));
    return {
      kind,
      ground,
      height: (count) => Math.max(LEAST, scale(count)),
      grid: (index === 0 ? lines : lines.slice(-1)).map((count) => ({
        y: round(ground - scale(count)),
        label: count.toLocaleString('en'),
      })),
    };
  });
}

function partsOf({ counts }: ChartBar, bands: readonly Band[]): Chart['bars'][number]['parts'] {
  return bands.flatMap(({ kind, ground, height }) => {
    const count = counts[kind] ?? 0;
    return count === 0 ? [] : [{ kind, y: round(ground - height(count)), height: round(height(count)) }];
  });
}

/** No two labels are alike: ticks closer than what a label tells have one among them. */
function ticksOf(x: ScaleTime<number, number>, rangeMs: number): Chart['ticks'] {
  const labels = new Set<string>();
  return x.ticks(TICKS).map((moment, index) => {
    const label = tickLabel(moment, rangeMs);
    const said = labels.has(label) || x(moment) > LABELS_UNTIL;
    labels.add(label);
    return {
      x: percent(x(moment)),
      label: said ? '' : label,
      minor: index % 2 === 1 || x(moment) > LABELS_UNTIL_NARROW,
    };
  });
}

/** "Mon 9:00" within days, "24 Nov" within months, "Nov 2026" beyond. */
function tickLabel(moment: Date, rangeMs: number): string {
  if (rangeMs > 400 * DAY_MS) return year.format(moment);
  if (rangeMs > 6 * DAY_MS) return day.format(moment);
  const clock = `${moment.getUTCHours()}:${String(moment.getUTCMinutes()).padStart(2, '0')}`;
  return `${weekday.format(moment)} ${clock}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100) / 100}%`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

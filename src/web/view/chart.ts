// Counts over time as bars for an SVG, and as a table. Each series has a band and a linear scale of
// its own, so that three failures beside ten thousand successes are seen. Pages import it on demand:
// d3 is some 140 modules.
import { type ScaleTime, scaleLinear, scaleUtc } from 'd3-scale';
import { offsetMs, type Times } from '../texts/zoned-times.ts';
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
  /** Of any number but one; the label without it. */
  readonly many?: string;
  /** Only in the table. */
  readonly undrawn?: boolean;
}

interface ChartOptions {
  readonly bars: readonly ChartBar[];
  readonly series: readonly ChartSeries[];
  readonly title: string;
  readonly times: Times;
}

const FIRST_BAND = 72;
const OTHER_BANDS = 28;
/** Above each band, for the number at its top. */
const GAP = 16;
/** One event among thousands is still a line. */
const LEAST = 2;
const LINES = 3;
const TICKS = 8;
/** How many percent of the width a label may begin at without being cut: where it is wide, a phone's, or a phone's with large text. */
const LABELS_UNTIL = [62, 80, 95] as const;

export function drawChart({ bars, series, title, times }: ChartOptions): Chart {
  const drawn = series.filter(({ undrawn }) => !undrawn);
  const sum = ({ counts }: ChartBar, of: readonly ChartSeries[]) =>
    of.reduce((all, { kind }) => all + (counts[kind] ?? 0), 0);
  const [first, last] = [bars.at(0)?.from ?? times.now, bars.at(-1)?.to ?? times.now];
  const x = scaleUtc([first, last], [0, 100]);
  const totals = series.map(({ kind, label, many = label }) => {
    const total = bars.reduce((all, { counts }) => all + (counts[kind] ?? 0), 0);
    return `${total.toLocaleString('en')} ${total === 1 ? label : many}`;
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
        title: `${times.exact(bar.from)}: ${series.map((one) => countOf(bar, one)).join(', ')}`,
      })),
    grounds: bands.map(({ ground }) => ground),
    grid: bands.flatMap(({ grid }) => grid),
    ticks: ticksOf(x, [first, last], times),
    keys: drawn.map(({ kind, label }) => ({ kind, label })),
    summary: `${title}: ${totals.join(', ')}.`,
    columns: series.map(({ label, many = label }) => many),
    rows: bars
      .filter((bar) => sum(bar, series) > 0)
      .map((bar) => ({
        since: times.clock(bar.from),
        counts: series.map(({ kind }) => (bar.counts[kind] ?? 0).toLocaleString('en')),
        href: bar.href,
      }))
      .reverse(),
  };
}

function countOf({ counts }: ChartBar, { kind, label, many = label }: ChartSeries): string {
  const count = counts[kind] ?? 0;
  return `${count} ${count === 1 ? label : many}`;
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
        inner: count !== lines.at(-1),
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

/**
 * Round moments of the page's zone. No two labels are alike: ticks closer than what a label tells have one among them. The
 * first level is seen at any width, the third only where there is room for eight labels. The scale takes its number of ticks
 * as a hint: where they are more than eight, only each second one has a label.
 */
function ticksOf(x: ScaleTime<number, number>, [first, last]: readonly [Date, Date], times: Times): Chart['ticks'] {
  const ahead = offsetMs(first, times.zone);
  const local = scaleUtc([first.getTime() + ahead, last.getTime() + ahead], [0, 100]);
  const labels = new Set<string>();
  const moments = local.ticks(TICKS).map((clock) => new Date(clock.getTime() - ahead));
  const stride = Math.ceil(moments.filter((moment) => x(moment) <= LABELS_UNTIL[2]).length / TICKS);
  return moments.map((moment, index) => {
    const label = times.tick(moment, last.getTime() - first.getTime());
    const place = x(moment);
    const level = Math.max(
      levelOf(index / stride),
      LABELS_UNTIL.findIndex((until) => place <= until),
    );
    const unsaid = index % stride > 0 || labels.has(label) || place > LABELS_UNTIL[2];
    if (index % stride === 0) labels.add(label);
    return { x: percent(place), label: unsaid ? '' : label, level: level as 0 | 1 | 2 };
  });
}

function levelOf(index: number): number {
  if (index % 4 === 0) return 0;
  return index % 2 === 0 ? 1 : 2;
}

function percent(share: number): string {
  return `${Math.round(share * 100) / 100}%`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

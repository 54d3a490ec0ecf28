import { describe, expect, test } from '@jest/globals';
import { timesIn } from '../../src/web/texts/zoned-times.ts';
import { drawChart } from '../../src/web/view/chart.ts';

const utc = (now: Date) => timesIn('UTC', now);

test('no label stands where it would be cut', () => {
  const bars = Array.from({ length: 30 }, (_, index) => ({
    from: new Date(Date.UTC(2020, 3 * index)),
    to: new Date(Date.UTC(2020, 3 * (index + 1))),
    counts: { successes: 1 },
    href: null,
  }));
  const series = [{ kind: 'successes', label: 'succeeded' }] as const;
  const { ticks } = drawChart({ bars, series, title: 'All', times: utc(new Date(Date.UTC(2027, 5))) });
  const told = (part: typeof ticks) => part.map(({ label }) => label).filter((label) => label !== '');
  expect(told(ticks)).toEqual([2020, 2021, 2022, 2023, 2024, 2025, 2026, 2027].map((year) => `Jan ${year}`));
  expect(told(ticks.filter(({ level }) => level < 2))).toEqual(['Jan 2020', 'Jan 2022', 'Jan 2024']);
  expect(told(ticks.filter(({ level }) => level === 0))).toEqual(['Jan 2020', 'Jan 2024']);
  const shorter = drawChart({ bars: bars.slice(0, 29), series, title: 'All', times: utc(new Date(Date.UTC(2027, 2))) });
  expect(told(shorter.ticks).at(-1)).toBe('Jan 2026');
});

test('an hour has as many labels as there is room for, not one each five minutes', () => {
  const from = new Date(Date.UTC(2026, 10, 23, 12));
  const bar = { from, to: new Date(Date.UTC(2026, 10, 23, 13)), counts: { successes: 1 }, href: null };
  const series = [{ kind: 'successes', label: 'succeeded' }] as const;
  const { ticks } = drawChart({ bars: [bar], series, title: 'All', times: utc(bar.to) });
  const told = (part: typeof ticks) => part.map(({ label }) => label).filter((label) => label !== '');
  expect(told(ticks)).toEqual([0, 1, 2, 3, 4, 5].map((ten) => `Mon 12:${ten}0`));
  expect(told(ticks.filter(({ level }) => level < 2))).toEqual(['Mon 12:00', 'Mon 12:20', 'Mon 12:40']);
});

describe('each series', () => {
  const hour = (n: number) => new Date(Date.UTC(2026, 10, 23, n));
  const bars = [
    { from: hour(0), to: hour(1), counts: { successes: 250, failures: 3 }, href: null },
    { from: hour(1), to: hour(2), counts: { successes: 125 }, href: null },
    { from: hour(2), to: hour(3), counts: { successes: 1, failures: 1 }, href: null },
  ];
  const series = [
    { kind: 'successes', label: 'succeeded' },
    { kind: 'failures', label: 'failed' },
  ] as const;
  const chart = drawChart({ bars, series, title: 'All', times: utc(hour(4)) });
  const [first, second, third] = chart.bars.map(({ parts }) => parts);

  test('stands in a band of its own, so that three in 250 are seen', () => {
    expect(chart.grounds).toHaveLength(2);
    const [top = 0, bottom = 0] = chart.grounds;
    const failures = first?.find(({ kind }) => kind === 'failures');
    expect((failures?.y ?? 0) + (failures?.height ?? 0)).toBe(bottom);
    expect(failures?.y).toBeGreaterThan(top);
    expect(failures?.height).toBeGreaterThan(15);
    expect(third?.find(({ kind }) => kind === 'successes')?.height).toBe(2);
  });

  test('is drawn to a linear scale with round numbers', () => {
    const [all, half] = [first, second].map((parts) => parts?.find(({ kind }) => kind === 'successes')?.height ?? 0);
    expect((all ?? 0) / (half ?? 1)).toBeCloseTo(2, 1);
    expect(chart.grid.map(({ label }) => label)).toEqual(['100', '200', '300', '3']);
  });
});

test('no two labels of the axis are alike', () => {
  for (const minutes of [1, 5, 60, 600, 6_000, 9 * 1_440, 60_000, 600_000, 6_000_000]) {
    const from = new Date(Date.UTC(2026, 10, 23));
    const bar = { from, to: new Date(from.getTime() + minutes * 60_000), counts: { successes: 1 }, href: null };
    const series = [{ kind: 'successes', label: 'succeeded' }] as const;
    const { ticks } = drawChart({ bars: [bar], series, title: 'All', times: utc(bar.to) });
    const labels = ticks.map(({ label }) => label).filter((label) => label !== '');
    expect(labels.length).toBeGreaterThan(0);
    expect(new Set(labels).size).toBe(labels.length);
  }
});

test('the axis has round moments of the zone of the page, and none twice where clocks go back', () => {
  const bars = (from: string, hours: number) => [
    {
      from: new Date(from),
      to: new Date(Date.parse(from) + hours * 3_600_000),
      counts: { successes: 1 },
      href: null,
    },
  ];
  const series = [{ kind: 'successes', label: 'success' }] as const;
  const labels = (from: string, hours: number, zone: string) =>
    drawChart({ bars: bars(from, hours), series, title: 'All', times: timesIn(zone, new Date(from)) })
      .ticks.map(({ label }) => label)
      .filter((label) => label !== '');
  expect(labels('2026-11-23T00:00:00Z', 24, 'UTC').slice(0, 2)).toEqual(['Mon 0:00', 'Mon 3:00']);
  expect(labels('2026-11-23T00:00:00Z', 24, 'Asia/Kolkata').slice(0, 2)).toEqual(['Mon 6:00', 'Mon 9:00']);
  const back = labels('2026-10-24T22:00:00Z', 8, 'Europe/Berlin');
  expect(new Set(back).size).toBe(back.length);
});

import { expect, test } from '@jest/globals';
import { drawChart } from '../../src/web/view/chart.ts';

test('no label stands where it would be cut', () => {
  const bars = Array.from({ length: 30 }, (_, index) => ({
    from: new Date(Date.UTC(2020, 3 * index)),
    to: new Date(Date.UTC(2020, 3 * (index + 1))),
    counts: { successes: 1 },
    href: null,
  }));
  const series = [{ kind: 'successes', label: 'succeeded' }] as const;
  const { ticks } = drawChart({ bars, series, title: 'All', now: new Date(Date.UTC(2027, 5)) });
  const told = (part: typeof ticks) => part.map(({ label }) => label).filter((label) => label !== '');
  expect(told(ticks)).toEqual([2020, 2021, 2022, 2023, 2024, 2025, 2026, 2027].map((year) => `Jan ${year}`));
  expect(told(ticks.filter(({ minor }) => !minor))).toEqual(['Jan 2020', 'Jan 2022', 'Jan 2024']);
  const shorter = drawChart({ bars: bars.slice(0, 29), series, title: 'All', now: new Date(Date.UTC(2027, 2)) });
  expect(told(shorter.ticks).at(-1)).toBe('Jan 2026');
});

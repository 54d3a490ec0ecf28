// Durations as people write them: `30d`, `12h`, `45m`, `90s`, `500ms`.

export const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** Ten years: cookies, stores and clocks take no much later date. */
const LONGEST = 3_650 * UNITS.d;

/** In milliseconds; null for anything else, nothing at all, and more than ten years. */
export function readDuration(text: string): number | null {
  const match = /^(\d{1,15})(ms|s|m|h|d)$/.exec(text.trim());
  const milliseconds = match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : 0;
  return milliseconds > 0 && milliseconds <= LONGEST ? milliseconds : null;
}

/** In the largest unit that says it whole: `90s`, `2h`. */
export function showDuration(milliseconds: number): string {
  const units = Object.entries(UNITS).reverse();
  const [unit, length] = units.find(([, one]) => milliseconds % one === 0) ?? ['ms', 1];
  return `${milliseconds / length}${unit}`;
}

// Whether two samples come from one distribution: Mann and Whitney's test, which asks nothing of the distribution's shape
// and is not moved by a few outliers.

/** The standard score of the sum of the ranks: around 0 for samples of one kind, whatever that is. */
export function rankScore(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((value) => ({ value, own: true })), ...b.map((value) => ({ value, own: false }))];
  all.sort((one, other) => one.value - other.value);
  const sum = all.reduce((total, { own }, index) => total + (own ? index + 1 : 0), 0);
  const mean = (a.length * (a.length + b.length + 1)) / 2;
  const variance = (mean * b.length) / 6;
  return (sum - mean) / Math.sqrt(variance);
}

/**
 * How many times as long the one takes as the other, by the medians of turns; near 1 for those that take as long. What the machine
 * does beside it may fall on one of them: measured again then, thrice in all, since what takes longer does so each time.
 */
export async function timeRatio(rounds: number, one: () => Promise<number>, other: () => Promise<number>) {
  let ratio = Number.NaN;
  for (let tries = 0; tries < 3 && !(ratio > 0.6 && ratio < 1.6); tries += 1) {
    const [ones, others]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      ones.push(await one());
      others.push(await other());
    }
    ratio = medianOf(ones) / medianOf(others);
  }
  return ratio;
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

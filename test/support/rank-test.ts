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

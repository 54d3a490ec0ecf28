// How long requests took, counted by hand: prom-client's own histogram looks up its labels again for each, which costs more than
// the rest of counting. It is read as any metric of a registry.
import type { Registry } from 'prom-client';

const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const;

interface Series {
  readonly labels: Readonly<Record<string, string | number>>;
  /** By the lowest bound that a duration did not exceed; the last is of those beyond all. */
  readonly counts: number[];
  seconds: number;
}

interface Value {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** Each `key` stands for labels of its own. */
export function createDurations(registry: Registry, { name, help }: { readonly name: string; readonly help: string }) {
  const series = new Map<string, Series>();

  function valuesOf({ labels, counts, seconds }: Series): Value[] {
    let count = 0;
    const buckets = [...BOUNDS, '+Inf'].map((le, index) => {
      count += counts[index] ?? 0;
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: seconds },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }

  const get = async () => {
    return { name, help, type: 'histogram', aggregator: 'sum', values: [...series.values()].flatMap(valuesOf) };
  };
  const metric = { name, get, reset: () => series.clear() };
  registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0]);

  return (key: string, seconds: number, labels: Series['labels']): void => {
    let known = series.get(key);
    if (known === undefined) {
      known = { labels, counts: [...BOUNDS, 0].map(() => 0), seconds: 0 };
      series.set(key, known);
    }
    let bucket = 0;
    while (bucket < BOUNDS.length && seconds > (BOUNDS[bucket] ?? 0)) bucket += 1;
    known.counts[bucket] = (known.counts[bucket] ?? 0) + 1;
    known.seconds += seconds;
  };
}

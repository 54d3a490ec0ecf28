// What a process counts, for Prometheus. Labels have few values and hold nothing of a person:
// routes as the code writes them, never a path, an address or an id.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST']);
const DURATIONS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export type BreachCheck = 'found' | 'not_found' | 'failed';

/** Which store answered for a session. */
export type SessionSource = 'redis' | 'postgres' | 'nowhere';

export interface GaugeOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** Called at each scrape. NaN when it throws. */
  readonly read: () => Promise<readonly GaugeValue[]> | readonly GaugeValue[];
}

export interface GaugeValue {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Histogram({
    name: 'holdfast_http_request_duration_seconds',
    help: 'How long requests took, by route, method and status',
    labelNames: ['route', 'method', 'status'],
    buckets: DURATIONS,
    registers,
  });
  const reads = new Counter({
    name: 'holdfast_session_reads_total',
    help: 'Sessions that were asked for, by who answered: redis, postgres (Redis had none, or can not be believed), nowhere (both away)',
    labelNames: ['source'],
    registers,
  });
  const breachChecks = new Counter({
    name: 'holdfast_breach_checks_total',
    help: 'New passwords that the breach service was asked for: found, not_found, failed (no answer in time, or none that makes sense)',
    labelNames: ['outcome'],
    registers,
  });
  // Kept: finding a counter by its labels costs more than counting.
  const byRequest = new Map<string, Histogram.Internal<string>>();
  const bySource: Readonly<Record<SessionSource, Counter.Internal>> = {
    redis: reads.labels('redis'),
    postgres: reads.labels('postgres'),
    nowhere: reads.labels('nowhere'),
  };
  for (const source of Object.values(bySource)) source.inc(0); // there from the start, so that a rate can be told

  const refusals = new Counter({
    name: 'holdfast_throttle_refusals_total',
    help: 'Attempts that the throttle refused, by the kind of the window that was full or blocked',
    labelNames: ['window'],
    registers,
  });

  return {
    registry,

    /** `route` is the route's pattern; undefined for none. */
    countRequest(route: string | undefined, method: string, status: number, ms: number): void {
      const labels = { route: route ?? 'none', method: METHODS.has(method) ? method : 'other', status };
      const key = `${labels.status} ${labels.method} ${labels.route}`;
      const known = byRequest.get(key) ?? requests.labels(labels);
      byRequest.set(key, known);
      known.observe(ms / 1_000);
    },

    countRefusal: (window: string): void => refusals.inc({ window }),

    countRead: (source: SessionSource): void => bySource[source].inc(),

    countBreachCheck: (outcome: BreachCheck): void => breachChecks.inc({ outcome }),

    addGauge({ name, help, labelNames = [], read }: GaugeOptions): void {
      new Gauge({
        name,
        help,
        labelNames: [...labelNames],
        registers,
        async collect() {
          this.reset();
          const values: readonly GaugeValue[] = await Promise.resolve()
            .then(read)
            .catch(() => (labelNames.length === 0 ? [{ value: Number.NaN }] : []));
          for (const { labels = {}, value } of values) this.set({ ...labels }, value);
        },
      });
    },

    /** Adds the metrics of Node.js: event loop lag, memory, garbage collection, processor time. */
    watchProcess(): void {
      collectDefaultMetrics({ register: registry });
    },
  };
}

// What a process counts, for Prometheus. Labels have few values and hold nothing of a person:
// routes as the code writes them, never a path, an address or an id.
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { createDurations } from './durations-by-request.ts';

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST']);

export type BreachCheck = 'found' | 'not_found' | 'failed';
export type OldSystemAnswer = 'yes' | 'no' | 'failed' | 'busy';

/** Which store answered for a session. */
const SESSION_SOURCES = ['redis', 'postgres', 'nowhere'] as const;
export type SessionSource = (typeof SESSION_SOURCES)[number];

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
  const observe = createDurations(registry, {
    name: 'holdfast_http_request_duration_seconds',
    help: 'How long requests took, by route, method and status',
  });
  // Handed over at each scrape: the library looks up labels whenever it counts.
  const read: Record<SessionSource, number> = { redis: 0, postgres: 0, nowhere: 0 };
  new Counter({
    name: 'holdfast_session_reads_total',
    help: 'Sessions that were asked for, by who answered: redis, postgres (Redis had none, or can not be believed), nowhere (both away)',
    labelNames: ['source'],
    registers,
    collect() {
      for (const source of SESSION_SOURCES) {
        this.inc({ source }, read[source]);
        read[source] = 0;
      }
    },
  });
  const breachChecks = new Counter({
    name: 'holdfast_breach_checks_total',
    help: 'New passwords that the breach service was asked for: found, not_found, failed (no answer in time, or none that makes sense)',
    labelNames: ['outcome'],
    registers,
  });
  const oldSystem = new Counter({
    name: 'holdfast_old_system_answers_total',
    help: 'People unknown here that the old system was asked about: yes, no, failed (no whole answer in time, or none that makes sense), busy (not asked: too many waited)',
    labelNames: ['outcome'],
    registers,
  });
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
      observe(`${labels.status} ${labels.method} ${labels.route}`, ms / 1_000, labels);
    },

    countRefusal: (window: string): void => refusals.inc({ window }),

    countRead(source: SessionSource): void {
      read[source] += 1;
    },

    countBreachCheck: (outcome: BreachCheck): void => breachChecks.inc({ outcome }),

    countOldSystem: (outcome: OldSystemAnswer): void => oldSystem.inc({ outcome }),

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

// The worker's metrics on METRICS_PORT: what waits, and how far sealing lags.
import type { Context } from '../src/core/context.ts';
import { type MetricsPort, serveMetrics } from '../src/core/platform/metrics-server.ts';
import { QUEUE_NAMES } from '../src/core/platform/queues.ts';
import type { ListedDrain } from '../src/core/shipping/drains.ts';

/** Counting further would cost more than it is worth. */
const MOST_COUNTED = 100_000;
const STATES = ['waiting', 'active', 'delayed', 'failed'] as const;

const UNDELIVERED = `
  SELECT 'mail' AS way, count(*), extract(epoch FROM now() - min(created_at)) AS lag FROM mail WHERE ended_at IS NULL
  UNION ALL
  SELECT 'webhook', count(*), extract(epoch FROM now() - min(created_at)) FROM alert_post WHERE ended_at IS NULL`;

export async function publishMetrics(
  { config, log, metrics, database, queues, sessionCache, checkpoints, sealing, drains }: Context,
  { drains: own = [] }: { readonly drains?: readonly string[] } = {},
): Promise<MetricsPort | null> {
  if (config.metrics === null) return null;
  metrics.watchProcess();
  metrics.addGauge({
    name: 'holdfast_outbox_events',
    help: `Events that wait to be sealed, ${MOST_COUNTED.toLocaleString('en')} at most`,
    read: async () => [
      { value: await number(`SELECT count(*) AS n FROM (SELECT FROM outbox LIMIT ${MOST_COUNTED}) AS waiting`) },
    ],
  });
  metrics.addGauge({
    name: 'holdfast_sealing_lag_seconds',
    help: 'How long the oldest event that is not sealed has waited',
    read: async () => [
      { value: await number('SELECT extract(epoch FROM now() - created_at) AS n FROM outbox ORDER BY id LIMIT 1') },
    ],
  });
  metrics.addGauge({
    name: 'holdfast_sealing_silent_seconds',
    help: 'How long this worker has neither sealed an event nor found that none waits',
    read: () => [{ value: sealing.silentMs() / 1_000 }],
  });
  metrics.addGauge({
    name: 'holdfast_audit_events',
    help: 'The number of the newest sealed event',
    read: async () => [{ value: await number('SELECT seq AS n FROM audit_head WHERE id = 1') }],
  });
  metrics.addGauge({
    name: 'holdfast_audit_alarm',
    help: 'Whether something contradicts the log, so that no checkpoint is signed',
    read: () => [{ value: Number(checkpoints.isAlarmed()) }],
  });
  /** Those of this worker's file. */
  const addDrainGauge = (name: string, help: string, of: (drain: ListedDrain) => number) =>
    metrics.addGauge({
      name,
      help,
      labelNames: ['drain'],
      read: async () =>
        own.length === 0
          ? []
          : (await drains.list())
              .filter((drain) => own.includes(drain.name))
              .map((drain) => ({ labels: { drain: drain.name }, value: of(drain) })),
    });
  addDrainGauge('holdfast_drain_lag_events', 'Sealed events that a receiver has not', ({ behind }) => behind);
  addDrainGauge(
    'holdfast_drain_lag_seconds',
    'How long the oldest of them has been sealed',
    (drain) => drain.lagSeconds,
  );
  addDrainGauge('holdfast_drain_failures', 'How often a receiver has failed in a row', ({ failures }) => failures);
  metrics.addGauge({
    name: 'holdfast_messages_waiting',
    help: 'Mails and alerts to the webhook that are not delivered yet',
    labelNames: ['way'],
    read: async () => (await undelivered()).map(({ way, count }) => ({ labels: { way }, value: Number(count) })),
  });
  metrics.addGauge({
    name: 'holdfast_messages_lag_seconds',
    help: 'How long the oldest of them has waited',
    labelNames: ['way'],
    read: async () => (await undelivered()).map(({ way, lag }) => ({ labels: { way }, value: Number(lag ?? 0) })),
  });
  metrics.addGauge({
    name: 'holdfast_queue_jobs',
    help: 'Jobs by queue and state',
    labelNames: ['queue', 'state'],
    read: async () => {
      const counts = await Promise.all(
        QUEUE_NAMES.map(async (queue) => (await queues.open(queue)).getJobCounts(...STATES)),
      );
      return counts.flatMap((states, index) =>
        Object.entries(states).map(([state, value]) => ({ labels: { queue: QUEUE_NAMES[index] ?? '', state }, value })),
      );
    },
  });
  metrics.addGauge({
    name: 'holdfast_database_rewound',
    help: 'Processes that know that PostgreSQL has gone back in time, until an operator accepts it',
    read: () => [{ value: Number(sessionCache.rewound.stands()) }],
  });
  metrics.addGauge({
    name: 'holdfast_store_up',
    help: 'Whether a store can be asked and trusted',
    labelNames: ['store'],
    read: () =>
      Object.entries(sessionCache.stores()).map(([name, up]) => ({ labels: { store: name }, value: Number(up) })),
  });
  return serveMetrics({ ...config.metrics, read: () => metrics.registry.metrics(), log });

  async function undelivered() {
    const { rows } = await database.pool.query<{ way: string; count: string; lag: string | null }>(UNDELIVERED);
    return rows;
  }

  async function number(text: string): Promise<number> {
    const { rows } = await database.pool.query<{ n: string }>(text);
    return Number(rows[0]?.n ?? 0);
  }
}

// Publishes a web process's metrics: through the supervisor, which adds up its processes, or
// without one on METRICS_PORT.
import cluster from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import type { Context } from '../core/context.ts';
import { type MetricsPort, serveMetrics } from '../core/platform/metrics-server.ts';

export async function publishMetrics({
  config,
  log,
  metrics,
  sessionCache,
  passwords,
  database,
}: Context): Promise<MetricsPort | null> {
  if (config.metrics === null) return null;
  metrics.watchProcess();
  metrics.addGauge({
    name: 'holdfast_database_rewound',
    help: 'Processes that know that PostgreSQL has gone back in time, until an operator accepts it',
    read: () => [{ value: Number(sessionCache.rewound.stands()) }],
  });
  metrics.addGauge({
    name: 'holdfast_store_up',
    help: 'Web processes for which a store can be asked and trusted',
    labelNames: ['store'],
    read: () =>
      Object.entries(sessionCache.stores()).map(([name, up]) => ({ labels: { store: name }, value: Number(up) })),
  });
  metrics.addGauge({
    name: 'holdfast_password_hashes',
    help: 'Passwords being hashed, and waiting for it',
    labelNames: ['state'],
    read: () => Object.entries(passwords.queue()).map(([state, value]) => ({ labels: { state }, value })),
  });
  metrics.addGauge({
    name: 'holdfast_database_waiting',
    help: 'Queries that wait for a connection to PostgreSQL',
    read: () => [{ value: database.pool.waitingCount }],
  });
  if (cluster.isWorker) {
    new AggregatorRegistry(); // answers the supervisor
    AggregatorRegistry.setRegistries([metrics.registry]);
    return null;
  }
  return serveMetrics({ ...config.metrics, read: () => metrics.registry.metrics(), log });
}

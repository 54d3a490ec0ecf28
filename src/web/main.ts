// One web process: serves, reports when it is ready, and drains when it must stop.
import '../core/platform/known-runtime.ts';

import cluster from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import { NO_ORIGIN } from '../core/audit/events.ts';
import { readConfigOrExit } from '../core/config.ts';
import { createContext } from '../core/context.ts';
import { lowerHashThreads } from '../core/credentials/hash-threads.ts';
import { createLog, flushLog } from '../core/platform/log.ts';
import { createMetrics } from '../core/platform/metrics.ts';
import { tellConnectionRoom } from '../core/platform/postgres/connection-room.ts';
import { tellReplication } from '../core/platform/postgres/standbys.ts';
import { isListen, LISTEN_WHEN_READY } from '../supervisor/messages.ts';
import { createApp } from './app.ts';
import { publishMetrics } from './metrics.ts';
import type { Readiness } from './pages/health.ts';
import { createWebServer, type Serving, serve } from './serve.ts';

const READY_CHECK_MS = 10;

const config = readConfigOrExit(process.env);
const log = createLog({ level: config.logLevel, name: 'web', buffered: true });
for (const secret of config.needless) log.warn(`${secret} is set, which a web process does not need: take it away`);
const context = createContext(config, log, { metrics: createMetrics() });
void lowerHashThreads();
const readiness: Readiness = { draining: false, started: false };
const { listener, streams } = createApp(context, readiness);
const server = createWebServer(listener);
// Loads Prisma's compiler meanwhile: the first login must not wait for it.
const databaseOpened = context.database.prisma.$connect().catch(() => undefined);
let serving: Promise<Serving> | null = null;

// Before listening: from then on there may be requests.
let stopping: Promise<void> | null = null;
let exitCode = 0;
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
process.on('disconnect', () => void stop());
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'an error that nobody caught');
  exitCode = 1;
  stop().catch(() => process.exit(exitCode));
});

// While others serve on this port, a process without stores must not take their requests.
process.on('message', (message) => isListen(message) && void listen());
if (!process.argv.includes(LISTEN_WHEN_READY)) await listen();
await publishMetrics(context);

void announce();

function listen(): Promise<Serving> {
  serving ??= startListening();
  return serving;
}

async function startListening(): Promise<Serving> {
  const { host, port, maxConnections, shutdownTimeoutMs } = config;
  const started = await serve({ server, host, port, maxConnections, shutdownTimeoutMs, log });
  started.onDrain(() => streams.end());
  log.info({ address: started.address }, 'listening');
  return started;
}

/**
 * Reports to the supervisor once both stores were reached, of several Redis with sessions soon one: PostgreSQL answers for the
 * others. Logs what it waits for.
 */
async function announce(): Promise<void> {
  const began = performance.now();
  let said = false;
  for (;;) {
    const { redis, someSessions, postgres } = context.sessionCache.health();
    const isLate = performance.now() - began > 2_000;
    if ((postgres && (redis || (isLate && someSessions))) || readiness.draining) break;
    if (!said && isLate) {
      const missing = Object.entries(context.sessionCache.stores()).flatMap(([store, up]) => (up ? [] : [store]));
      log.warn({ missing }, 'waiting for the stores');
      said = true;
    }
    await delay(READY_CHECK_MS);
  }
  await Promise.all([databaseOpened, context.forwardAuth.prepare()]);
  if (readiness.draining) return;
  await listen();
  readiness.started = true;
  log.info({ ms: Math.round(performance.now() - began) }, 'ready');
  process.send?.({ type: 'ready' });
  await record('sys_startup');
  const { webProcesses, databasePoolSize: poolSize } = config;
  if ((cluster.worker?.id ?? 1) !== 1) return;
  await tellConnectionRoom(context, { webProcesses, poolSize });
  await tellReplication(context);
}

function record(type: 'sys_startup' | 'sys_shutdown'): Promise<void> {
  const detail = { process: 'web', pid: process.pid };
  return context
    .record({ type, outcome: 'success', actor: null, subject: null, origin: NO_ORIGIN, detail })
    .catch((error: unknown) => log.warn({ err: error, type }, 'could not be recorded in the audit log'));
}

function stop(): Promise<void> {
  stopping ??= drain();
  return stopping;
}

async function drain(): Promise<void> {
  readiness.draining = true;
  log.info('draining');
  await (await serving)?.drain();
  await Promise.race([record('sys_shutdown'), delay(1_000)]);
  await Promise.race([context.close(), delay(2_000)]);
  log.info('stopped');
  await Promise.race([flushLog(log), delay(1_000)]);
  process.exit(exitCode);
}

// The worker process: seals the audit log, writes down when sessions were last seen, cleans up. On SIGTERM it finishes the
// jobs in hand, takes no new ones and exits 0; what it can't finish in time another worker takes over.
import '../src/core/platform/known-runtime.ts';

import { setTimeout as delay } from 'node:timers/promises';
import { type Processor, Worker } from 'bullmq';
import { NO_ORIGIN } from '../src/core/audit/events.ts';
import { readConfigOrExit } from '../src/core/config.ts';
import { type Context, createContext } from '../src/core/context.ts';
import { createLog } from '../src/core/platform/log.ts';
import { createMetrics } from '../src/core/platform/metrics.ts';
import { QUEUE_NAMES, type QueueName } from '../src/core/platform/queues.ts';
import { closeRedis, openRedis, QUEUE_PREFIX, replyCode } from '../src/core/platform/redis.ts';
import { redisFault } from '../src/core/platform/redis-needs.ts';
import { type DrainSettings, readDrainFile } from '../src/core/shipping/drain-file.ts';
import { createDraining } from '../src/core/shipping/draining.ts';
import { handlers } from './handlers.ts';
import { publishMetrics } from './metrics.ts';
import { createOwnClock } from './own-clock.ts';
import { keepSchedule } from './schedule.ts';
import { createSealingWatch } from './sealing-watch.ts';
import { createLookForWork } from './waiting.ts';

/** A job whose worker died is taken over after this long. */
const LOCK_MS = 10_000;
const STALLED_CHECK_MS = 5_000;
const REST_MS = 1_000;
const LOOK_AGAIN_MS = 1_000;
/** A refusal so long after the last one of its kind is another outage, and said again. BullMQ asks every ten seconds at least. */
const OVER_MS = 30_000;

const config = readConfigOrExit(process.env, { signs: false });
const drainSettings = readDrainsOrExit(config.audit.drainsFile);
const log = createLog({ level: config.logLevel, name: 'worker' });
const context = createContext(config, log, { metrics: createMetrics() });
const connection = openRedis({ address: config.redis, role: 'worker', log });
const stopping = new AbortController();
/** When Redis last refused the queues, by the code of its reply. */
const refusedAt = new Map<string, number>();

let stopped: Promise<void> | null = null;
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());

const ownClock = createOwnClock({
  run: (name) => run(name),
  nudge: (name) => context.queues.nudge(name),
  look: createLookForWork(context),
  log,
  now: () => performance.now(),
});
const workers = QUEUE_NAMES.map(startWorker);
const kept = ownClock.keep(stopping.signal);
const watched = createSealingWatch({ sealing: context.sealing, log }).keep(stopping.signal);
const draining = createDraining({ ...context, settings: drainSettings });
const drained = draining.keep(stopping.signal);
const schedule = keepSchedule({ queues: context.queues, log, signal: stopping.signal });
recordProcess(context, 'sys_startup');
log.info('the worker has started');
for (const secret of config.needless) log.warn(`${secret} is set, which the worker does not need: take it away`);
if (!config.audit.signingKey)
  log.warn('AUDIT_SIGNING_KEY is not set: the audit log gets no checkpoints, and no month is dropped');
await publishMetrics(context, { drains: draining.names });

announce().catch((error: unknown) => log.debug({ err: error }, 'stopped before it was ready'));

/** Sends `ready` once every queue is worked on, which needs a Redis that can be used. */
async function announce(): Promise<void> {
  await Promise.all(workers.map((worker) => worker.waitUntilReady()));
  while (!stopping.signal.aborted && (await redisFault(connection)) !== null) await delay(LOOK_AGAIN_MS);
  if (stopping.signal.aborted || !process.connected) return;
  log.info('ready');
  process.send?.({ type: 'ready' });
}

function startWorker(name: QueueName): Worker {
  const bring: Processor = (job) => {
    const end = ownClock.brought(job.name);
    return run(job.name, job.data).finally(end);
  };
  const worker = new Worker(name, bring, {
    connection,
    prefix: QUEUE_PREFIX,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    skipVersionCheck: true,
  });
  worker.on('failed', (job, error) =>
    log.warn({ job: job?.name, attempt: job?.attemptsMade, err: error }, 'a job failed'),
  );
  worker.on('error', (error) => {
    log.debug({ err: error }, 'the queue is away');
    const code = replyCode(error);
    if (code !== null)
      rest(worker, code).catch((failed: unknown) => log.debug({ err: failed }, 'a queue could not rest'));
  });
  return worker;
}

/** A Redis that refuses does so at once, and BullMQ would ask again at once, thousands of times a second. */
async function rest(worker: Worker, code: string): Promise<void> {
  if (worker.isPaused() || stopping.signal.aborted) return;
  const before = refusedAt.get(code);
  refusedAt.set(code, performance.now());
  if (before === undefined || performance.now() - before > OVER_MS) {
    const words = code === 'OOM' ? 'Redis is full (maxmemory)' : 'Redis refuses the queues';
    log.warn({ code }, `${words}: recurring jobs run by the worker’s own clock until it takes them`);
  }
  await worker.pause(true);
  await delay(REST_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
  if (!stopping.signal.aborted) worker.resume();
}

async function run(name: string, payload: unknown = {}): Promise<unknown> {
  const handler = (handlers as Partial<Record<string, (context: Context, payload: never) => Promise<unknown>>>)[name];
  if (!handler) throw new Error(`no handler for the job ${name}; a newer version may have one`);
  return handler(context, payload as never);
}

/** Best effort: while PostgreSQL is away, only the program's log has it. */
function recordProcess({ record }: Context, type: 'sys_startup' | 'sys_shutdown'): Promise<void> {
  const detail = { process: 'worker', pid: process.pid };
  return record({ type, outcome: 'success', actor: null, subject: null, origin: NO_ORIGIN, detail }).catch(
    (error: unknown) => log.warn({ err: error, type }, 'could not be recorded in the audit log'),
  );
}

function readDrainsOrExit(file: string | null): readonly DrainSettings[] {
  const { drains, problems } = readDrainFile(file);
  if (problems.length === 0) return drains;
  process.stderr.write(`AUDIT_DRAINS_FILE can't be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}\n`);
  process.exit(1);
}

/** A terminal and npm both send the signal. */
function stop(): Promise<void> {
  stopped ??= finish();
  return stopped;
}

async function finish(): Promise<void> {
  log.info('the worker is stopping');
  stopping.abort();
  const finished = Promise.all([...workers.map((worker) => worker.close()), schedule, kept, watched, drained]);
  await Promise.race([finished, delay(config.shutdownTimeoutMs)]);
  await Promise.race([recordProcess(context, 'sys_shutdown'), delay(1_000)]);
  await Promise.race([Promise.all([context.close(), closeRedis(connection)]), delay(2_000)]);
  log.info('the worker has stopped');
  process.exit(0);
}

// What the web process and the worker hand each other through BullMQ: every job's name, queue and payload, in one table.
// A payload carries ids, never a secret. A reader takes fields that it doesn't know and does without new ones.
import { setTimeout as delay } from 'node:timers/promises';
import type { JobsOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { type Coalesced, coalesce } from './coalesce.ts';
import { QUEUE_PREFIX } from './redis.ts';

/** Job name → payload. */
export interface Jobs {
  /** Seal what waits in the outbox. */
  'seal-events': Record<string, never>;
  /** Write down when sessions were last seen. */
  'flush-touches': Record<string, never>;
  /** End a session whose end PostgreSQL could not take at the time. */
  'end-session': EndSessionJob;
  /** End what the end of everybody's sessions has left to do. */
  'end-everybody': Record<string, never>;
  /** Secure the accounts of an operator's orders. */
  'secure-accounts': Record<string, never>;
  'cleanup-sessions': Record<string, never>;
  'cleanup-attempts': Record<string, never>;
  'cleanup-tokens': Record<string, never>;
  'erase-accounts': Record<string, never>;
  'make-partitions': Record<string, never>;
  /** Sign where the audit log ends. */
  'write-checkpoint': Record<string, never>;
  /** Drop the months of the log that have served their time. */
  'drop-months': Record<string, never>;
  /** Write down which details stand where in the log, so that text is found. */
  'index-details': Record<string, never>;
  /** Send the mail that is due. */
  'send-mails': Record<string, never>;
  'cleanup-mails': Record<string, never>;
  /** Write down what the throttle refused, and end the records of blocks that ran out. */
  'fold-refusals': Record<string, never>;
  /** Look for password spraying and credential stuffing. */
  'watch-attempts': Record<string, never>;
  /** Sign the manifests of exports that wait for it. */
  'sign-exports': Record<string, never>;
  /** Add what was sealed to the Merkle tree over the log. */
  'grow-tree': Record<string, never>;
  /** Let the next key sign assertions, once the one that does has done so for long enough. */
  'rotate-keys': Record<string, never>;
  /** Tell what the log has that is worth an alert. */
  'follow-log': Record<string, never>;
  /** Look whether sealing is behind, mail fails or the configuration is weak. */
  'look-for-trouble': Record<string, never>;
  /** Post alerts that are due to their webhook. */
  'post-alerts': Record<string, never>;
}

export interface EndSessionJob {
  readonly sessionId: string;
  readonly reason: string;
  readonly actor: string | null;
  readonly origin: { readonly ip: string | null; readonly userAgent: string | null; readonly requestId: string | null };
}

export type JobName = keyof Jobs;

/** One queue a kind of work, so that a slow cleanup never stands before the log. */
export const QUEUES = {
  audit: ['seal-events'],
  proofs: ['sign-exports', 'grow-tree'],
  sessions: ['flush-touches', 'end-session'],
  mail: ['send-mails'],
  alerts: ['follow-log', 'look-for-trouble', 'post-alerts'],
  cleanup: [
    'end-everybody',
    'secure-accounts',
    'cleanup-sessions',
    'cleanup-attempts',
    'cleanup-tokens',
    'cleanup-mails',
    'erase-accounts',
    'make-partitions',
    'write-checkpoint',
    'drop-months',
    'index-details',
    'fold-refusals',
    'watch-attempts',
    'rotate-keys',
  ],
} as const satisfies Record<string, readonly JobName[]>;

export type QueueName = keyof typeof QUEUES;
export const QUEUE_NAMES = Object.keys(QUEUES) as QueueName[];

/** A job keeps how it failed last: each failure more would be written to Redis at every one that follows. */
export const LAST_FAILURE_ONLY = { stackTraceLimit: 1 } as const;

/** How long to go on trying, and what is kept of a job that has ended. */
export const JOB_OPTIONS: JobsOptions = {
  attempts: 20,
  ...LAST_FAILURE_ONLY,
  backoff: { type: 'exponential', delay: 500, jitter: 0.5 },
  removeOnComplete: { count: 100 },
  removeOnFail: { count: 1_000 },
};

/** The worker's job takes along whatever came until it begins: more nudges than this would only cost commands. */
const NUDGE_INTERVAL_MS = 100;

/** How long a process that ends waits for its last nudge. */
const LAST_NUDGE_MS = 2_000;

export interface Queues {
  /** A queue, opened when it is first asked for: BullMQ is some 250 modules, which neither a start nor a command waits for. */
  open(name: QueueName): Promise<Queue>;
  /**
   * Asks the worker for a job soon: at once, and ten times a second at most. One job a burst: while one waits, another call
   * adds nothing; while one runs, exactly one follows it. Never throws: if Redis is away, the sweep of the schedule does it.
   */
  nudge(job: JobName): void;
  /** Sends the nudges that wait, and lets go of the queues. */
  close(): Promise<void>;
}

export function openQueues(connection: Redis): Queues {
  const opened = new Map<QueueName, Promise<Queue>>();
  const open = async (name: QueueName) => {
    const { default: bullmq } = await import('bullmq');
    const queue = new bullmq.Queue(name, {
      connection,
      prefix: QUEUE_PREFIX,
      defaultJobOptions: JOB_OPTIONS,
      skipVersionCheck: true,
    });
    queue.on('error', () => undefined); // the connection reports its own outages
    // One that met an outage while it was opened stays broken: the next asker gets another.
    queue.waitUntilReady().catch(() => opened.delete(name));
    return queue;
  };
  const openOnce = (name: QueueName) => {
    const queue = opened.get(name) ?? open(name);
    opened.set(name, queue);
    return queue;
  };
  const nudges = new Map<JobName, Coalesced>();
  const createNudge = (job: JobName) => {
    const name = queueOf(job);
    const options = { deduplication: { id: job, keepLastIfActive: true }, attempts: 1, removeOnComplete: true };
    return coalesce(NUDGE_INTERVAL_MS, async () => (await openOnce(name)).add(job, {}, options));
  };
  return {
    open: openOnce,
    nudge(job) {
      const nudge = nudges.get(job) ?? createNudge(job);
      nudges.set(job, nudge);
      nudge.ask();
    },
    async close() {
      const sent = Promise.all([...nudges.values()].map((nudge) => nudge.finish()));
      // Without Redis a nudge may wait for ever, and is worth nothing.
      const waiting = new AbortController();
      const { signal } = waiting;
      const late = delay(connection.status === 'ready' ? LAST_NUDGE_MS : 0, undefined, { signal });
      await Promise.race([sent, late.catch(() => undefined)]);
      waiting.abort();
      await Promise.all([...opened.values()].map((queue) => queue.then((it) => it.close()).catch(() => undefined)));
    },
  };
}

function queueOf(job: JobName): QueueName {
  const name = QUEUE_NAMES.find((queue) => (QUEUES[queue] as readonly JobName[]).includes(job));
  if (!name) throw new Error(`no queue takes ${job}`);
  return name;
}

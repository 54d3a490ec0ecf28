// Every recurring job in one table, and what puts it back into a Redis that was emptied.
import { setTimeout as delay } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import type { Log } from '../src/core/platform/log.ts';
import type { JobName, QueueName, Queues } from '../src/core/platform/queues.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

interface Recurring {
  readonly queue: QueueName;
  readonly everyMs: number;
  /** Of a job that is looked for: how often it runs where work is found, and no nudge came of it. */
  readonly whileWaitingMs?: number;
}

/** Beside the looks. The first also shows that the queues bring jobs. */
const [OFTEN, SELDOM] = [10 * SECOND, 5 * MINUTE];

export const SCHEDULE: Readonly<Partial<Record<JobName, Recurring>>> = {
  'seal-events': { queue: 'audit', everyMs: OFTEN, whileWaitingMs: SECOND },
  'sign-exports': { queue: 'proofs', everyMs: SELDOM, whileWaitingMs: 5 * SECOND },
  'grow-tree': { queue: 'proofs', everyMs: SELDOM, whileWaitingMs: 5 * SECOND },
  'flush-touches': { queue: 'sessions', everyMs: SELDOM, whileWaitingMs: 5 * SECOND },
  'end-everybody': { queue: 'cleanup', everyMs: SELDOM, whileWaitingMs: 10 * SECOND },
  'secure-accounts': { queue: 'cleanup', everyMs: SELDOM, whileWaitingMs: 10 * SECOND },
  'send-mails': { queue: 'mail', everyMs: SELDOM, whileWaitingMs: 2 * SECOND },
  'follow-log': { queue: 'alerts', everyMs: SELDOM, whileWaitingMs: 5 * SECOND },
  'look-for-trouble': { queue: 'alerts', everyMs: 20 * SECOND },
  'post-alerts': { queue: 'alerts', everyMs: SELDOM, whileWaitingMs: 5 * SECOND },
  'cleanup-sessions': { queue: 'cleanup', everyMs: MINUTE },
  'cleanup-attempts': { queue: 'cleanup', everyMs: HOUR },
  'cleanup-tokens': { queue: 'cleanup', everyMs: HOUR },
  'cleanup-mails': { queue: 'cleanup', everyMs: HOUR },
  'erase-accounts': { queue: 'cleanup', everyMs: MINUTE },
  'fold-refusals': { queue: 'cleanup', everyMs: SELDOM, whileWaitingMs: 10 * SECOND },
  'watch-attempts': { queue: 'cleanup', everyMs: MINUTE },
  'index-details': { queue: 'cleanup', everyMs: SELDOM, whileWaitingMs: 5 * SECOND },
  'make-partitions': { queue: 'cleanup', everyMs: 6 * HOUR },
  'write-checkpoint': { queue: 'cleanup', everyMs: 5 * MINUTE },
  'rotate-keys': { queue: 'cleanup', everyMs: HOUR },
  'drop-months': { queue: 'cleanup', everyMs: HOUR },
};

const CHECK_INTERVAL_MS = 10 * SECOND;
/** So many failed checks in a row are no passing trouble. */
const WORTH_SAYING = 6;
/** In every so many-th check also how often each is to run: a worker of another version puts back its own. */
const CHECKS_A_COMPARISON = 30;
/** For how long it is shown that a run failed. The next run does what it has left, so that nothing is given up. */
const FAILED_SHOWN_MS = 15 * MINUTE;
/** By which the clocks of two workers may differ. */
const CLOCKS_DIFFER_MS = 10 * SECOND;

/**
 * Puts back whatever is missing in Redis, or stands further ahead than its interval, until the signal aborts. BullMQ writes
 * and judges the next turn by a worker's clock: one that went back by an hour would wait for an hour. Never throws; what fails
 * for a minute is said once.
 */
export async function keepSchedule({
  queues,
  log,
  signal,
  checkEveryMs = CHECK_INTERVAL_MS,
}: {
  queues: Queues;
  log: Pick<Log, 'debug' | 'warn'>;
  signal: AbortSignal;
  checkEveryMs?: number;
}): Promise<void> {
  let first = true;
  let failures = 0;
  for (let check = 0; !signal.aborted; check += 1) {
    try {
      const turns = await nextTurns(queues);
      const others = first || check % CHECKS_A_COMPARISON > 0 ? new Set() : await otherwise(queues);
      for (const [name, { queue, everyMs }] of Object.entries(SCHEDULE)) {
        const next = turns.get(name);
        const wrong = others.has(name) || (next ?? 0) > Date.now() + everyMs + CLOCKS_DIFFER_MS;
        if (!first && !wrong && next !== undefined) continue;
        const opened = await queues.open(queue);
        if (wrong) await opened.removeJobScheduler(name);
        await put(opened, name, everyMs);
      }
      if (check % CHECKS_A_COMPARISON === 0) await forgetFailedRuns(queues);
      first = false;
      failures = 0;
    } catch (error) {
      failures += 1;
      log[failures === WORTH_SAYING ? 'warn' : 'debug']({ err: error }, 'the schedule could not be checked');
    }
    await delay(checkEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** When each job is due next, in milliseconds of a worker's clock. One command a queue: BullMQ's own answer takes some for each job. */
async function nextTurns(queues: Queues): Promise<ReadonlyMap<string, number>> {
  const turns = new Map<string, number>();
  for (const name of new Set(Object.values(SCHEDULE).map(({ queue }) => queue))) {
    const { backend } = await queues.open(name);
    const found = await backend.getJobSchedulersRange(0, -1, true);
    for (let index = 0; index < found.length; index += 2) turns.set(found[index] ?? '', Number(found[index + 1]));
  }
  return turns;
}

/** The jobs that run at another interval than they should. */
async function otherwise(queues: Queues): Promise<ReadonlySet<string>> {
  const all = Object.entries(SCHEDULE);
  const are = await Promise.all(all.map(async ([name, { queue }]) => (await queues.open(queue)).getJobScheduler(name)));
  return new Set(
    all.flatMap(([name, { everyMs }], index) => ((are[index]?.every ?? everyMs) === everyMs ? [] : [name])),
  );
}

/** What BullMQ keeps of a run that failed would otherwise stand there, and in the metrics, until a thousand more have failed. */
async function forgetFailedRuns(queues: Queues): Promise<void> {
  for (const name of new Set(Object.values(SCHEDULE).map(({ queue }) => queue))) {
    const queue = await queues.open(name);
    for (const job of await queue.getFailed()) {
      // None: another worker forgot it meanwhile.
      const isOver = job && (job.finishedOn ?? 0) < Date.now() - FAILED_SHOWN_MS;
      if (isOver && job.name in SCHEDULE) await queue.remove(job.id ?? '');
    }
  }
}

async function put(queue: Queue, name: string, everyMs: number): Promise<void> {
  await queue.upsertJobScheduler(name, { every: everyMs }, { name, opts: { attempts: 1, removeOnComplete: true } });
}

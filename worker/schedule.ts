// Every recurring job in one table, and what puts it back into a Redis that was emptied.
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../src/core/platform/log.ts';
import type { JobName, QueueName, Queues } from '../src/core/platform/queues.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

interface Recurring {
  readonly queue: QueueName;
  readonly everyMs: number;
}

export const SCHEDULE: Readonly<Partial<Record<JobName, Recurring>>> = {
  'seal-events': { queue: 'audit', everyMs: SECOND },
  'flush-touches': { queue: 'sessions', everyMs: 5 * SECOND },
  'end-everybody': { queue: 'cleanup', everyMs: 10 * SECOND },
  'send-mails': { queue: 'mail', everyMs: 2 * SECOND },
  'cleanup-sessions': { queue: 'cleanup', everyMs: MINUTE },
  'cleanup-attempts': { queue: 'cleanup', everyMs: HOUR },
  'cleanup-tokens': { queue: 'cleanup', everyMs: HOUR },
  'cleanup-mails': { queue: 'cleanup', everyMs: HOUR },
  'erase-accounts': { queue: 'cleanup', everyMs: MINUTE },
  'fold-refusals': { queue: 'cleanup', everyMs: 10 * SECOND },
  'watch-attempts': { queue: 'cleanup', everyMs: MINUTE },
  'index-details': { queue: 'cleanup', everyMs: 5 * SECOND },
  'make-partitions': { queue: 'cleanup', everyMs: 6 * HOUR },
  'write-checkpoint': { queue: 'cleanup', everyMs: 5 * MINUTE },
  'drop-months': { queue: 'cleanup', everyMs: HOUR },
};

const CHECK_INTERVAL_MS = 2 * SECOND;

/** Puts back whatever is missing in Redis until the signal aborts. Never throws. */
export async function keepSchedule({
  queues,
  log,
  signal,
}: {
  queues: Queues;
  log: Log;
  signal: AbortSignal;
}): Promise<void> {
  let first = true;
  while (!signal.aborted) {
    try {
      for (const [name, { queue, everyMs }] of Object.entries(SCHEDULE)) {
        if (first || !(await (await queues.open(queue)).getJobScheduler(name))) await put(queues, name, queue, everyMs);
      }
      first = false;
    } catch (error) {
      log.debug({ err: error }, 'the schedule could not be checked');
    }
    await delay(CHECK_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function put(queues: Queues, name: string, queue: QueueName, everyMs: number): Promise<void> {
  const opened = await queues.open(queue);
  await opened.upsertJobScheduler(name, { every: everyMs }, { name, opts: { attempts: 1, removeOnComplete: true } });
}

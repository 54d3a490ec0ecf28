// The worker's own clock: recurring jobs that Redis brings no more. While it is away, silent or forgets a worker, the log is
// sealed, mail goes out and sessions end all the same.
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../src/core/platform/log.ts';
import type { JobName } from '../src/core/platform/queues.ts';
import { SCHEDULE } from './schedule.ts';

const TICK_MS = 500;
/** A job that no queue has brought for so many of its intervals is run without one. Beside other workers that may happen, and harms nothing. */
const LATE_INTERVALS = 3;
/** Longer than other workers can be the ones that get every job. */
const SILENT_MS = 20_000;

export interface OwnClockOptions {
  readonly run: (name: JobName) => Promise<unknown>;
  readonly log: Pick<Log, 'info' | 'warn' | 'debug'>;
  /** Milliseconds, never stepping back. */
  readonly now: () => number;
}

interface Recurring {
  readonly name: JobName;
  readonly everyMs: number;
  /** When it last ended, brought or run here. */
  newest: number;
  alone: boolean;
  /** How many of it run now. */
  running: number;
}

export function createOwnClock({ run, log, now }: OwnClockOptions) {
  const jobs = new Map<JobName, Recurring>();
  for (const [key, { everyMs }] of Object.entries(SCHEDULE)) {
    const name = key as JobName;
    jobs.set(name, { name, everyMs, newest: now(), alone: false, running: 0 });
  }
  let broughtAt = now();
  let said = false;

  function isDue({ everyMs, newest, alone, running }: Recurring): boolean {
    return running === 0 && now() - newest > (alone ? 1 : LATE_INTERVALS) * everyMs;
  }

  async function runAlone(job: Recurring): Promise<void> {
    job.alone = true;
    const end = begin(job);
    await run(job.name).catch((error: unknown) => log.debug({ job: job.name, err: error }, 'a job failed'));
    end();
  }

  /** However long it takes, it is not late before it has ended. */
  function begin(job: Recurring): () => void {
    job.running += 1;
    return () => Object.assign(job, { running: job.running - 1, newest: now() });
  }

  function tick(): Promise<void>[] {
    if (!said && now() - broughtAt > SILENT_MS) {
      said = true;
      log.warn('the queues bring no jobs: the recurring ones run by the worker’s own clock');
    }
    return [...jobs.values()].filter(isDue).map(runAlone);
  }

  return {
    /** A queue has brought a job; call what is returned when it has ended. */
    brought(name: string): () => void {
      const job = jobs.get(name as JobName);
      if (job) job.alone = false;
      broughtAt = now();
      if (said) log.info('the queues bring jobs again');
      said = false;
      return job ? begin(job) : () => undefined;
    },

    /** Starts whatever is late; resolves with the ends of it. */
    tick,

    /** Ticks until the signal aborts; resolves when what it had started is done. */
    async keep(signal: AbortSignal): Promise<void> {
      const started = new Set<Promise<void>>();
      while (!signal.aborted) {
        for (const job of tick()) {
          started.add(job);
          void job.then(() => started.delete(job));
        }
        await delay(TICK_MS, undefined, { signal }).catch(() => undefined);
      }
      await Promise.all(started);
    },
  };
}

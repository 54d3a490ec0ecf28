// The worker's own clock. It looks once a second for what waits and asks the queues for it; what they do not bring, it runs. So the
// log is sealed, mail goes out and sessions end also while Redis is away, silent or forgets a worker, and nothing runs for nothing.
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../src/core/platform/log.ts';
import type { JobName } from '../src/core/platform/queues.ts';
import { SCHEDULE } from './schedule.ts';

const TICK_MS = 1_000;
/** A job that no queue has brought for so many of its intervals is run without one. Beside other workers that may happen, and harms nothing. */
const LATE_INTERVALS = 3;
/** The same of one that is known to have work, from when that was seen. */
const LATE_WAITS = 2;
/** Longer than other workers can be the ones that get every job. */
const SILENT_MS = 60_000;

export interface OwnClockOptions {
  readonly run: (name: JobName) => Promise<unknown>;
  /** Asks the queues for a job. Must not throw. */
  readonly nudge: (name: JobName) => void;
  /** The jobs that have work. */
  readonly look: () => Promise<ReadonlySet<JobName>>;
  readonly log: Pick<Log, 'info' | 'warn' | 'debug'>;
  /** Milliseconds, never stepping back. */
  readonly now: () => number;
}

interface Recurring {
  readonly name: JobName;
  readonly everyMs: number;
  /** As often where work is known; null of a job that is not looked for. */
  readonly whileWaitingMs: number | null;
  /** When it last ended, brought or run here. */
  newest: number;
  /** Since when work is known; null: none is. */
  waitingSince: number | null;
  nudgedAt: number;
  alone: boolean;
  /** How many of it run now. */
  running: number;
}

export function createOwnClock({ run, nudge, look, log, now }: OwnClockOptions) {
  const jobs = new Map<JobName, Recurring>();
  for (const [key, { everyMs, whileWaitingMs = null }] of Object.entries(SCHEDULE)) {
    const name = key as JobName;
    const never = { waitingSince: null, nudgedAt: Number.NEGATIVE_INFINITY, alone: false, running: 0 };
    jobs.set(name, { name, everyMs, whileWaitingMs, newest: now(), ...never });
  }
  let broughtAt = now();
  let said = false;

  function isDue({ everyMs, whileWaitingMs, newest, waitingSince, alone, running }: Recurring): boolean {
    if (running > 0) return false;
    const rested = now() - newest;
    if (rested > (alone ? 1 : LATE_INTERVALS) * everyMs) return true;
    if (waitingSince === null || whileWaitingMs === null) return false;
    return alone ? rested >= whileWaitingMs : now() - waitingSince >= LATE_WAITS * whileWaitingMs;
  }

  /** One that runs already sees what waits, or is asked for again. */
  function note(job: Recurring, waits: boolean): void {
    const { whileWaitingMs, running, nudgedAt } = job;
    if (running > 0 || !waits || whileWaitingMs === null) {
      job.waitingSince = null;
      return;
    }
    job.waitingSince ??= now();
    if (now() - nudgedAt < whileWaitingMs) return;
    job.nudgedAt = now();
    nudge(job.name);
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
    return () => Object.assign(job, { running: job.running - 1, newest: now(), waitingSince: null });
  }

  function tick(waiting: ReadonlySet<JobName>): Promise<void>[] {
    if (!said && now() - broughtAt > SILENT_MS) {
      said = true;
      log.warn('the queues bring no jobs: the recurring ones run by the worker’s own clock');
    }
    for (const job of jobs.values()) note(job, waiting.has(job.name));
    return [...jobs.values()].filter(isDue).map(runAlone);
  }

  async function lookOrNone(): Promise<ReadonlySet<JobName>> {
    try {
      return await look();
    } catch (error) {
      log.debug({ err: error }, 'it could not be seen what waits');
      return new Set();
    }
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

    /** Asks for what waits and starts what is late; resolves with the ends of it. */
    tick,

    /** Looks and ticks until the signal aborts; resolves when what it had started is done. */
    async keep(signal: AbortSignal): Promise<void> {
      const started = new Set<Promise<void>>();
      while (!signal.aborted) {
        const waiting = await lookOrNone();
        if (signal.aborted) break;
        for (const job of tick(waiting)) {
          started.add(job);
          void job.then(() => started.delete(job));
        }
        await delay(TICK_MS, undefined, { signal }).catch(() => undefined);
      }
      await Promise.all(started);
    },
  };
}

// Whether the counters in Redis know all that happened. They don't after Redis was emptied, or while this process was cut off
// from it: then they are rebuilt from the records before anything is decided by them again.
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Database } from '../../platform/database.ts';
import type { Log } from '../../platform/log.ts';
import type { ThrottleWindows } from '../windows.ts';
import { rebuildThrottle } from './rebuild.ts';

/** A reading of the records that takes longer is not waited for. */
const REBUILD_WAIT_MS = 2_000;
/** What was decided without the counters just before a reading of the records began may not have been in them yet. */
const REBUILD_OVERLAP_MS = 5_000;
/** A Redis that could not take the counters is not tried at each attempt. */
const REBUILD_PAUSE_MS = 1_000;

export interface CatchUpOptions {
  readonly redis: Redis;
  readonly database: Database;
  readonly windowsOf: ThrottleWindows;
  readonly log: Log;
}

/** Wherever an answer is no, the caller decides without the counters, which learn of it by another rebuilding. */
export function createCatchUp({ redis, database, windowsOf, log }: CatchUpOptions) {
  let rebuilding: Promise<void> | null = null;
  /** Set once Redis was away: what happened meanwhile is missing in its counters. */
  let behind = false;
  let tryAgainAt = 0;
  let readingSince = 0;
  /** Whether anything was decided without the counters since the last reading began, which may not have seen it. */
  let wentOn = false;

  function rebuild(): Promise<void> {
    rebuilding ??= readBack()
      .catch((error: unknown) => {
        if (wentOn) log.warn({ err: error }, 'the counters of the throttle could not be rebuilt');
        throw error;
      })
      .finally(() => {
        rebuilding = null;
      });
    return rebuilding;
  }

  /** Once, and again for what was decided without the counters meanwhile. */
  async function readBack(): Promise<void> {
    let newerThanMs: number | undefined;
    do {
      readingSince = performance.now();
      wentOn = false;
      // Where Redis was emptied, any process can say what it held; what happened while this one was cut off, it alone.
      const orAnother = !behind && newerThanMs === undefined;
      const counts = await rebuildThrottle({ redis, database, windowsOf, newerThanMs, orAnother });
      newerThanMs = performance.now() - readingSince + REBUILD_OVERLAP_MS;
      log.info(counts, 'the counters of the throttle were rebuilt from the records');
    } while (wentOn);
    behind = false;
  }

  /** Rebuilds the counters: whether they are back soon. @throws CountersNotTakenError, or what PostgreSQL throws. */
  async function rebuilt(): Promise<boolean> {
    const done = rebuild().then(() => true);
    const enough = new AbortController();
    const waitMs = Math.max(0, readingSince + REBUILD_WAIT_MS - performance.now());
    const late = delay(waitMs, false, { signal: enough.signal });
    const back = await Promise.race([done, late]).finally(() => enough.abort());
    if (!back) wentOn = true;
    return back;
  }

  // Other processes decide by these counters too: what this one let through without them is added as soon as possible.
  redis.on('ready', () => {
    if (behind) rebuild().catch((error: unknown) => log.debug({ err: error }, 'the throttle is still behind'));
  });

  return {
    rebuilt,

    /** Whether the counters can be asked; a process that fell behind catches up first. Throws as `rebuilt` does. */
    async mayAsk(): Promise<boolean> {
      if (!behind) return true;
      if (performance.now() >= tryAgainAt) return redis.status !== 'ready' || rebuilt();
      wentOn = true;
      return false;
    },

    /** Notes that Redis could not be asked. */
    fallBehind(error: unknown): void {
      if (!behind) log.warn({ err: error }, 'the throttle goes on without Redis');
      behind = true;
      tryAgainAt = performance.now() + REBUILD_PAUSE_MS;
      wentOn = true;
    },

    /** Notes that the counters were lost after each rebuilding. */
    giveUp(): void {
      log.warn('the throttle goes on without Redis, which loses its counters again and again');
      wentOn = true;
    },
  };
}

// Whether the counters in Redis are complete. They are not after Redis was emptied, or this process was cut off from it:
// then they are rebuilt from the records before anything is decided by them again.
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Database } from '../../platform/database.ts';
import type { Log } from '../../platform/log.ts';
import type { ThrottleWindows } from '../windows.ts';
import { rebuildThrottle } from './rebuild.ts';

/** Attempts wait no longer for a rebuild. */
const REBUILD_WAIT_MS = 2_000;
/** An attempt decided just before the records were read may not have been in them yet. */
const REBUILD_OVERLAP_MS = 5_000;
/** Before a Redis that failed is tried again. */
const REBUILD_PAUSE_MS = 1_000;

export interface CatchUpOptions {
  readonly redis: Redis;
  readonly database: Database;
  readonly windowsOf: ThrottleWindows;
  readonly log: Log;
}

/** After each answer that is no, the caller decides without the counters; another rebuild adds what it decided. */
export function createCatchUp({ redis, database, windowsOf, log }: CatchUpOptions) {
  let rebuilding: Promise<void> | null = null;
  /** Redis was away: the counters miss what this process decided meanwhile. */
  let behind = false;
  let tryAgainAt = 0;
  let readingSince = 0;
  /** Something was decided without the counters since the records were last read. */
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

  /** Again while anything is decided without the counters meanwhile. */
  async function readBack(): Promise<void> {
    let newerThanMs: number | undefined;
    do {
      readingSince = performance.now();
      wentOn = false;
      // Any process can rebuild a Redis that was emptied; only this one knows what it decided while it was cut off.
      const orAnother = !behind && newerThanMs === undefined;
      const counts = await rebuildThrottle({ redis, database, windowsOf, newerThanMs, orAnother });
      newerThanMs = performance.now() - readingSince + REBUILD_OVERLAP_MS;
      log.info(counts, 'the counters of the throttle were rebuilt from the records');
    } while (wentOn);
    behind = false;
  }

  /** Rebuilds the counters; false if that takes long. @throws CountersNotTakenError, or what PostgreSQL throws. */
  async function rebuilt(): Promise<boolean> {
    const done = rebuild().then(() => true);
    const enough = new AbortController();
    const waitMs = Math.max(0, readingSince + REBUILD_WAIT_MS - performance.now());
    const late = delay(waitMs, false, { signal: enough.signal });
    const back = await Promise.race([done, late]).finally(() => enough.abort());
    if (!back) wentOn = true;
    return back;
  }

  // Other processes decide by these counters too, so what this one decided is added as soon as possible.
  redis.on('ready', () => {
    if (behind) rebuild().catch((error: unknown) => log.debug({ err: error }, 'the throttle is still behind'));
  });

  return {
    rebuilt,

    /** A process that fell behind catches up first. Throws as `rebuilt` does. */
    async mayAsk(): Promise<boolean> {
      if (!behind) return true;
      if (performance.now() >= tryAgainAt) return redis.status !== 'ready' || rebuilt();
      wentOn = true;
      return false;
    },

    fallBehind(error: unknown): void {
      if (!behind) log.warn({ err: error }, 'the throttle goes on without Redis');
      behind = true;
      tryAgainAt = performance.now() + REBUILD_PAUSE_MS;
      wentOn = true;
    },

    /** The counters were lost again after each rebuild. */
    giveUp(): void {
      log.warn('the throttle goes on without Redis, which loses its counters again and again');
      wentOn = true;
    },
  };
}

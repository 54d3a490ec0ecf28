// Says when the log stands still, whatever the reason.
import { setTimeout as delay } from 'node:timers/promises';
import type { Sealing } from '../src/core/audit/sealing.ts';
import type { Log } from '../src/core/platform/log.ts';

const LOOK_MS = 1_000;
const SILENT_MS = 10_000;

export interface SealingWatchOptions {
  readonly sealing: Pick<Sealing, 'silentMs'>;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

export function createSealingWatch({ sealing, log }: SealingWatchOptions) {
  let said = false;

  /** Warns once, when nothing was sealed for ten seconds, and says once that it goes on. */
  function look(): void {
    const silent = sealing.silentMs() > SILENT_MS;
    if (silent && !said) log.warn(`nothing could be sealed for ${SILENT_MS / 1_000} s: events wait in the outbox`);
    if (!silent && said) log.info('events are sealed again');
    said = silent;
  }

  return {
    look,

    /** Looks until the signal aborts. */
    async keep(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        look();
        await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}

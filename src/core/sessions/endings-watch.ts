// Asks PostgreSQL every second what it knows of endings, whatever becomes of the worker and of other
// processes.
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../platform/log.ts';
import type { AllSessionsEndedNotice } from './cache-trust.ts';
import type { DatabaseContact } from './database-contact.ts';
import { type Epochs, StaleDatabaseError } from './failover/epochs.ts';
import type { RewindNotice } from './failover/rewind-notice.ts';
import type { RegistryVersion } from './registry-version.ts';
import type { Ending } from './session-record.ts';
import type { SessionShard } from './session-shard.ts';
import type { SessionTable } from './session-table.ts';

const WATCH_INTERVAL_MS = 1_000;

export interface EndingsWatchOptions {
  readonly shards: readonly Pick<SessionShard, 'redis' | 'expectNewest'>[];
  readonly table: Pick<SessionTable, 'lookForEndings'>;
  readonly log: Log;
  readonly notice: AllSessionsEndedNotice;
  readonly registry: RegistryVersion;
  readonly contact: DatabaseContact;
  readonly rewinds: Pick<RewindNotice, 'look' | 'isKeptIn'>;
  readonly epochs: Epochs;
  /** A Redis that can't take them is not trusted until it was told of all it missed. */
  readonly invalidate: (endings: readonly Ending[]) => Promise<boolean>;
  /** PostgreSQL is in an older epoch than the one that is known. Must not throw. */
  readonly onStale: () => void;
}

export function watchEndings(options: EndingsWatchOptions) {
  const { shards, table, log, notice, registry, contact, rewinds, epochs, invalidate, onStale } = options;
  const stop = new AbortController();
  let overdueSince = new Date(0);
  let stale: string | null = null;

  async function look(): Promise<void> {
    const [tellNewest] = await Promise.all([
      Promise.all(shards.map((shard) => shard.expectNewest())),
      // Else it was read beside the mark.
      shards.some(({ redis }) => rewinds.isKeptIn(redis)) ? undefined : rewinds.look().catch(() => undefined),
    ]);
    const askedAt = performance.now();
    const { newest, overdue } = await table.lookForEndings(overdueSince);
    epochs.hear(newest);
    contact.heard(askedAt);
    notice.note(newest.allEnded);
    registry.heard(newest.registryVersion);
    for (const tell of tellNewest) tell(newest);
    if (overdue.endings.length > 0) await invalidate(overdue.endings);
    overdueSince = overdue.until;
  }

  /** Said once for each: whoever restored an old copy on purpose has to empty Redis. */
  function meetStale({ message }: StaleDatabaseError): void {
    onStale();
    if (message !== stale) log.error({ reason: message }, 'this PostgreSQL is older than what Redis knows: not used');
    stale = message;
  }

  async function watch(): Promise<void> {
    while (!stop.signal.aborted) {
      await look().catch(async (error: unknown) => {
        if (error instanceof StaleDatabaseError) meetStale(error);
        else if (contact.isUp()) log.warn({ err: error }, 'PostgreSQL is away');
        contact.lost();
        await Promise.allSettled(shards.map(({ redis }) => notice.fetch(redis)));
      });
      await delay(WATCH_INTERVAL_MS, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
    }
  }

  void watch();
  return { close: () => stop.abort() };
}

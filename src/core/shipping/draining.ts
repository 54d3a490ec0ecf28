// The worker's part of drains: each has a loop of its own, which needs no queue. What one receiver does holds up no other.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { AuditLog } from '../audit/reading/audit-log.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';
import { createDrain, type Drain } from './drain.ts';
import type { DrainSettings } from './drain-file.ts';
import { createDrainTable } from './drain-table.ts';
import { formatOf } from './formats/format.ts';
import { openReceiver } from './receivers/open-receiver.ts';

const AWAY_MS = 1_000;

export interface DrainingOptions {
  readonly settings: readonly DrainSettings[];
  readonly database: Pick<Database, 'pool' | 'transact'>;
  readonly auditLog: Pick<AuditLog, 'exportable'>;
  readonly log: Pick<Log, 'info' | 'warn' | 'debug'>;
}

export function createDraining({ settings, database, auditLog, log }: DrainingOptions) {
  const holder = randomUUID();
  const table = createDrainTable({ database });
  const drains = settings.map(({ receiver, ...described }) =>
    createDrain({
      description: { ...described, kind: receiver.kind },
      format: formatOf(described.format),
      receiver: openReceiver(receiver),
      holder,
      table,
      auditLog,
      log,
    }),
  );

  async function loop(drain: Drain, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wait = await drain.turn(signal).catch((error: unknown) => {
        log.debug({ drain: drain.name, err: error }, 'a drain waits for PostgreSQL');
        return AWAY_MS;
      });
      await delay(wait, undefined, { signal }).catch(() => undefined);
    }
    await drain.end();
  }

  return {
    names: drains.map(({ name }) => name),

    /** Drains until the signal aborts. Never throws. */
    async keep(signal: AbortSignal): Promise<void> {
      await Promise.all(drains.map((drain) => loop(drain, signal)));
    },
  };
}

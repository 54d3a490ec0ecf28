// Drains of a test: one with its receiver, taken turn by turn instead of by the clock.
import { randomUUID } from 'node:crypto';
import type { Context } from '../../src/core/context.ts';
import { createDrain, type Drain } from '../../src/core/shipping/drain.ts';
import { createDrainTable } from '../../src/core/shipping/drain-table.ts';
import { type FormatName, formatOf } from '../../src/core/shipping/formats/format.ts';
import type { Receiver } from '../../src/core/shipping/receivers/receiver.ts';

export interface TestDrain extends Drain {
  /** One turn. */
  run(signal?: AbortSignal): Promise<number>;
}

export interface TestDrainOptions {
  readonly name?: string;
  readonly receiver: Receiver;
  readonly format?: FormatName;
  readonly start?: number | 'beginning' | 'now';
}

/** Of that worker; each call is a process of its own to the others. */
export function openDrain(
  { database, auditLog, log }: Context,
  { name = 'siem', receiver, format = 'holdfast', start = 'beginning' }: TestDrainOptions,
): TestDrain {
  const drain = createDrain({
    description: { name, kind: 'webhook', target: 'https://localhost', format, start },
    format: formatOf(format),
    receiver,
    holder: randomUUID(),
    table: createDrainTable({ database }),
    auditLog,
    log,
    random: () => 1,
  });
  return { ...drain, run: (signal = new AbortController().signal) => drain.turn(signal) };
}

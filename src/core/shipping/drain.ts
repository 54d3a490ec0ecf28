// One drain: takes the log in order to its receiver, at least once. The cursor moves after the receiver has everything up to
// it, so that whatever dies in between sends some of it again and leaves out nothing.
import type { AuditLog } from '../audit/reading/audit-log.ts';
import type { Log } from '../platform/log.ts';
import { type BatchReading, type ReadBatch, readBatch } from './batches.ts';
import { type DescribedDrain, type DrainTable, type HeldDrain, LEASE_MS } from './drain-table.ts';
import type { Format } from './formats/format.ts';
import { errorOf, type Receiver } from './receivers/receiver.ts';

/** How long after the newest event it looks for the next. */
const IDLE_MS = 500;
/** How often a drain is looked at that another worker has. */
const OTHERS_MS = 1_000;
/** While it catches up the cursor is written so often, and not after each batch: that much is sent again after a crash. */
const MOVED_EVERY_MS = 200;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

export interface DrainOptions {
  readonly description: DescribedDrain;
  readonly format: Format;
  readonly receiver: Receiver;
  /** A UUID of this process. */
  readonly holder: string;
  readonly table: DrainTable;
  readonly auditLog: Pick<AuditLog, 'exportable'>;
  readonly log: Pick<Log, 'info' | 'warn' | 'debug'>;
  /** From 0 to 1, for the jitter. */
  readonly random?: () => number;
}

export type Drain = ReturnType<typeof createDrain>;

export function createDrain({
  description,
  format,
  receiver,
  holder,
  table,
  auditLog,
  log,
  random = Math.random,
}: DrainOptions) {
  const { name } = description;
  const hold = { name, holder };
  const reading: BatchReading = { auditLog, name, format, receiver };
  let described = false;
  /** A batch that was refused is tried again as it is, with the same id. */
  let retryTo = Number.MAX_SAFE_INTEGER;
  let ahead: Promise<ReadBatch | null> | null = null;
  /** What the receiver has beyond the cursor. */
  let unwritten: number | null = null;
  let writtenAt = 0;

  function read({ seq, head, rewinds }: HeldDrain): Promise<ReadBatch | null> {
    return readBatch(reading, { after: seq, upTo: Math.max(seq + 1, Math.min(head, retryTo)), rewinds });
  }

  /** What was read while the batch before was sent, if it is what comes next. */
  async function nextBatch(held: HeldDrain): Promise<ReadBatch | null> {
    const found = await ahead?.catch(() => null);
    ahead = null;
    if (found && found.after === held.seq && found.rewinds === held.rewinds) return found;
    return read(held);
  }

  async function send(batch: ReadBatch, signal: AbortSignal): Promise<void> {
    const lost = new AbortController();
    const renewing = setInterval(() => {
      table.renew(hold).then(
        (still) => still || lost.abort(new Error('another worker has taken over')),
        (error: unknown) => log.debug({ drain: name, err: error }, 'a lease could not be renewed'),
      );
    }, LEASE_MS / 3);
    try {
      await receiver.send(batch, AbortSignal.any([signal, lost.signal]));
    } finally {
      clearInterval(renewing);
    }
  }

  /** Sends the next batch. Returns what is then to be done: the drain goes on, or for how long it waits. */
  async function step(held: HeldDrain, signal: AbortSignal): Promise<HeldDrain | number | null> {
    const batch = await nextBatch(held);
    if (batch === null) {
      if ((await writeCursor()) === null) return null;
      const gap = await table.skip(hold, held.seq);
      if (gap) log.warn({ drain: name, ...gap }, 'events were dropped before this drain had sent them');
      return gap ? table.hold(hold) : IDLE_MS;
    }
    if (batch.last < held.head && retryTo > batch.last) {
      ahead = read({ ...held, seq: batch.last });
      ahead.catch(() => undefined); // looked at when it is wanted
    }
    try {
      await send(batch, signal);
    } catch (error) {
      await writeCursor();
      return signal.aborted ? IDLE_MS : refused(batch, error);
    }
    retryTo = Number.MAX_SAFE_INTEGER;
    unwritten = batch.last;
    if (held.failures > 0) log.info({ drain: name, after: held.failures }, 'a drain is taken again');
    const soon = batch.last < held.head && held.failures === 0 && performance.now() - writtenAt < MOVED_EVERY_MS;
    return soon ? { ...held, seq: batch.last } : writeCursor();
  }

  /** Null if another worker has the drain by now. */
  async function writeCursor(): Promise<HeldDrain | null> {
    if (unwritten === null) return table.hold(hold);
    const moved = await table.moved(hold, unwritten);
    unwritten = null;
    writtenAt = performance.now();
    return moved;
  }

  async function refused(batch: ReadBatch, error: unknown): Promise<number> {
    const { message, retryAfterMs } = errorOf(error);
    retryTo = batch.last;
    ahead = null;
    const failures = await table.failed(hold, message);
    if (failures === 1) log.warn({ drain: name, error: message }, 'a drain is not taken: it is tried again');
    return Math.max(waitAfter(failures, random()), retryAfterMs);
  }

  return {
    name,

    /** Sends what there is; returns after how many milliseconds to look again. Throws if PostgreSQL is away. */
    async turn(signal: AbortSignal): Promise<number> {
      if (!described) await table.describe(description);
      described = true;
      unwritten = null; // of a turn that broke off: what was rewound since counts
      let held = await table.hold(hold);
      while (!signal.aborted && held && !held.paused && held.seq < held.head) {
        const next: HeldDrain | number | null = await step(held, signal);
        if (typeof next === 'number') return next;
        held = next;
      }
      if (unwritten !== null) held = await writeCursor();
      return held ? IDLE_MS : OTHERS_MS;
    },

    /** Lets another worker have it at once, as far as PostgreSQL can be told. */
    async end(): Promise<void> {
      receiver.close();
      await table.release(hold).catch((error: unknown) => log.debug({ drain: name, err: error }, 'a lease runs out'));
    },
  };
}

/** Twice as long each time up to a minute, and up to half of it less, so that many do not come back at once. */
export function waitAfter(failures: number, random: number): number {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 20));
  return Math.round(longest * (0.5 + random / 2));
}

// Reads what comes next of the log as one batch of whole, consecutive events.
import { createHash } from 'node:crypto';
import type { AuditLog } from '../audit/reading/audit-log.ts';
import { EVERY_EVENT } from '../audit/reading/query.ts';
import type { Format } from './formats/format.ts';
import type { Batch, Receiver } from './receivers/receiver.ts';

export interface ReadBatch extends Batch {
  readonly after: number;
  readonly last: number;
  readonly rewinds: number;
}

export interface BatchReading {
  readonly auditLog: Pick<AuditLog, 'exportable'>;
  readonly name: string;
  readonly format: Format;
  readonly receiver: Pick<Receiver, 'most' | 'frame'>;
}

export interface BatchRange {
  readonly after: number;
  readonly upTo: number;
  readonly rewinds: number;
}

/** What comes after a number, up to another; null if the very next event is not there. */
export async function readBatch(
  { auditLog, name, format, receiver: { most, frame } }: BatchReading,
  { after, upTo, rewinds }: BatchRange,
): Promise<ReadBatch | null> {
  const frames: string[] = [];
  let [last, size, hash, full] = [after, 0, '', false];
  await auditLog.exportable(EVERY_EVENT, { after, upTo }, most.events, (event) => {
    if (full) return;
    const framed = event.seq === last + 1 ? frame(event, format(event)) : null;
    size += framed === null ? 0 : Buffer.byteLength(framed);
    full = framed === null || (frames.length > 0 && size > most.bytes);
    if (framed === null || full) return;
    frames.push(framed);
    last = event.seq;
    hash = event.hash;
  });
  if (frames.length === 0) return null;
  return {
    id: idOf({ name, rewinds, first: after + 1, last, hash }),
    bytes: Buffer.from(frames.join('')),
    after,
    last,
    rewinds,
  };
}

/** By what is sent: after a failover another event may have the same number. */
function idOf({ name, rewinds, first, last, hash }: Readonly<Record<string, string | number>>): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([name, rewinds, first, last, hash]))
    .digest('base64url');
  return `msg_${digest.slice(0, 27)}`;
}

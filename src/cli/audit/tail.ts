// `audit tail`: the newest events in a terminal, and those that follow. No value can steer the
// terminal.
import { setTimeout as delay } from 'node:timers/promises';
import type { SealedEvent } from '../../core/audit/canonical-event.ts';
import { withContext } from '../connect.ts';
import { printable } from '../print.ts';
import { type FilterOptions, readFilter } from './filter.ts';

const LOOK_EVERY_MS = 500;
const BATCH = 1_000;

export async function tail(
  options: FilterOptions & { readonly lines: number; readonly follow: boolean },
): Promise<void> {
  await withContext(async (context) => {
    const { auditLog } = context;
    const filter = await readFilter(options, context);
    const stopped = new AbortController();
    process.once('SIGINT', () => stopped.abort());
    let { seq } = await auditLog.head();
    const { events } = await auditLog.page(filter, { before: seq + 1 }, Math.min(options.lines, BATCH));
    for (const event of [...events].reverse()) process.stdout.write(lineOf(event));
    while (options.follow && !stopped.signal.aborted) {
      const head = await auditLog.head();
      if (head.seq > seq) {
        const { events: more, readTo } = await auditLog.following(filter, { after: seq, upTo: head.seq }, BATCH);
        for (const event of more) process.stdout.write(lineOf(event));
        seq = readTo;
      }
      if (seq >= head.seq) await delay(LOOK_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  });
}

function lineOf(event: SealedEvent): string {
  const { seq, occurredAt, type, outcome, actor, subject, session, ip, requestId, detail } = event;
  const known = { actor, subject, session, ip, request: requestId };
  const about = Object.entries(known).flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));
  const details = Object.keys(detail).length > 0 ? [JSON.stringify(detail)] : [];
  return `${printable([seq, occurredAt.toISOString(), type, outcome, ...about, ...details].join(' '))}\n`;
}

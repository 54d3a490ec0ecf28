// `audit tail`: the newest events in a terminal, and those that follow. No value can steer the terminal.
import { setTimeout as delay } from 'node:timers/promises';
import { createAccountLookup } from '../../core/accounts/account-lookup.ts';
import type { SealedEvent } from '../../core/audit/canonical-event.ts';
import { createAuditLog } from '../../core/audit/reading/audit-log.ts';
import { withPool } from '../connect.ts';
import type { AsJson } from '../terminal/list.ts';
import { outputGone } from '../terminal/output.ts';
import { stoppable } from '../terminal/stopping.ts';
import { printEvents } from './event-lines.ts';
import { type FilterOptions, readFilter } from './filter.ts';

const LOOK_EVERY_MS = 500;
const BATCH = 1_000;

interface Options extends FilterOptions, AsJson {
  readonly lines: number;
  readonly follow: boolean;
}

type AuditLog = ReturnType<typeof createAuditLog>;
type Filter = Awaited<ReturnType<typeof readFilter>>;

export async function tail(options: Options): Promise<void> {
  await withPool(async (pool) => {
    const accounts = createAccountLookup({ pool });
    const auditLog = createAuditLog({ database: { pool } });
    const filter = await readFilter(options, accounts);
    const print = printEvents(accounts, options.follow ? options : { ...options, none: 'No event matches.' });
    let { seq } = await auditLog.head();
    await print(await newest(auditLog, filter, seq, options.lines));
    if (!options.follow) return;
    await stoppable(async (interrupted) => {
      const stopped = AbortSignal.any([interrupted, outputGone]);
      while (!stopped.aborted) {
        const head = await auditLog.head();
        if (head.seq > seq) {
          const { events, readTo } = await auditLog.following(filter, { after: seq, upTo: head.seq }, BATCH);
          await print(events);
          seq = readTo;
        }
        if (seq >= head.seq) await delay(LOOK_EVERY_MS, undefined, { signal: stopped }).catch(() => undefined);
      }
    });
  });
}

/** The oldest of them first. A page ends when it is full or its time is over: then the next one is read. */
async function newest(auditLog: AuditLog, filter: Filter, head: number, lines: number): Promise<SealedEvent[]> {
  const found: SealedEvent[] = [];
  for (let before = head + 1; found.length < lines; ) {
    const page = await auditLog.page(filter, { before }, Math.min(lines - found.length, BATCH));
    found.push(...page.events);
    if (!page.hasOlder) break;
    before = page.lookedTo ?? page.events.at(-1)?.seq ?? 0;
  }
  return found.reverse();
}

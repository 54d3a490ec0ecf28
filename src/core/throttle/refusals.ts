// How an attempt runs under the throttle: it is refused or tried, its failure is recorded with the blocks that it
// began, and the result settles what it took.
import type { AttemptNote, BlockNote, NewAuditEvent, Origin } from '../audit/events.ts';
import { type EventNote, recordEvents } from '../audit/outbox.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { Taken } from './taken.ts';
import { isOfClients } from './windows.ts';

/** Refused before anything was read: it says nothing of the account or the password. */
export interface Throttled {
  readonly ok: false;
  readonly reason: 'throttled';
  readonly retryAfterMs: number;
}

export interface Attempting {
  readonly subject: string | null;
  readonly origin: Origin;
}

export interface Tried {
  /** A log-in's event must have this id: counters are rebuilt by it. */
  readonly id: string;
  /** Whether a block begins with it: from now on others are refused. */
  readonly beginsBlock: boolean;
  /** Records the attempt's event and the blocks that it began, in one statement. */
  record(event: NewAuditEvent, beside?: { within?: Transaction; attempt?: AttemptNote }): Promise<void>;
  /** For a failure with a right guess. Never throws. */
  succeeded(): Promise<void>;
  /** For a right guess that something else must follow. Never throws. */
  passed(): Promise<void>;
  /** For a failure that says nothing of the guess. Never throws. */
  giveBack(): Promise<void>;
}

export type Refusals = ReturnType<typeof createRefusals>;

export function createRefusals({ database: { prisma } }: { database: Database }) {
  async function refuse(
    { retryAfterMs, blocks }: Extract<Taken, { ok: false }>,
    { subject, origin }: Attempting,
  ): Promise<Throttled> {
    await recordEvents(prisma, blockNotes(blocks, subject, origin));
    return { ok: false, reason: 'throttled', retryAfterMs };
  }

  return {
    /**
     * Runs `work` if the throttle lets the attempt through. A result that is `ok` counts as a success; one that is not, as
     * a failure, which `work` records. What `work` throws is an outage: the attempt costs nothing.
     */
    async attempt<R extends { readonly ok: boolean }>(
      taking: Promise<Taken>,
      about: Attempting,
      work: (tried: Tried) => Promise<R>,
    ): Promise<R | Throttled> {
      const taken = await taking;
      if (!taken.ok) return refuse(taken, about);
      const { id, blocks, succeeded, passed, giveBack } = taken;
      const record: Tried['record'] = (event, { within = prisma, attempt } = {}) =>
        recordEvents(within, [{ event, attempt }, ...blockNotes(blocks, event.subject ?? event.actor, event.origin)]);
      try {
        const result = await work({ id, beginsBlock: blocks.length > 0, record, succeeded, passed, giveBack });
        if (result.ok) await succeeded();
        return result;
      } catch (error) {
        await giveBack();
        throw error;
      }
    },

    /** For an act that counts whatever its result. Null: it may go on. */
    async charge(taking: Promise<Taken>, about: Attempting): Promise<Throttled | null> {
      const taken = await taking;
      if (!taken.ok) return refuse(taken, about);
      await recordEvents(prisma, blockNotes(taken.blocks, about.subject, about.origin));
      return null;
    },
  };
}

/** One event a block, however many attempts it will refuse. */
function blockNotes(blocks: readonly BlockNote[], subject: string | null, origin: Origin): EventNote[] {
  return blocks.map((block) => {
    const detail = { scope: block.scope, failures: block.failures, seconds: Math.ceil(block.lastsMs / 1_000) };
    return {
      event: {
        type: 'excess_rate_limit_exceeded',
        outcome: 'failure',
        actor: null,
        subject: isOfClients(block.scope) ? null : subject,
        origin,
        detail: { ...detail, block: block.id },
      },
      block,
    };
  });
}

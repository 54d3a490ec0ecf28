// What everybody does with the throttle's answer: records its blocks, refuses, and settles what an attempt took.
import type { BlockNote, Origin } from '../audit/events.ts';
import { type EventNote, recordEvents } from '../audit/outbox.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { Taken, ThrottleScope } from './windows.ts';

/** Scopes that tell of a client, and of no account. */
const OF_MANY: ReadonlySet<string> = new Set<ThrottleScope>(['client', 'register', 'mail_client', 'token']);

/** Refused before anything was looked at: it says nothing of the account, nor of the password. */
export interface Throttled {
  readonly ok: false;
  readonly reason: 'throttled';
  readonly retryAfterMs: number;
}

export type Refusals = ReturnType<typeof createRefusals>;

export function createRefusals({ database: { transact } }: { database: Database }) {
  async function recordBlocks(
    transaction: Transaction,
    blocks: readonly BlockNote[],
    subject: string | null,
    origin: Origin,
  ): Promise<void> {
    await recordEvents(transaction, blockNotes(blocks, subject, origin));
  }

  /** Records the blocks that began with a refusal, and gives the answer. */
  async function refuse(
    { retryAfterMs, blocks }: Extract<Taken, { ok: false }>,
    subject: string | null,
    origin: Origin,
  ): Promise<Throttled> {
    if (blocks.length > 0) {
      await transact((transaction) => recordBlocks(transaction, blocks, subject, origin));
    }
    return { ok: false, reason: 'throttled', retryAfterMs };
  }

  return { recordBlocks, refuse };
}

/** What is recorded of blocks that began: one event a block, however many attempts it will refuse. */
export function blockNotes(blocks: readonly BlockNote[], subject: string | null, origin: Origin): EventNote[] {
  return blocks.map((block) => {
    const detail = { scope: block.scope, failures: block.failures, seconds: Math.ceil(block.lastsMs / 1_000) };
    return {
      event: {
        type: 'excess_rate_limit_exceeded',
        outcome: 'failure',
        actor: null,
        subject: OF_MANY.has(block.scope) ? null : subject,
        origin,
        detail: { ...detail, block: block.id },
      },
      block,
    };
  });
}

/** Settles what an attempt took by what came of it. */
export async function settled<R extends { readonly ok: boolean }>(
  taken: Extract<Taken, { ok: true }>,
  work: () => Promise<R>,
): Promise<R> {
  let result: R;
  try {
    result = await work();
  } catch (error) {
    await taken.giveBack();
    throw error;
  }
  if (result.ok) await taken.succeeded();
  return result;
}

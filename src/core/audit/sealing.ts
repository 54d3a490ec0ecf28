// Moves events from the outbox into the sealed log, numbered and chained, exactly once. One
// transaction locks the head of the chain, moves a few batches and moves the head. Followers write
// what a sealed event means to their own rooms.
import type pg from 'pg';
import type { Database } from '../platform/database.ts';
import { withConnection } from '../platform/postgres/connection.ts';
import type { ToldEpoch } from '../platform/postgres/epoch.ts';
import {
  addCounts,
  appendEvents,
  type ChainedEvent,
  chainEvents,
  type EventCounts,
  isEnding,
  type LockedHead,
  lockHead,
  moveHead,
  writeCounts,
} from './append.ts';
import { begunNoticing, NOTHING_NOTICED, type Notice, type Noticing, Unnoticed } from './notice.ts';
import { type OutboxRow, readOutboxRow } from './outbox-event.ts';
import type { Notes } from './outbox-notes.ts';

const BATCH = 1_000;
const BATCHES_A_TRANSACTION = 5;
const MONTHS_AHEAD = 2;

/** A room that learns what is sealed. */
export interface SealingFollower {
  /** The head is locked, in this epoch. If it throws, nothing is sealed. */
  begin(epoch: ToldEpoch): Follower;
}

interface Follower {
  /** Writes what a batch means to the room, in the transaction. `notes[i]` is of `events[i]`. */
  write(client: pg.ClientBase, events: readonly ChainedEvent[], notes: readonly Notes[]): Promise<void>;
  /** Runs after the commit. If it throws, the sealing job fails; its retry seals nothing twice. */
  committed?(moved: SealedEndings): Promise<void>;
}

/** The seq of the newest sealed ending, before and after the transaction. */
export interface SealedEndings {
  readonly previousSeq: number;
  readonly endingSeq: number;
}

interface OutboxRecord extends OutboxRow {
  readonly id: string;
}

interface Sealed {
  readonly count: number;
  readonly more: boolean;
}

export type Sealing = ReturnType<typeof createSealing>;

export interface SealingOptions {
  readonly database: Database;
  readonly followers: readonly SealingFollower[];
  readonly notice?: Notice;
  /** Hears why nothing is noticed. */
  readonly onUnnoticed?: (error: unknown) => void;
  /** Gets the last event of each transaction once it is committed; its hash in base64url. */
  readonly onSealed?: (last: { readonly seq: number; readonly hash: string }) => void;
}

export function createSealing({
  database,
  followers,
  notice = NOTHING_NOTICED,
  onUnnoticed = () => undefined,
  onSealed = () => undefined,
}: SealingOptions) {
  let partitionsMadeIn = '';
  let upToDateAt = performance.now();

  /** Seals nothing in a month, by PostgreSQL's clock, that may have no partition yet. */
  async function sealSome(begin: Notice): Promise<Sealed | { readonly newMonth: string }> {
    const sealed = await withConnection(database.pool, async (client) => {
      await client.query('BEGIN');
      const head = await lockHead(client);
      if (monthOf(head) !== partitionsMadeIn) {
        await client.query('ROLLBACK');
        return { newMonth: monthOf(head) };
      }
      const following = followers.map((follower) => follower.begin(head.epoch));
      const { last, count, more, endingSeq } = await sealBatches(client, head, {
        followers: following,
        noticing: begunNoticing(begin),
      });
      if (last) await moveHead(client, last, endingSeq);
      await client.query(last ? 'COMMIT' : 'ROLLBACK');
      return { count, more, last, following, moved: last ? { previousSeq: head.endingSeq, endingSeq } : null };
    });
    if ('newMonth' in sealed) return sealed;
    upToDateAt = performance.now();
    const { last, moved, following } = sealed;
    if (last) onSealed({ seq: last.seq, hash: Buffer.from(last.hash, 'hex').toString('base64url') });
    if (moved) for (const follower of following) await follower.committed?.(moved);
    return sealed;
  }

  /** An event is sealed whatever is noticed about it. */
  async function sealNoticing(): ReturnType<typeof sealSome> {
    try {
      return await sealSome(notice);
    } catch (error) {
      if (!(error instanceof Unnoticed)) throw error;
      onUnnoticed(error.cause);
      return sealSome(NOTHING_NOTICED);
    }
  }

  return {
    /**
     * Seals everything that waits; returns how many events. Two at once take turns. Throws if
     * PostgreSQL is away, or if Redis missed an ending; whoever finds that Redis lags repeats it.
     */
    async seal(): Promise<number> {
      for (let total = 0; ; ) {
        const sealed = await sealNoticing();
        if ('newMonth' in sealed) {
          await this.makePartitions();
          partitionsMadeIn = sealed.newMonth;
        } else {
          total += sealed.count;
          if (!sealed.more) return total;
        }
      }
    },

    /** Somebody has found that no event waits. */
    noteNothingWaits(): void {
      upToDateAt = performance.now();
    },

    /** How long this process has neither sealed an event nor found that none waits. */
    silentMs: () => performance.now() - upToDateAt,

    /** For this month and the next two. */
    async makePartitions(): Promise<void> {
      await database.pool.query('SELECT audit_ensure_partitions($1)', [MONTHS_AHEAD]);
    },
  };
}

function monthOf({ now }: LockedHead): string {
  return now.toISOString().slice(0, 7);
}

/**
 * The batches of one transaction: PostgreSQL writes one while the next is taken and hashed. At most two
 * statements are under way at once, which the driver takes without pipelining.
 */
async function sealBatches(
  client: pg.PoolClient,
  head: LockedHead,
  { followers, noticing }: { readonly followers: readonly Follower[]; readonly noticing: Noticing },
) {
  let { seq, hash, endingSeq } = head;
  const counts: EventCounts = new Map();
  let last: ChainedEvent | undefined;
  let count = 0;
  let written: Promise<void> = Promise.resolve();
  const takeNext = async () => {
    const taken = (await takeFromOutbox(client)).map((row) => readOutboxRow(row, head.now));
    await noticing.prepare(client, knownOf(taken));
    return taken;
  };
  let taken = await takeNext();
  for (let batch = 1; taken.length > 0; batch += 1) {
    const next = taken.length === BATCH && batch < BATCHES_A_TRANSACTION ? takeNext() : Promise.resolve([]);
    next.catch(() => undefined); // awaited below
    const events = chainEvents(noticing.notice(knownOf(taken)), { ...head, seq, hash });
    await Promise.all([written, next]);
    const notes = taken.map((row) => row.notes);
    written = write(client, events, notes, followers);
    written.catch(() => undefined); // awaited below, and heard of there
    taken = await next;
    addCounts(counts, events);
    count += events.length;
    last = events.at(-1) ?? last;
    seq += events.length;
    hash = last?.hash ?? hash;
    endingSeq = events.findLast(isEnding)?.seq ?? endingSeq;
  }
  await written;
  await writeCounts(client, counts);
  await noticing.finish(client);
  return { last, count, more: count === BATCH * BATCHES_A_TRANSACTION, endingSeq };
}

const knownOf = (taken: readonly ReturnType<typeof readOutboxRow>[]) => taken.map(({ event }) => event);

async function write(
  client: pg.PoolClient,
  events: readonly ChainedEvent[],
  notes: readonly Notes[],
  followers: readonly Follower[],
): Promise<void> {
  await appendEvents(client, events);
  for (const follower of followers) await follower.write(client, events, notes);
}

async function takeFromOutbox(client: pg.PoolClient): Promise<OutboxRecord[]> {
  const { rows } = await client.query<OutboxRecord>({
    name: 'seal-take',
    text: 'DELETE FROM outbox WHERE id = ANY (ARRAY(SELECT id FROM outbox ORDER BY id LIMIT $1)) RETURNING id, event, attempt, block',
    values: [BATCH],
  });
  return rows.sort((a, b) => Number(a.id) - Number(b.id));
}

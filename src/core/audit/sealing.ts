// Moves events from the outbox into the sealed log: numbered, chained, exactly once. One transaction takes the lock that is
// the head of the chain, deletes a few batches from the outbox, inserts them into the log and moves the head; whatever is
// killed, either all of that happened or nothing did. Followers write down elsewhere what a sealed event means there.
import type pg from 'pg';
import { withConnection } from '../platform/connection.ts';
import type { Database } from '../platform/database.ts';
import {
  appendEvents,
  type ChainedEvent,
  chainEvents,
  countEvents,
  isEnding,
  type LockedHead,
  lockHead,
  moveHead,
} from './append.ts';
import type { OutboxEvent } from './events.ts';
import { type Notes, readOutboxEvent } from './outbox-event.ts';

const BATCH = 1_000;
const BATCHES_A_TRANSACTION = 5;
const MONTHS_AHEAD = 2;

/** A room that learns what is sealed. */
export interface SealingFollower {
  /** Starts to follow one sealing transaction. */
  begin(): Follower;
}

interface Follower {
  /** Writes what a batch means for the room, in the transaction that seals it; `notes` stand beside the `events`. */
  write(client: pg.ClientBase, events: readonly ChainedEvent[], notes: readonly Notes[]): Promise<void>;
  /** Runs after the commit. What it throws fails the sealing job, whose repetition seals nothing twice. */
  committed?(moved: SealedEndings): Promise<void>;
}

/** The seq of the newest sealed ending, before and after the transaction. */
export interface SealedEndings {
  readonly previousSeq: number;
  readonly endingSeq: number;
}

interface OutboxRecord extends Notes {
  readonly id: string;
  readonly event: OutboxEvent;
}

interface Sealed {
  readonly count: number;
  readonly more: boolean;
}

export type Sealing = ReturnType<typeof createSealing>;

export interface SealingOptions {
  readonly database: Database;
  readonly followers: readonly SealingFollower[];
}

export function createSealing({ database, followers }: SealingOptions) {
  let partitionsMadeIn = '';

  /** Seals a few batches, in one transaction. */
  async function sealSome(): Promise<Sealed> {
    const following = followers.map((follower) => follower.begin());
    const { count, more, moved } = await withConnection(database.pool, async (client) => {
      await client.query('BEGIN');
      const head = await lockHead(client);
      const { last, count, more, endingSeq } = await sealBatches(client, head, following);
      if (last) await moveHead(client, last, endingSeq);
      await client.query(last ? 'COMMIT' : 'ROLLBACK');
      return { count, more, moved: last ? { previousSeq: head.endingSeq, endingSeq } : null };
    });
    if (moved) for (const follower of following) await follower.committed?.(moved);
    return { count, more };
  }

  return {
    /**
     * Seals everything that waits, and returns how many events there were. Two at once take turns. Throws if PostgreSQL is
     * away (nothing was sealed twice or lost), or if Redis could not be told of an ending; that is then repeated by whoever
     * finds its mark behind.
     */
    async seal(): Promise<number> {
      const month = new Date().toISOString().slice(0, 7);
      if (partitionsMadeIn !== month) {
        await this.makePartitions();
        partitionsMadeIn = month;
      }
      let total = 0;
      for (;;) {
        const { count, more } = await sealSome();
        total += count;
        if (!more) return total;
      }
    },

    /** Makes the log's partitions for this month and the two after it, where they are missing. */
    async makePartitions(): Promise<void> {
      await database.pool.query('SELECT audit_ensure_partitions($1)', [MONTHS_AHEAD]);
    },
  };
}

/**
 * The batches of one transaction. PostgreSQL writes one while the next is hashed here: neither waits for the other.
 * No more than two statements are under way at once, which is what the driver takes without another mode.
 */
async function sealBatches(client: pg.PoolClient, head: LockedHead, followers: readonly Follower[]) {
  let { seq, hash, endingSeq } = head;
  let last: ChainedEvent | undefined;
  let written: Promise<void> = Promise.resolve();
  let rows = await takeFromOutbox(client);
  for (let batch = 1; rows.length > 0; batch += 1) {
    const next = rows.length === BATCH && batch < BATCHES_A_TRANSACTION ? takeFromOutbox(client) : Promise.resolve([]);
    const events = chainEvents(
      rows.map(({ event }) => readOutboxEvent(event, head.now)),
      { ...head, seq, hash },
    );
    await Promise.all([written, next]);
    written = write(client, events, rows, followers);
    written.catch(() => undefined); // awaited below, and heard of there
    rows = await next;
    last = events.at(-1);
    seq += events.length;
    hash = last?.hash ?? hash;
    endingSeq = events.findLast(isEnding)?.seq ?? endingSeq;
  }
  await written;
  const count = seq - head.seq;
  return { last, count, more: count === BATCH * BATCHES_A_TRANSACTION, endingSeq };
}

async function write(
  client: pg.PoolClient,
  events: readonly ChainedEvent[],
  notes: readonly Notes[],
  followers: readonly Follower[],
): Promise<void> {
  await appendEvents(client, events);
  await countEvents(client, events);
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

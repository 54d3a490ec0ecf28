// Moves events from the outbox into the sealed log: numbered, chained, exactly once. One transaction takes the lock that is
// the head of the chain, deletes a few batches from the outbox, inserts them into the log and moves the head; whatever is
// killed, either all of that happened or nothing did. Then Redis is told of the sessions that the batches ended.
import type pg from 'pg';
import {
  type ChainedEvent,
  chainEvents,
  countEvents,
  type Head,
  insertEvents,
  lockHead,
  moveHead,
} from './audit-append.ts';
import { ENDING_EVENTS, type WaitingEvent } from './audit-events.ts';
import type { Database } from './database.ts';
import { insertNotes, type Notes } from './sealed-notes.ts';
import type { Ending, EndReason } from './session-records.ts';
import type { SessionStore } from './session-store.ts';
import { readWaiting } from './waiting-events.ts';

const BATCH = 1_000;
const BATCHES_A_TRANSACTION = 5;
const MONTHS_AHEAD = 2;

interface WaitingRow extends Notes {
  readonly id: string;
  readonly event: WaitingEvent;
}

interface Sealed {
  readonly count: number;
  readonly more: boolean;
}

export type Sealing = ReturnType<typeof createSealing>;

export function createSealing({ database, store }: { database: Database; store: SessionStore }) {
  let partitionsMadeIn = '';

  /** Seals a few batches, in one transaction. */
  async function sealSome(): Promise<Sealed> {
    const client = await database.pool.connect();
    let broken: Error | undefined;
    const onBreak = (error: Error) => {
      broken = error; // between two statements nobody else hears of it
    };
    client.on('error', onBreak);
    try {
      await client.query('BEGIN');
      const head = await lockHead(client);
      const { last, count, more, ended, endingSeq } = await sealBatches(client, head);
      if (!last) {
        await client.query('ROLLBACK');
        return { count: 0, more: false };
      }
      await moveHead(client, last, endingSeq);
      await client.query('COMMIT');
      if (endingSeq > head.endingSeq) await store.carryOut(ended, { previousSeq: head.endingSeq, endingSeq });
      return { count, more };
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      client.release(broken);
      client.off('error', onBreak);
    }
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
async function sealBatches(client: pg.PoolClient, head: Head) {
  const ended: Ending[] = [];
  let { seq, hash, endingSeq } = head;
  let last: ChainedEvent | undefined;
  let written: Promise<void> = Promise.resolve();
  let rows = await takeWaiting(client);
  for (let batch = 1; rows.length > 0; batch += 1) {
    const next = rows.length === BATCH && batch < BATCHES_A_TRANSACTION ? takeWaiting(client) : Promise.resolve([]);
    const events = chainEvents(
      rows.map(({ event }) => readWaiting(event, head.now)),
      { ...head, seq, hash },
    );
    const endings = events.filter((event) => ENDING_EVENTS.has(event.type) && event.session !== null);
    await Promise.all([written, next]);
    written = write(client, rows, events, endings).then((marked) => void ended.push(...marked));
    written.catch(() => undefined); // awaited below, and heard of there
    rows = await next;
    last = events.at(-1);
    seq += events.length;
    hash = last?.hash ?? hash;
    endingSeq = endings.at(-1)?.seq ?? endingSeq;
  }
  await written;
  const count = seq - head.seq;
  return { last, count, more: count === BATCH * BATCHES_A_TRANSACTION, ended, endingSeq };
}

async function write(
  client: pg.PoolClient,
  rows: readonly WaitingRow[],
  events: readonly ChainedEvent[],
  endings: readonly ChainedEvent[],
): Promise<Ending[]> {
  await insertEvents(client, events);
  await countEvents(client, events);
  await insertNotes(client, rows, events);
  return await markEndings(client, endings);
}

async function takeWaiting(client: pg.PoolClient): Promise<WaitingRow[]> {
  const { rows } = await client.query<WaitingRow>({
    name: 'seal-take',
    text: 'DELETE FROM outbox WHERE id = ANY (ARRAY(SELECT id FROM outbox ORDER BY id LIMIT $1)) RETURNING id, event, attempt, block',
    values: [BATCH],
  });
  return rows.sort((a, b) => Number(a.id) - Number(b.id));
}

async function markEndings(client: pg.PoolClient, endings: readonly ChainedEvent[]): Promise<Ending[]> {
  if (endings.length === 0) return [];
  const { rows } = await client.query<{ token_hash: Buffer; end_reason: EndReason }>({
    name: 'seal-endings',
    text: `UPDATE session SET ending_seq = e.seq FROM unnest($1::uuid[], $2::bigint[]) AS e(id, seq)
            WHERE session.id = e.id AND session.ended_at IS NOT NULL RETURNING token_hash, end_reason`,
    values: [endings.map((event) => event.session), endings.map((event) => event.seq)],
  });
  return rows.map((row) => ({ tokenHash: row.token_hash, reason: row.end_reason }));
}

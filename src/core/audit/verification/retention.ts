// Drops the months of the log that are past their retention. A month is dropped whole, and only
// after a checkpoint that names its last event, so that the rest still verifies.
import type { Database } from '../../platform/database.ts';
import type { Tree } from '../tree/tree.ts';
import { type Checkpoints, recordOwnEvent } from './checkpoints.ts';

export interface RetentionOptions {
  readonly database: Database;
  readonly checkpoints: Checkpoints;
  readonly tree: Pick<Tree, 'grow' | 'opened'>;
  /** How long events are kept; null: for ever. */
  readonly retentionMs: number | null;
}

interface Month {
  /** 2026-11 */
  readonly name: string;
  readonly start: Date;
  readonly end: Date;
  /** How long ago it ended; less than nothing: it has not. */
  readonly agoMs: number;
}

export function createRetention({ database: { pool, transact }, checkpoints, tree, retentionMs }: RetentionOptions) {
  async function oldestMonth(): Promise<Month | null> {
    const { rows } = await pool.query<{ name: string; now: Date }>(
      `SELECT min(c.relname) AS name, clock_timestamp() AS now FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'audit_event'::regclass`,
    );
    const [, year, month] = /^audit_event_(\d{4})_(\d\d)$/.exec(rows[0]?.name ?? '') ?? [];
    if (!year || !month) return null;
    const start = new Date(Date.UTC(Number(year), Number(month) - 1));
    const end = new Date(Date.UTC(Number(year), Number(month)));
    return { name: `${year}-${month}`, start, end, agoMs: (rows[0]?.now ?? end).getTime() - end.getTime() };
  }

  /** The number of its last event; null for an empty month. */
  async function lastOf({ start, end }: Month): Promise<number | null> {
    const { rows } = await pool.query<{ seq: string }>(
      'SELECT seq FROM audit_event WHERE sealed_at >= $1 AND sealed_at < $2 ORDER BY seq DESC LIMIT 1',
      [start, end],
    );
    return rows[0] ? Number(rows[0].seq) : null;
  }

  /** An event that is gone can no longer be added: the tree has it first. */
  async function isInTree(seq: number): Promise<boolean> {
    const { first } = await tree.opened();
    return first + (await tree.grow({ upTo: seq })) > seq;
  }

  async function drop({ name }: Month): Promise<void> {
    await transact(async (transaction) => {
      const [row] = await transaction.$queryRaw<{ first_seq: bigint | null; last_seq: bigint | null }[]>`
        SELECT * FROM audit_drop_month(${`${name}-01`}::timestamp)`;
      const numbers = { first: Number(row?.first_seq ?? 0), last: Number(row?.last_seq ?? 0) };
      await recordOwnEvent(transaction, 'sys_audit_dropped', { month: name, ...numbers });
    });
  }

  return {
    /**
     * Drops the months whose last day is past the retention, the oldest first; returns their names.
     * A month that was altered is kept, and with it all that follow: the proof of what was altered
     * would be gone.
     */
    async dropOld(): Promise<string[]> {
      const dropped: string[] = [];
      if (retentionMs === null || !checkpoints.canSign) return dropped;
      for (let month = await oldestMonth(); month && month.agoMs > retentionMs; ) {
        const last = await lastOf(month);
        if (last !== null && !((await isInTree(last)) && (await checkpoints.writeUpTo(last, 'retention'))))
          return dropped;
        await drop(month);
        dropped.push(month.name);
        const next = await oldestMonth();
        if (next?.name === month.name) return dropped;
        month = next;
      }
      return dropped;
    },
  };
}

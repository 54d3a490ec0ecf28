// Drains as operators see them: how far each is, what is wrong with it, and the acts on it, which are recorded.

import { firstKept } from '../audit/event-rows.ts';
import type { Actor } from '../audit/events.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { recordOfDrain } from './drain-table.ts';

export interface ListedDrain {
  readonly name: string;
  readonly kind: string;
  readonly target: string;
  readonly format: string;
  /** The receiver has everything up to this number. */
  readonly seq: number;
  /** Events that it has not yet, and how old the oldest of them is. */
  readonly behind: number;
  readonly lagSeconds: number;
  readonly sentAt: Date | null;
  readonly failures: number;
  readonly lastError: string | null;
  readonly failedAt: Date | null;
  readonly pausedAt: Date | null;
  /** Sent again from this number on as soon as a worker takes it up. */
  readonly againFrom: number | null;
  /** Whether a worker has it in its file. */
  readonly served: boolean;
}

export type Rewound =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'unknown_drain' }
  /** The first and the last number from which it could be sent again. */
  | { readonly ok: false; readonly reason: 'no_such_event'; readonly first: number; readonly last: number };

/** A worker renews its lease within seconds. */
const SERVED_WITHIN = `interval '2 minutes'`;

export function createDrains({ database: { pool, transact } }: { database: Pick<Database, 'pool' | 'transact'> }) {
  function change(name: string, paused: boolean, by: Actor): Promise<boolean> {
    return transact(async (transaction) => {
      const changed = await transaction.$executeRaw`
        UPDATE audit_drain SET paused_at = CASE WHEN ${paused}::boolean THEN clock_timestamp() END
         WHERE name = ${name} AND (paused_at IS NULL) = ${paused}::boolean`;
      if (changed === 0) return false;
      await recordAct(transaction, paused ? 'sys_drain_paused' : 'sys_drain_resumed', { name }, by);
      return true;
    });
  }

  return {
    async list(): Promise<ListedDrain[]> {
      const { rows } = await pool.query<ListedRow>(LIST);
      return rows.map(({ seq, behind, againFrom, lagSeconds, ...row }) => ({
        ...row,
        seq: Number(seq),
        behind: Number(behind),
        lagSeconds: Number(lagSeconds),
        againFrom: againFrom === null ? null : Number(againFrom),
      }));
    },

    /** False if there is no such drain, or it is paused already. */
    pause: (name: string, by: Actor) => change(name, true, by),

    /** False if there is no such drain, or it is not paused. */
    resume: (name: string, by: Actor) => change(name, false, by),

    /** The receiver gets everything again from event `from` on. */
    async rewind(name: string, from: number, by: Actor): Promise<Rewound> {
      const first = await firstKept(pool);
      return transact(async (transaction): Promise<Rewound> => {
        const [row] = await transaction.$queryRaw<{ seq: bigint }[]>`
          SELECT seq FROM audit_drain WHERE name = ${name} FOR UPDATE`;
        if (!row) return { ok: false, reason: 'unknown_drain' };
        const last = Number(row.seq);
        if (from < first || from > last) return { ok: false, reason: 'no_such_event', first, last };
        await transaction.$executeRaw`UPDATE audit_drain SET rewind_to = ${from - 1}::bigint WHERE name = ${name}`;
        await recordAct(transaction, 'sys_drain_rewound', { name, from, sentTo: last }, by);
        return { ok: true };
      });
    },

    /** Takes away the row of a drain that no worker has in its file; for the owner of the database. False if there is none. */
    forget(name: string, by: Actor): Promise<boolean> {
      return transact(async (transaction) => {
        const [row] = await transaction.$queryRaw<{ seq: bigint }[]>`
          DELETE FROM audit_drain WHERE name = ${name} AND seen_at < clock_timestamp() - interval '2 minutes' RETURNING seq`;
        if (!row) return false;
        await recordAct(transaction, 'sys_drain_forgotten', { name, sentTo: Number(row.seq) }, by);
        return true;
      });
    },
  };
}

type Act = Parameters<typeof recordOfDrain>[1];

function recordAct(
  transaction: Transaction,
  type: Act,
  detail: Parameters<typeof recordOfDrain>[2],
  { reason, ...by }: Actor,
): Promise<void> {
  return recordOfDrain(transaction, type, { ...detail, ...(reason ? { reason } : {}) }, 'success', by);
}

interface ListedRow extends Omit<ListedDrain, 'seq' | 'behind' | 'lagSeconds' | 'againFrom'> {
  readonly seq: string;
  readonly behind: string;
  readonly lagSeconds: string;
  readonly againFrom: string | null;
}

const LIST = `
  SELECT name, kind, target, format, drain.seq, greatest(head.seq - drain.seq, 0) AS behind,
         coalesce(extract(epoch FROM clock_timestamp() - oldest.sealed_at), 0) AS "lagSeconds",
         sent_at AS "sentAt", failures, last_error AS "lastError", failed_at AS "failedAt", paused_at AS "pausedAt",
         rewind_to + 1 AS "againFrom", seen_at > clock_timestamp() - ${SERVED_WITHIN} AS served
    FROM audit_drain AS drain CROSS JOIN audit_head AS head
    LEFT JOIN LATERAL (SELECT sealed_at FROM audit_event WHERE seq > drain.seq ORDER BY seq LIMIT 1) AS oldest ON true
   WHERE head.id = 1 ORDER BY name`;

// The rows of drains: their cursors, who drains them, and what operators ask for. A worker holds a drain by a lease, of
// PostgreSQL's clock: it needs no connection of its own, and another takes over when the lease has run out.
import type { NewAuditEvent } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Database, Transaction } from '../platform/database.ts';

export const LEASE_MS = 15_000;
/** Renewed when less is left. */
const RENEW_BELOW_MS = 10_000;
const LONGEST_ERROR = 300;

/** What a worker's file says of a drain, without secrets. */
export interface DescribedDrain {
  readonly name: string;
  readonly kind: string;
  readonly target: string;
  readonly format: string;
  /** The number of the first event of a new drain. */
  readonly start: number | 'beginning' | 'now';
}

/** As its holder sees it. */
export interface HeldDrain {
  /** The receiver has everything up to this number. */
  readonly seq: number;
  /** The newest sealed event. */
  readonly head: number;
  readonly rewinds: number;
  /** Or an operator asks for something that `hold` takes up. */
  readonly paused: boolean;
  readonly failures: number;
}

interface HeldRow {
  readonly seq: string;
  readonly head: string;
  readonly rewinds: number;
  readonly paused: boolean;
  readonly failures: number;
  readonly held: boolean;
}

/** Of which it has a hold only while its lease lasts. */
export interface Hold {
  readonly name: string;
  readonly holder: string;
}

const HELD = `seq, rewinds, (paused_at IS NOT NULL OR rewind_to IS NOT NULL) AS paused, failures, (SELECT seq FROM audit_head WHERE id = 1) AS head`;
const LEASE = `held_until = clock_timestamp() + interval '${LEASE_MS} milliseconds', seen_at = clock_timestamp()`;

export type DrainTable = ReturnType<typeof createDrainTable>;

export function createDrainTable({ database: { pool, transact } }: { database: Pick<Database, 'pool' | 'transact'> }) {
  async function held(text: string, values: readonly unknown[]): Promise<HeldDrain | null> {
    const { rows } = await pool.query<HeldRow>(text, [...values]);
    const [row] = rows;
    if (!row || row.held === false) return null;
    const { rewinds, paused, failures } = row;
    return { seq: Number(row.seq), head: Number(row.head), rewinds, paused, failures };
  }

  return {
    /** Says what the drain is from now on; a new one begins at its start. What changed is recorded. */
    async describe({ name, kind, target, format, start }: DescribedDrain): Promise<void> {
      await transact(async (transaction) => {
        const made = await transaction.$executeRaw`
          INSERT INTO audit_drain (name, kind, target, format, seq)
          SELECT ${name}::text, ${kind}::text, ${target}::text, ${format}::text,
                 CASE ${String(start)}::text WHEN 'now' THEN head.seq
                   WHEN 'beginning' THEN coalesce((SELECT seq FROM audit_event ORDER BY seq LIMIT 1), head.seq + 1) - 1
                   ELSE least(head.seq, ${typeof start === 'number' ? start - 1 : 0}::bigint) END
            FROM audit_head AS head WHERE id = 1
          ON CONFLICT (name) DO NOTHING`;
        const changed = await transaction.$executeRaw`
          UPDATE audit_drain SET kind = ${kind}, target = ${target}, format = ${format}
           WHERE name = ${name} AND (kind, target, format) IS DISTINCT FROM (${kind}::text, ${target}::text, ${format}::text)`;
        if (made + changed > 0) await recordOfDrain(transaction, 'sys_drain_set', { name, kind, target, format });
      });
    },

    /** Takes the drain, or keeps it; null while another worker has it. Takes up what an operator asked for. */
    async hold({ name, holder }: Hold): Promise<HeldDrain | null> {
      const kept = await held(
        `SELECT ${HELD}, coalesce(rewind_to IS NULL AND holder = $2
                  AND held_until > clock_timestamp() + interval '${RENEW_BELOW_MS} milliseconds', false) AS held
           FROM audit_drain WHERE name = $1`,
        [name, holder],
      );
      return (
        kept ??
        held(
          `UPDATE audit_drain SET holder = $2, ${LEASE}, seq = least(seq, coalesce(rewind_to, seq)),
                  rewinds = rewinds + (rewind_to IS NOT NULL)::int, rewind_to = NULL
            WHERE name = $1 AND (holder = $2 OR held_until IS NULL OR held_until < clock_timestamp())
            RETURNING ${HELD}`,
          [name, holder],
        )
      );
    },

    /** Whether it is still held, for another {@link LEASE_MS}. */
    async renew({ name, holder }: Hold): Promise<boolean> {
      const { rowCount } = await pool.query(`UPDATE audit_drain SET ${LEASE} WHERE name = $1 AND holder = $2`, [
        name,
        holder,
      ]);
      return rowCount === 1;
    },

    /** Another worker need not wait for the end of the lease. */
    async release({ name, holder }: Hold): Promise<void> {
      await pool.query('UPDATE audit_drain SET held_until = NULL WHERE name = $1 AND holder = $2', [name, holder]);
    },

    /** The receiver has everything up to `seq`. Null if another worker has the drain by now: the cursor stays. */
    moved({ name, holder }: Hold, seq: number): Promise<HeldDrain | null> {
      return held(
        `UPDATE audit_drain SET seq = $3, sent_at = clock_timestamp(), failures = 0, ${LEASE}
          WHERE name = $1 AND holder = $2 RETURNING ${HELD}`,
        [name, holder, seq],
      );
    },

    /** Goes on after events that were dropped before the receiver had them, which is recorded; null if none were. */
    skip({ name, holder }: Hold, after: number): Promise<{ readonly first: number; readonly last: number } | null> {
      return transact(async (transaction) => {
        const [row] = await transaction.$queryRaw<{ seq: bigint }[]>`
          UPDATE audit_drain SET seq = coalesce((SELECT seq FROM audit_event WHERE seq > ${after}::bigint ORDER BY seq LIMIT 1) - 1,
                                                (SELECT seq FROM audit_head WHERE id = 1))
           WHERE name = ${name} AND holder = ${holder}::uuid AND seq = ${after}::bigint RETURNING seq`;
        if (!row || Number(row.seq) <= after) return null;
        const gap = { first: after + 1, last: Number(row.seq) };
        await recordOfDrain(transaction, 'sys_drain_gap', { name, ...gap }, 'failure');
        return gap;
      });
    },

    /** Returns how often it has failed in a row. */
    async failed({ name, holder }: Hold, error: string): Promise<number> {
      const { rows } = await pool.query<{ failures: number }>(
        `UPDATE audit_drain SET failures = failures + 1, last_error = $3, failed_at = clock_timestamp()
          WHERE name = $1 AND holder = $2 RETURNING failures`,
        [name, holder, error.slice(0, LONGEST_ERROR)],
      );
      return rows[0]?.failures ?? 1;
    },
  };
}

type DrainEvent =
  | 'sys_drain_set'
  | 'sys_drain_gap'
  | 'sys_drain_paused'
  | 'sys_drain_resumed'
  | 'sys_drain_rewound'
  | 'sys_drain_forgotten';

const BY_ITSELF = { actor: null, origin: { ip: null, userAgent: null, requestId: null } } as const;

export async function recordOfDrain(
  transaction: Transaction,
  type: DrainEvent,
  { name, ...detail }: { readonly name: string } & NonNullable<NewAuditEvent['detail']>,
  outcome: NewAuditEvent['outcome'] = 'success',
  { actor, origin, session = null }: Pick<NewAuditEvent, 'actor' | 'origin' | 'session'> = BY_ITSELF,
): Promise<void> {
  await recordEvent(transaction, {
    type,
    outcome,
    actor,
    subject: null,
    session,
    origin,
    detail: { drain: name, ...detail },
  });
}

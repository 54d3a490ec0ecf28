// The end of all sessions. What counts is one row: no session that began before it is trusted, in
// any process within a second, however many there are. Rows and copies then end in batches, each
// with its events, as any other.
import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../../generated/prisma/client.ts';
import { NO_ORIGIN, type Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { type Database, nudgeAfterCommit, type Transaction } from '../platform/database.ts';
import type { SessionCache } from './session-cache.ts';
import type { AllSessionsEnded } from './session-record.ts';
import { endedWithAll } from './session-rows.ts';
import type { Sessions } from './sessions.ts';

const BATCH = 1_000;

/** Whether an order is not carried out yet. */
export const ALL_END = Prisma.sql`EXISTS (SELECT FROM everybody_ended WHERE done_at IS NULL)`;

export interface EndAllSessionsOptions {
  readonly database: Database;
  readonly sessions: Sessions;
  readonly cache: SessionCache;
}

interface EndAllRecord {
  readonly id: string;
  readonly at: Date;
  readonly actor: string | null;
  readonly kept: string | null;
  readonly reason: string;
}

export interface EndAllRequest {
  readonly actor: string | null;
  readonly origin: Origin;
  readonly reason: string;
  /** The session of whoever asks, which goes on. */
  readonly kept: string | null;
}

/** How far the end of all sessions has come. */
export interface EndAllProgress {
  readonly at: Date;
  readonly ended: number;
  readonly done: boolean;
}

export function createEndAllSessions({ database: { pool, transact }, sessions, cache }: EndAllSessionsOptions) {
  /**
   * Ends one batch after the place of the one before; null when there is none. Those at applications end with their parents,
   * and what is left of them after all people's: that of the session that goes on.
   */
  async function endBatch(
    { id, at, actor, kept, reason }: EndAllRecord,
    after: Place,
    whose: Whose,
  ): Promise<(Place & Count) | null> {
    return transact(async (transaction) => {
      const rows = await transaction.$queryRaw<{ id: string; deadline: string }[]>`
        SELECT id, absolute_deadline::text AS deadline FROM session
         WHERE ended_at IS NULL AND created_at <= ${at} AND id IS DISTINCT FROM ${kept}::uuid
           AND (application_id IS NOT NULL) = ${whose === 'applications'}
           AND (absolute_deadline, id) > (${after.deadline}::timestamptz, ${after.id}::uuid)
         ORDER BY absolute_deadline, id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`;
      const last = rows.at(-1);
      if (!last) return null;
      const why = { reason: 'revoked_by_operator', actor, origin: NO_ORIGIN, note: reason } as const;
      const about = { ...why, browsersStay: true };
      const ended = await sessions.endWithin(transaction, { sessionIds: rows.map((row) => row.id) }, about);
      await transaction.$executeRaw`UPDATE everybody_ended SET ended = ended + ${ended.length} WHERE id = ${id}::uuid`;
      return { ...last, count: ended.length };
    });
  }

  /**
   * Records that it is done once no session is left, not even one that another transaction held.
   */
  async function finish({ id, actor }: EndAllRecord): Promise<void> {
    await transact(async (transaction) => {
      const [row] = await transaction.$queryRaw<{ ended: bigint }[]>`
        UPDATE everybody_ended AS e SET done_at = clock_timestamp()
         WHERE id = ${id}::uuid AND done_at IS NULL
           AND NOT EXISTS (SELECT FROM session WHERE ended_at IS NULL AND created_at <= e.asked_at
                              AND id IS DISTINCT FROM e.kept_session_id)
        RETURNING ended`;
      if (!row) return;
      const about = { actor, subject: null, origin: NO_ORIGIN, detail: { sessions: Number(row.ended) } };
      await recordEvent(transaction, { type: 'sessions_all_ended', outcome: 'success', ...about });
    });
  }

  return {
    /**
     * From now on no session counts that began before, but the one that is kept: in this process at
     * once, in the others within a second. False if the one to be kept has ended by now; then
     * nothing was done.
     */
    async ask({ actor, origin, reason, kept }: EndAllRequest): Promise<boolean> {
      const ended = await transact(async (transaction): Promise<AllSessionsEnded | null> => {
        // What is being written about sessions comes first, and what begins later sees the row:
        // nothing slips between.
        await transaction.$executeRaw`LOCK TABLE session IN EXCLUSIVE MODE`;
        if (kept !== null && !(await isLive(transaction, kept))) return null;
        const [row] = await transaction.$queryRaw<{ at: Date }[]>`
          INSERT INTO everybody_ended (id, asked_at, actor_id, kept_session_id, reason)
          VALUES (${uuidv7()}::uuid, clock_timestamp(), ${actor}::uuid, ${kept}::uuid, ${reason}) RETURNING asked_at AS at`;
        const about = { actor, subject: null, session: kept, origin, detail: { reason } };
        await recordEvent(transaction, { type: 'sessions_all_end_asked', outcome: 'success', ...about });
        nudgeAfterCommit(transaction, 'end-everybody');
        return { at: row?.at.getTime() ?? 0, kept };
      });
      if (ended === null) return false;
      await cache.endAll(ended);
      return true;
    },

    /**
     * PostgreSQL has lost an order that Redis knows: it stands again, in the caller's transaction, for
     * this reason. False if PostgreSQL has it, or a later one.
     */
    async askAgainWithin(
      transaction: Transaction,
      lost: AllSessionsEnded,
      { reason, origin }: Again,
    ): Promise<boolean> {
      const at = new Date(lost.at + 1); // Redis has whole milliseconds
      const asked = await transaction.$executeRaw`
        INSERT INTO everybody_ended (id, asked_at, actor_id, kept_session_id, reason)
        SELECT ${uuidv7()}::uuid, ${at}::timestamptz, NULL, ${lost.kept}::uuid, ${reason}
         WHERE NOT EXISTS (SELECT FROM everybody_ended WHERE asked_at >= ${new Date(lost.at)}::timestamptz)`;
      if (asked === 0) return false;
      const about = { actor: null, subject: null, session: lost.kept, origin, detail: { reason, after: 'failover' } };
      await recordEvent(transaction, { type: 'sessions_all_end_asked', outcome: 'success', ...about });
      nudgeAfterCommit(transaction, 'end-everybody');
      return true;
    },

    /**
     * The worker's part: ends the rows and copies of what counts no more, and returns how many.
     * Several at once take different batches. After `withinMs` it leaves the rest to the next run,
     * so that other jobs get their turn.
     */
    async endRemaining({ withinMs = Number.POSITIVE_INFINITY, onProgress }: Pace = {}): Promise<number> {
      const until = performance.now() + withinMs;
      const { rows } = await pool.query<EndAllRecord>(UNDONE);
      let total = 0;
      for (const [asked, whose] of rows.flatMap((row) => BOTH.map((one) => [row, one] as const))) {
        let place: Place & Partial<Count> = { deadline: '-infinity', id: FIRST_ID };
        for (;;) {
          const next: (Place & Count) | null = await endBatch(asked, place, whose);
          if (next === null) break;
          place = next;
          total += next.count;
          onProgress?.(total);
          if (performance.now() > until) return total;
        }
        if (whose === 'applications') await finish(asked);
      }
      return total;
    },

    /** The newest order, or null. */
    async newest(): Promise<EndAllProgress | null> {
      const { rows } = await pool.query<EndAllProgress>(
        `SELECT asked_at AS at, ended::float8 AS ended, done_at IS NOT NULL AS done
           FROM everybody_ended ORDER BY asked_at DESC LIMIT 1`,
      );
      return rows[0] ?? null;
    },
  };
}

type Whose = 'people' | 'applications';
const BOTH: readonly Whose[] = ['people', 'applications'];

interface Again {
  readonly reason: string;
  readonly origin: Origin;
}

interface Pace {
  readonly withinMs?: number;
  readonly onProgress?: (ended: number) => void;
}

interface Place {
  readonly deadline: string;
  readonly id: string;
}

interface Count {
  readonly count: number;
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000';

const UNDONE = `
  SELECT id, asked_at AS at, actor_id AS actor, kept_session_id AS kept, reason
    FROM everybody_ended WHERE done_at IS NULL ORDER BY asked_at`;

async function isLive(transaction: Transaction, sessionId: string): Promise<boolean> {
  const rows = await transaction.$queryRaw<{ id: string }[]>`
    SELECT id FROM session AS s WHERE id = ${sessionId}::uuid AND ended_at IS NULL AND NOT ${endedWithAll}`;
  return rows.length > 0;
}

// What PostgreSQL knows of endings that a Redis may have missed.
import type pg from 'pg';
import type { DatabaseClock } from '../platform/postgres/database-clock.ts';
import type { ToldEpoch } from '../platform/postgres/epoch.ts';
import type { AllSessionsEnded, Ending, EndReason } from './session-record.ts';

export interface Newest extends ToldEpoch {
  readonly ending: number;
  readonly allEnded: AllSessionsEnded | null;
  readonly registryVersion: number;
}

/** Endings that wait too long to be sealed; the next look goes on from `until`. */
interface Overdue {
  readonly endings: readonly Ending[];
  readonly until: Date;
}

interface NewestRecord {
  timeline: string | null;
  lineage: string | null;
  ending_seq: string;
  asked_at: Date | null;
  kept_session_id: string | null;
  registry_version: string | null;
  now: number;
}

interface EndedRecord {
  token_hash: Buffer;
  end_reason: EndReason;
}

/** Null in the only row where none is overdue. */
type LookRecord = NewestRecord & (EndedRecord | { token_hash: null }) & { ended_at: Date };

const NEWEST = `
  SELECT ending_seq, asked_at, kept_session_id, extract(epoch FROM clock_timestamp())::float8 * 1000 AS now,
         (SELECT version FROM application_version WHERE id = 1) AS registry_version,
         database_timeline() AS timeline, database_lineage() AS lineage FROM audit_head
    LEFT JOIN (SELECT asked_at, kept_session_id FROM everybody_ended ORDER BY asked_at DESC LIMIT 1) AS last ON true
   WHERE audit_head.id = 1`;

const LOOK = `
  SELECT newest.*, token_hash, end_reason, ended_at FROM (${NEWEST}) AS newest
    LEFT JOIN (SELECT token_hash, end_reason, ended_at FROM session
                WHERE ended_at IS NOT NULL AND ending_seq IS NULL
                  AND ended_at NOT BETWEEN statement_timestamp() - interval '1500 milliseconds' AND statement_timestamp()
                  AND ended_at > $1::timestamptz - interval '5 seconds'
                ORDER BY ended_at LIMIT 10000) AS overdue ON true
   ORDER BY ended_at`;

export function createKnownEndings(pool: pg.Pool, clock: DatabaseClock) {
  function newestOf(row: NewestRecord | undefined, askedAt: number): Newest {
    if (row) clock.learn(row.now, askedAt);
    const allEnded = row?.asked_at ? { at: row.asked_at.getTime(), kept: row.kept_session_id } : null;
    const { timeline = null, lineage = null } = row ?? {};
    const registryVersion = Number(row?.registry_version ?? 0);
    return { ending: Number(row?.ending_seq ?? 0), allEnded, registryVersion, timeline, lineage };
  }

  return {
    /**
     * The seq of the newest sealed ending, when all sessions were last ended, or null, and how often
     * groups and applications have changed; and in which epoch. Read together, so that nobody trusts a
     * Redis and knows only one of them. PostgreSQL's time is learnt of it.
     */
    async newest(): Promise<Newest> {
      const askedAt = performance.now();
      const { rows } = await pool.query<NewestRecord>({ name: 'session-newest', text: NEWEST });
      return newestOf(rows[0], askedAt);
    },

    /**
     * The same, as every process asks once a second, and endings that the worker has left unsealed for more than a second
     * and a half: an ending made elsewhere may not have reached this Redis. Only those after `since`, less five seconds for
     * transactions that took their time. One in the future, where PostgreSQL's clock went back, is told again until it is
     * sealed.
     */
    async lookForEndings(since: Date): Promise<{ newest: Newest; overdue: Overdue }> {
      const askedAt = performance.now();
      const values = [earlier(since, clock.now())];
      const { rows } = await pool.query<LookRecord>({ name: 'session-look', text: LOOK, values });
      const newest = newestOf(rows[0], askedAt);
      const ended = rows.filter((row) => row.token_hash !== null);
      const until = earlier(ended.at(-1)?.ended_at ?? since, clock.now());
      return { newest, overdue: { endings: ended.map(toEnding), until } };
    },

    /**
     * Endings that a Redis at this high-water mark may have missed: sealed after it, or not sealed
     * yet; with `lately` those of the last minute too. Null: an empty Redis.
     */
    async endingsAfter(mark: number | null, { lately = false } = {}): Promise<Ending[]> {
      const after = mark === null ? '' : 'OR ending_seq > $1';
      const late = lately || mark === null ? `OR ended_at > statement_timestamp() - interval '1 minute'` : '';
      const { rows } = await pool.query<EndedRecord>(
        `SELECT token_hash, end_reason FROM session
          WHERE absolute_deadline > statement_timestamp() AND ended_at IS NOT NULL AND (ending_seq IS NULL ${after} ${late})`,
        mark === null ? [] : [mark],
      );
      return rows.map(toEnding);
    },
  };
}

function earlier(one: Date, other: Date): Date {
  return one < other ? one : other;
}

function toEnding({ token_hash, end_reason }: EndedRecord): Ending {
  return { tokenHash: token_hash, reason: end_reason };
}

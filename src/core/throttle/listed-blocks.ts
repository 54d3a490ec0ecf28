// Blocks as they are listed.
import type pg from 'pg';

export interface ListedBlock {
  readonly id: string;
  readonly scope: string;
  readonly userId: string | null;
  readonly ip: string | null;
  readonly startedAt: Date;
  readonly untilAt: Date;
  readonly failures: number;
  readonly refused: number;
  readonly endedAt: Date | null;
  readonly endReason: string | null;
  readonly liftedBy: string | null;
  readonly liftReason: string | null;
  readonly active: boolean;
}

/** Of one account or of all: active ones first, then past ones, each newest first. */
export async function listBlocks(pool: pg.Pool, limit: number, userId: string | null = null): Promise<ListedBlock[]> {
  const { rows } = await pool.query<Omit<ListedBlock, 'refused'> & { refused: string }>(LIST, [limit, userId]);
  return rows.map((row) => ({ ...row, refused: Number(row.refused) }));
}

const LIST = `
  WITH mine AS NOT MATERIALIZED (
    SELECT id, scope, user_id AS "userId", host(ip) AS ip, started_at AS "startedAt", until_at AS "untilAt",
           failures, refused, ended_at AS "endedAt", end_reason AS "endReason", lifted_by AS "liftedBy",
           lift_reason AS "liftReason", ended_at IS NULL AND until_at > statement_timestamp() AS active
      FROM throttle_block WHERE $2::uuid IS NULL OR user_id = $2)
  (SELECT * FROM mine WHERE active ORDER BY "startedAt" DESC, id LIMIT $1)
  UNION ALL
  (SELECT * FROM mine WHERE NOT active ORDER BY "startedAt" DESC, id LIMIT $1)
  ORDER BY active DESC, "startedAt" DESC, id LIMIT $1`;

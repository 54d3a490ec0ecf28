// In which history a PostgreSQL writes: its epoch is its timeline, which each promotion raises, and
// the lineage of the database. Pure but for the reading.
import type pg from 'pg';

/** `<timeline, hexadecimal>.<lineage>` */
export type Epoch = string;

/** What PostgreSQL says of itself; null where it does not tell. */
export interface ToldEpoch {
  readonly timeline: string | null;
  readonly lineage: string | null;
}

export function epochOf({ timeline, lineage }: ToldEpoch): Epoch | null {
  return timeline === null || lineage === null ? null : `${Number.parseInt(timeline, 16).toString(16)}.${lineage}`;
}

/** Those of different lineages can't be compared: none is older. */
export function isOlder(one: Epoch, other: Epoch): boolean {
  const [[timeline, lineage], [later, same]] = [one.split('.'), other.split('.')];
  return lineage === same && Number.parseInt(timeline ?? '', 16) < Number.parseInt(later ?? '', 16);
}

/** Null where PostgreSQL does not tell, as a standby or one without this version's schema. Throws where it is away. */
export async function readEpoch(pool: Pick<pg.Pool, 'query'>): Promise<Epoch | null> {
  const { rows } = await pool.query<{ there: boolean }>(
    `SELECT to_regprocedure('database_lineage()') IS NOT NULL AND NOT pg_is_in_recovery() AS there`,
  );
  if (!rows[0]?.there) return null;
  const told = await pool.query<ToldEpoch>('SELECT database_timeline() AS timeline, database_lineage() AS lineage');
  return told.rows[0] ? epochOf(told.rows[0]) : null;
}

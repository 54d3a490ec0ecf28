// What is left of imports: passwords that nobody has logged in with yet.
import type pg from 'pg';

export interface LeftOfScheme {
  /** How the passwords were made. */
  readonly scheme: string;
  readonly people: number;
  readonly blocked: number;
  readonly importedAt: Date;
}

const COUNTED = `
  SELECT scheme, count(*)::int AS people, count(disabled_at)::int AS blocked, min(imported_at) AS "importedAt"
    FROM imported_password JOIN user_account ON id = user_id
   GROUP BY scheme ORDER BY people DESC, scheme`;

/** By scheme, the most frequent first. */
export async function countImported(pool: pg.Pool): Promise<readonly LeftOfScheme[]> {
  const { rows } = await pool.query<LeftOfScheme>(COUNTED);
  return rows;
}

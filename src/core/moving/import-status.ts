// What is left of imports: people who have not logged in since.
import type pg from 'pg';
import { NO_PASSWORD_PATTERN } from '../credentials/no-password.ts';

export interface LeftOfScheme {
  /** How the passwords were made; `none` for people who have none. */
  readonly scheme: string;
  readonly people: number;
  readonly blocked: number;
  readonly importedAt: Date;
}

/** An Argon2 hash went into the account as it was, at the moment that counts as its change. */
const COUNTED = `
  SELECT coalesce(scheme, CASE WHEN password_hash LIKE $1 THEN 'none' ELSE split_part(password_hash, '$', 2) END) AS scheme,
         count(*)::int AS people, count(disabled_at)::int AS blocked,
         min(coalesce(imported_at, password_changed_at)) AS "importedAt"
    FROM user_account LEFT JOIN imported_password ON user_id = id
   WHERE deleted_at IS NULL AND (scheme IS NOT NULL OR external_id IS NOT NULL AND first_login_at IS NULL)
   GROUP BY 1 ORDER BY people DESC, scheme`;

/** By scheme, the most frequent first. */
export async function countImported(pool: pg.Pool): Promise<readonly LeftOfScheme[]> {
  const { rows } = await pool.query<LeftOfScheme>(COUNTED, [NO_PASSWORD_PATTERN]);
  return rows;
}

// Whether the log tells of people already: made-up events can't be taken out of it again.
import type pg from 'pg';

/** An account that a command made, and nobody has used, is none. */
export async function isInUse(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query<{ used: boolean }>(
    `SELECT EXISTS (SELECT FROM audit_summary WHERE type NOT LIKE 'sys\\_%' AND type <> 'user_created') AS used`,
  );
  return rows[0]?.used === true;
}

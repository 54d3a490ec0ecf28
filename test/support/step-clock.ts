// PostgreSQL's clock steps: for whoever asks, that is the same as every stored moment moving the other way. The sealed log
// alone stays; its head moves.
type Sql = <Row>(text: string, values?: unknown[]) => Promise<Row[]>;

/** By an interval of PostgreSQL's: `-1 hour` is an hour back. */
export async function stepDatabaseClock(sql: Sql, by: string): Promise<void> {
  const tables = await sql<{ place: string; sets: string }>(
    `SELECT format('%I', table_name) AS place,
            string_agg(format('%1$I = %1$I - interval %2$L', column_name, $1::text), ', ') AS sets
       FROM information_schema.columns
      WHERE table_schema = 'public' AND data_type = 'timestamp with time zone'
        AND table_name NOT LIKE 'audit_event%' AND table_name NOT IN ('_prisma_migrations', 'audit_checkpoint', 'audit_summary')
      GROUP BY table_name`,
    [by],
  );
  for (const { place, sets } of tables) await sql(`UPDATE ${place} SET ${sets}`);
}

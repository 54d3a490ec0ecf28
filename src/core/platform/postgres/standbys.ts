// Whether what was answered survives the loss of the primary: a cheap look for operators.
import type { Database } from '../database.ts';
import type { Log } from '../log.ts';

interface Replication {
  /** How many stream from this server. */
  readonly standbys: number;
  /** `synchronous_standby_names`. */
  readonly synchronous: string;
  /** `synchronous_commit`. */
  readonly commit: string;
}

/** An ordinary role sees how many there are, not which. */
export async function readReplication({ pool }: Pick<Database, 'pool'>): Promise<Replication> {
  const { rows } = await pool.query<Replication>(
    `SELECT (SELECT count(*)::int FROM pg_stat_replication) AS standbys,
            current_setting('synchronous_standby_names') AS synchronous,
            current_setting('synchronous_commit') AS "commit"`,
  );
  return rows[0] as Replication;
}

/** Warns where a failover could lose what was answered. Never throws. */
export async function tellReplication({
  database,
  log,
}: {
  database: Pick<Database, 'pool'>;
  log: Log;
}): Promise<void> {
  const replication = await readReplication(database).catch(() => null);
  if (replication === null) return;
  const { standbys, synchronous, commit } = replication;
  if (commit === 'off' || (commit === 'local' && standbys > 0)) {
    log.warn(
      replication,
      'PostgreSQL answers before a commit is safe: a crash or a failover may lose it (synchronous_commit)',
    );
  } else if (standbys > 0 && synchronous.trim() === '') {
    log.warn(
      replication,
      'no standby of PostgreSQL is synchronous: a failover may lose the last second (synchronous_standby_names)',
    );
  }
}

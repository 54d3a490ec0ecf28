// The checkpoints in the database.
import type pg from 'pg';
import type { Checkpoint } from './signed-checkpoint.ts';

interface CheckpointRecord {
  readonly seq: string;
  readonly made_at: Date;
  readonly reason: string;
  readonly hash: Buffer;
  readonly sealed_at: Date;
  readonly key_id: string;
  readonly signature: Buffer;
}

/** In the order of the log: all, or those against which the log is checked from event `from` on. */
export async function storedCheckpoints(pool: pg.Pool, from = 0): Promise<Checkpoint[]> {
  const { rows } = await pool.query<CheckpointRecord>(
    `SELECT * FROM audit_checkpoint WHERE seq >= $1 OR reason = 'retention' ORDER BY seq, made_at`,
    [from - 1],
  );
  return rows.map(checkpointOf);
}

/** The newest, or the newest that one of these keys is said to have signed. */
export async function newestCheckpoint(pool: pg.Pool, keyIds?: readonly string[]): Promise<Checkpoint | null> {
  const { rows } = await pool.query<CheckpointRecord>(
    `SELECT * FROM audit_checkpoint WHERE $1::text[] IS NULL OR key_id = ANY ($1)
      ORDER BY seq DESC, made_at DESC LIMIT 1`,
    [keyIds ?? null],
  );
  return rows[0] ? checkpointOf(rows[0]) : null;
}

function checkpointOf(record: CheckpointRecord): Checkpoint {
  return {
    v: 1,
    seq: Number(record.seq),
    hash: record.hash.toString('base64url'),
    sealedAt: record.sealed_at.toISOString(),
    madeAt: record.made_at.toISOString(),
    reason: record.reason,
    keyId: record.key_id,
    signature: record.signature.toString('base64url'),
  };
}

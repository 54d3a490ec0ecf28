// The checkpoints in the database.
import type pg from 'pg';
import type { Transaction } from '../../platform/database.ts';
import type { CheckpointLink } from './checkpoint-link.ts';
import type { Checkpoint } from './signed-checkpoint.ts';

interface CheckpointRecord {
  readonly seq: string;
  readonly made_at: Date;
  readonly reason: string;
  readonly hash: Buffer;
  readonly sealed_at: Date;
  readonly key_id: string;
  readonly signature: Buffer;
  readonly link: CheckpointLink | null;
  readonly tree: string | null;
}

/** In the order of the log: all, or those against which the log is checked from event `from` on. */
export async function storedCheckpoints(pool: pg.Pool, from = 0): Promise<Checkpoint[]> {
  const { rows } = await pool.query<CheckpointRecord>(
    `SELECT * FROM audit_checkpoint WHERE seq >= $1 OR reason IN ('retention', 'accepted') ORDER BY seq, made_at`,
    [from - 1],
  );
  return rows.map(checkpointOf);
}

/** Those by which an operator has accepted that part of the log was lost. */
export async function acceptances(pool: pg.Pool): Promise<Checkpoint[]> {
  const { rows } = await pool.query<CheckpointRecord>(
    `SELECT * FROM audit_checkpoint WHERE reason = 'accepted' ORDER BY made_at`,
  );
  return rows.map(checkpointOf);
}

interface NewestOptions {
  readonly keyIds?: readonly string[];
  readonly accepted?: readonly Checkpoint[];
  /** Only one that names a root of the tree. */
  readonly withTree?: boolean;
}

/**
 * The newest, or the newest that one of these keys is said to have signed and that counts still
 * ({@link acceptances}).
 */
export async function newestCheckpoint(
  pool: pg.Pool,
  { keyIds, accepted = [], withTree = false }: NewestOptions = {},
): Promise<Checkpoint | null> {
  const { rows } = await pool.query<CheckpointRecord>(
    `SELECT * FROM audit_checkpoint
      WHERE ($1::text[] IS NULL OR key_id = ANY ($1)) AND (tree IS NOT NULL OR NOT $4::boolean)
        AND (reason = 'retention' OR NOT EXISTS (
              SELECT FROM unnest($2::timestamptz[], $3::bigint[]) AS a(made, since) WHERE made_at < made AND seq >= since))
      ORDER BY seq DESC, made_at DESC LIMIT 1`,
    [
      keyIds ?? null,
      accepted.map(({ madeAt }) => madeAt),
      accepted.map(({ link }) => link?.accepts?.from ?? Number.MAX_SAFE_INTEGER),
      withTree,
    ],
  );
  return rows[0] ? checkpointOf(rows[0]) : null;
}

/** When an event was sealed; null if it is gone. */
export async function sealedAtOf(pool: pg.Pool, seq: number): Promise<Date | null> {
  const { rows } = await pool.query<{ sealed_at: Date }>(
    'SELECT sealed_at FROM audit_event WHERE seq = $1 ORDER BY seq DESC LIMIT 1',
    [seq],
  );
  return rows[0]?.sealed_at ?? null;
}

export async function insertCheckpoint(transaction: Transaction, checkpoint: Checkpoint): Promise<void> {
  const { seq, hash, sealedAt, madeAt, reason, keyId, signature, link, tree } = checkpoint;
  await transaction.auditCheckpoint.create({
    data: {
      seq,
      sealedAt,
      madeAt,
      reason,
      keyId,
      hash: Buffer.from(hash, 'base64url'),
      signature: Buffer.from(signature, 'base64url'),
      ...(link ? { link } : {}),
      ...(tree ? { tree } : {}),
    },
    select: { seq: true },
  });
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
    ...(record.link ? { link: record.link } : {}),
    ...(record.tree ? { tree: record.tree } : {}),
  };
}

// What of the log is gone, by the checkpoints: where the log ends now, and which of them it
// contradicts.
import type pg from 'pg';
import { firstKept, readHead } from '../event-rows.ts';
import type { CheckpointLink } from './checkpoint-link.ts';
import { sealedAtOf, storedCheckpoints } from './checkpoint-records.ts';
import type { ChainPoint, Checkpoint } from './signed-checkpoint.ts';

export type Accepted = NonNullable<CheckpointLink['accepts']>;

export interface Loss {
  readonly point: ChainPoint;
  readonly accepts: Accepted;
}

/**
 * Compares the log with the checkpoints in the database and these. Where none contradicts it, only
 * what a worker remembers does: then nothing that is numbered yet stops counting. Throws if the log
 * is empty.
 */
export async function findLoss(pool: pg.Pool, elsewhere: readonly Checkpoint[]): Promise<Loss> {
  const head = await readHead(pool);
  const sealedAt = await sealedAtOf(pool, head.seq);
  if (sealedAt === null) throw new Error('The log has no events: there is nothing to sign.');
  const end = { seq: head.seq, hash: head.hash.toString('base64url') };
  const checkpoints = [...(await storedCheckpoints(pool)), ...elsewhere].filter(({ reason }) => reason !== 'retention');
  const { rows } = await pool.query<{ seq: string; hash: Buffer }>(
    'SELECT seq, hash FROM audit_event WHERE seq = ANY ($1::bigint[])',
    [checkpoints.map(({ seq }) => seq)],
  );
  const there = new Set(rows.map(({ seq, hash }) => `${seq} ${hash.toString('base64url')}`));
  const first = await firstKept(pool);
  const contradicted = checkpoints
    .filter(({ seq, hash }) => seq >= first && !there.has(`${seq} ${hash}`))
    .sort((a, b) => a.seq - b.seq);
  const [lowest, newest] = [contradicted.at(0), contradicted.at(-1)];
  return {
    point: { ...end, sealedAt: sealedAt.toISOString() },
    accepts: {
      from: lowest?.seq ?? end.seq + 1,
      newest: newest ? { seq: newest.seq, hash: newest.hash } : end,
    },
  };
}

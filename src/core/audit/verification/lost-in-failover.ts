// Checkpoints of an older epoch of PostgreSQL that contradict the log: what they name was lost when a
// standby that lacked it took over. Nobody forged them, and nobody who could not promote a PostgreSQL
// can make a loss of a rewritten log; still it is not the log that was signed.
import type pg from 'pg';
import { isOlder, readEpoch } from '../../platform/postgres/epoch.ts';
import type { Problem } from './chain-check.ts';
import type { HeldCheckpoint } from './held-checkpoints.ts';

/** The signatures of checkpoints. */
export type Contradicted = ReadonlySet<string>;

/** Those that known keys have signed; null if there are none. */
export async function lostInFailover(
  pool: pg.Pool,
  held: readonly HeldCheckpoint[],
): Promise<{ contradicted: Contradicted; newest: HeldCheckpoint } | null> {
  const present = await readEpoch(pool);
  if (present === null) return null;
  const older = held.filter(({ proved, link }) => proved && link?.epoch && isOlder(link.epoch.name, present));
  const { rows } = await pool.query<{ seq: string; hash: Buffer }>(
    'SELECT seq, hash FROM audit_event WHERE seq = ANY ($1::bigint[])',
    [older.map(({ seq }) => seq)],
  );
  const there = new Set(rows.map(({ seq, hash }) => `${seq} ${hash.toString('base64url')}`));
  const wrong = older.filter(({ seq, hash }) => !there.has(`${seq} ${hash}`)).sort((a, b) => a.seq - b.seq);
  const newest = wrong.at(-1);
  return newest ? { contradicted: new Set(wrong.map(({ signature }) => signature)), newest } : null;
}

/** `confirmed`: the newest event that the log and a checkpoint of a known key still have in common. */
export function lossAfter(confirmed: number, { seq, madeAt }: HeldCheckpoint): Problem {
  const [from, most] = [confirmed + 1, seq - confirmed];
  const problem =
    `up to ${most} events (${from} to ${seq}) were lost when PostgreSQL failed over: ` +
    `the checkpoint of ${madeAt} names event ${seq}, and the log that follows event ${confirmed} is of a newer epoch`;
  return { seq: from, problem, lost: { from, to: seq } };
}

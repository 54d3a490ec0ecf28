// Which checkpoints the log is held against: those that nobody forged and that still count. Pure.
import type { KeyObject } from 'node:crypto';
import { type Checkpoint, isSigned } from './signed-checkpoint.ts';

/** One that no known key signed proves nothing, but a log that contradicts it is wrong. */
export interface HeldCheckpoint extends Checkpoint {
  readonly proved: boolean;
}

interface Held {
  readonly held: HeldCheckpoint[];
  /** The first whose signature is wrong. */
  readonly forged: { seq: number; problem: string } | null;
  /** How many don't count, because an operator has accepted what contradicts them. */
  readonly accepted: number;
}

/**
 * The checkpoints to compare the log with, and in the place of one that is gone what the next one
 * says of it.
 */
export function holdCheckpoints(checkpoints: readonly Checkpoint[], keys: ReadonlyMap<string, KeyObject>): Held {
  const held: HeldCheckpoint[] = [];
  for (const checkpoint of checkpoints) {
    const signed = isSigned(checkpoint, keys);
    if (signed === false) {
      const { seq, madeAt, keyId } = checkpoint;
      const problem = `the checkpoint of ${madeAt} for event ${seq} was altered or forged: key ${keyId} did not sign it`;
      return { held, forged: { seq, problem }, accepted: 0 };
    }
    held.push({ ...checkpoint, proved: signed === true });
  }
  const accepting = held.filter(({ proved }) => proved);
  const counting = held.filter((checkpoint) => !isVoid(checkpoint, accepting));
  const there = new Set(held.map(({ seq, hash }) => `${seq} ${hash}`));
  const gone = counting.flatMap((checkpoint) => {
    const before = checkpoint.link?.before;
    if (!before || there.has(`${before.seq} ${before.hash}`)) return [];
    const { link, tree, ...rest } = checkpoint;
    return [{ ...rest, ...before, reason: 'before' }];
  });
  return { held: [...counting, ...gone], forged: null, accepted: held.length - counting.length };
}

/** Whether one of these, which are signed, says that it counts no longer. */
export function isVoid({ seq, madeAt, reason }: Checkpoint, accepted: readonly Checkpoint[]): boolean {
  if (reason === 'retention') return false;
  return accepted.some(
    ({ link, madeAt: acceptedAt }) => link?.accepts && seq >= link.accepts.from && madeAt < acceptedAt,
  );
}

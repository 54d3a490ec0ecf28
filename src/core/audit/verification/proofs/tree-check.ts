// Holds the tree against the chain: grows it again from the hashes of the events and compares it with the tiles
// that are kept and with the roots that were signed.
import type pg from 'pg';
import { type GrowingTree, openTree, type Tile } from '../../tree/growing-tree.ts';
import { HASH_BYTES, type TreeHead } from '../../tree/merkle.ts';
import { MissingTile, TILE_WIDTH } from '../../tree/tiles.ts';
import { readTiles, readTree, type TreeRecord, tileReader } from '../../tree/tree-records.ts';
import type { ChainEnd, Problem } from '../chain-check.ts';
import type { HeldCheckpoint } from '../held-checkpoints.ts';
import { treeHeadOf } from '../signed-checkpoint.ts';

export type TreeCheck = ReturnType<typeof createTreeCheck>;

/**
 * From the event after `after` on. Null where the log has no tree, or none that reaches so far. What the tree says
 * of the events before is believed, unless a checkpoint of `after` has signed another root.
 */
export async function openTreeCheck(
  pool: pg.Pool,
  after: ChainEnd,
  held: readonly HeldCheckpoint[],
): Promise<{ readonly tree: TreeCheck | null } | { readonly misfit: Problem }> {
  const tree = await readTree(pool);
  const before = tree ? after.seq + 1 - tree.first : -1;
  if (!tree || before < 0 || before > tree.size) return { tree: null };
  const growing = await openTree(tileReader(pool), before).catch(unreadable);
  if (growing === null)
    return { misfit: { seq: tree.first, problem: `the tree has lost tiles before event ${after.seq + 1}` } };
  const check = createTreeCheck(pool, { tree, growing, held });
  const misfit = check.signedProblem(after.seq);
  return misfit ? { misfit } : { tree: check };
}

interface Checked {
  readonly tree: TreeRecord;
  readonly growing: GrowingTree;
  readonly held: readonly HeldCheckpoint[];
}

function createTreeCheck(pool: pg.Pool, { tree: { first, size, origin }, growing, held }: Checked) {
  const signed = held.filter(({ proved, tree }) => proved && tree !== undefined);
  const signedAt = new Set(signed.map(({ seq }) => seq));

  function signedProblem(seq: number): Problem | null {
    if (!signedAt.has(seq)) return null;
    for (const checkpoint of signed.filter((one) => one.seq === seq)) {
      const named = treeHeadOf(checkpoint);
      const { size: leaves, root } = growing.head();
      if (!named || (named.size === leaves && named.root.equals(root))) continue;
      const problem = `the tree up to event ${seq} is not the one that the checkpoint of ${checkpoint.madeAt} names`;
      return { seq, problem };
    }
    return null;
  }

  return {
    signedProblem,

    /** Takes an event's hash in the chain. */
    take(seq: number, hash: Buffer): Problem | null {
      growing.append(hash);
      return signedProblem(seq);
    },

    /** Compares the tiles that have changed since with those that are kept. */
    async compare(): Promise<Problem | null> {
      const made = growing.changed();
      const kept = new Map((await readTiles(pool, made)).map((tile) => [placeOf(tile), tile.hashes]));
      for (const tile of made.sort((a, b) => a.level - b.level || a.index - b.index)) {
        const at = differenceAt(tile, kept.get(placeOf(tile)), size);
        if (at !== null)
          return { seq: first + at, problem: `the tree is not that of the events at event ${first + at}` };
      }
      return null;
    },

    /** Leaves for which there is no event, once all were taken. */
    beyond(): Problem | null {
      const leaves = growing.head().size;
      const seq = first + leaves;
      return size > leaves ? { seq, problem: `the tree has event ${seq}, which is missing` } : null;
    },

    head: (): TreeHead & { readonly origin: string } => ({ ...growing.head(), origin }),
  };
}

function unreadable(error: unknown): null {
  if (error instanceof MissingTile) return null;
  throw error;
}

function placeOf({ level, index }: Omit<Tile, 'hashes'>): string {
  return `${level}/${index}`;
}

/** The first leaf for which a tile is another than the one that is kept; null where they agree as far as both go. */
function differenceAt({ level, index, hashes }: Tile, kept: Buffer | undefined, size: number): number | null {
  const leavesAHash = TILE_WIDTH ** level;
  const first = index * TILE_WIDTH * leavesAHash;
  const wanted = Math.max(0, Math.min(hashes.length, HASH_BYTES * Math.floor((size - first) / leavesAHash)));
  if (kept && kept.length >= wanted && hashes.subarray(0, wanted).equals(kept.subarray(0, wanted))) return null;
  if (wanted === 0) return null;
  for (let at = 0; at < wanted; at += HASH_BYTES)
    if (!kept || !hashes.subarray(at, at + HASH_BYTES).equals(kept.subarray(at, at + HASH_BYTES)))
      return first + (at / HASH_BYTES) * leavesAHash;
  return null;
}

// Proofs and roots of a tree that is kept in tiles of 256 hashes, as tlog-tiles lays them out: tile `index` of
// level 0 has the hashes of 256 leaves, one of level n + 1 the roots of 256 complete tiles of level n. Pure.
import { completeHash, EMPTY_ROOT, HASH_BYTES, nodeHash } from './merkle.ts';

export const TILE_WIDTH = 256;
export const TILE_BYTES = TILE_WIDTH * HASH_BYTES;
const TILE_HEIGHT = 8;

/** The hashes of a tile; the last one of a level may have fewer than 256. Throws where it is not there. */
export type ReadTile = (level: number, index: number) => Promise<Buffer>;

/** Tiles are not there, or shorter than they were. */
export class MissingTile extends Error {}

/** Asks for each tile once. */
export function remembered(read: ReadTile): ReadTile {
  const known = new Map<string, Promise<Buffer>>();
  return (level, index) => {
    const name = `${level}/${index}`;
    const tile = known.get(name) ?? read(level, index);
    known.set(name, tile);
    return tile;
  };
}

/** The hash of the complete subtree of 2^height leaves whose first is leaf `index` · 2^height. */
async function subtree(read: ReadTile, height: number, index: number): Promise<Buffer> {
  const level = Math.floor(height / TILE_HEIGHT);
  const width = 2 ** (height % TILE_HEIGHT);
  const first = index * width;
  const from = (first % TILE_WIDTH) * HASH_BYTES;
  const tile = await read(level, Math.floor(first / TILE_WIDTH));
  const hashes = tile.subarray(from, from + width * HASH_BYTES);
  if (hashes.length !== width * HASH_BYTES)
    throw new MissingTile(`the tree has no ${width} hashes at ${first} of level ${level}`);
  return completeHash(hashes);
}

/** The root over the leaves from `from` up to and without `to`; `from` begins a subtree as large as is needed. */
async function rangeRoot(read: ReadTile, from: number, to: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let at = from; at < to; ) {
    const height = Math.floor(Math.log2(to - at));
    parts.push(await subtree(read, height, at / 2 ** height));
    at += 2 ** height;
  }
  return parts.length === 0 ? EMPTY_ROOT : parts.reduceRight((right, left) => nodeHash(left, right));
}

export function rootAt(read: ReadTile, size: number): Promise<Buffer> {
  return rangeRoot(read, 0, size);
}

/** That leaf `index` is in the tree of `size` leaves (RFC 9162, 2.1.3.1): the leaf's sibling first. */
export async function inclusionProof(read: ReadTile, index: number, size: number): Promise<Buffer[]> {
  if (!(index >= 0 && index < size)) throw new RangeError(`a tree of ${size} leaves has no leaf ${index}`);
  const proof: Buffer[] = [];
  for (let [from, to] = [0, size]; to - from > 1; ) {
    const middle = from + split(to - from);
    if (index < middle) {
      proof.unshift(await rangeRoot(read, middle, to));
      to = middle;
    } else {
      proof.unshift(await rangeRoot(read, from, middle));
      from = middle;
    }
  }
  return proof;
}

/** That the tree of `size` leaves begins with that of `older` (RFC 9162, 2.1.4.1). */
export async function consistencyProof(read: ReadTile, older: number, size: number): Promise<Buffer[]> {
  if (!(older >= 0 && older <= size))
    throw new RangeError(`a tree of ${size} leaves does not begin with one of ${older}`);
  if (older === 0 || older === size) return [];
  const proof: Buffer[] = [];
  let [from, to, isWhole] = [0, size, true];
  while (older !== to) {
    const middle = from + split(to - from);
    if (older <= middle) {
      proof.unshift(await rangeRoot(read, middle, to));
      to = middle;
    } else {
      proof.unshift(await rangeRoot(read, from, middle));
      from = middle;
      isWhole = false;
    }
  }
  if (!isWhole) proof.unshift(await rangeRoot(read, from, to));
  return proof;
}

/** The largest power of two below it. */
function split(count: number): number {
  const power = 2 ** Math.floor(Math.log2(count));
  return power === count ? power / 2 : power;
}

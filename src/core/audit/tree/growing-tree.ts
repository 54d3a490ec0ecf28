// A tree that only grows at its end. It keeps the last tile of each level, and gives out those that have changed.
import { completeHash, EMPTY_ROOT, HASH_BYTES, leafHash, nodeHash, type TreeHead } from './merkle.ts';
import { MissingTile, type ReadTile, TILE_BYTES, TILE_WIDTH } from './tiles.ts';

export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly hashes: Buffer;
}

export type GrowingTree = ReturnType<typeof growFrom>;

/** The tree of `size` leaves, whose tiles can be read. */
export async function openTree(read: ReadTile, size: number) {
  const edge: Buffer[] = [];
  for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / TILE_WIDTH)) {
    const bytes = (count % TILE_WIDTH) * HASH_BYTES;
    const hashes =
      bytes === 0 ? Buffer.alloc(0) : (await read(level, Math.floor(count / TILE_WIDTH))).subarray(0, bytes);
    if (hashes.length !== bytes) throw new MissingTile(`the tree has fewer than ${size} leaves`);
    edge.push(hashes);
  }
  return growFrom(edge, size);
}

/** `edge`: by level, the hashes of the tile that is not complete. */
export function growFrom(edge: readonly Buffer[], size: number) {
  const open = edge.map((hashes, level) => {
    const buffer = Buffer.allocUnsafe(TILE_BYTES);
    hashes.copy(buffer);
    return { buffer, used: hashes.length, index: Math.floor(size / TILE_WIDTH ** (level + 1)), changed: false };
  });
  let complete: Tile[] = [];
  let leaves = size;

  function add(level: number, hash: Buffer): void {
    const tile = open[level] ?? { buffer: Buffer.allocUnsafe(TILE_BYTES), used: 0, index: 0, changed: false };
    open[level] = tile;
    hash.copy(tile.buffer, tile.used);
    tile.used += HASH_BYTES;
    tile.changed = true;
    if (tile.used < TILE_BYTES) return;
    complete.push({ level, index: tile.index, hashes: tile.buffer });
    const root = completeHash(tile.buffer);
    Object.assign(tile, { buffer: Buffer.allocUnsafe(TILE_BYTES), used: 0, index: tile.index + 1, changed: false });
    add(level + 1, root);
  }

  return {
    /** Adds an event by its hash in the chain. */
    append(eventHash: Uint8Array): void {
      add(0, leafHash(eventHash));
      leaves += 1;
    },

    /** What has changed since it was asked last. */
    changed(): Tile[] {
      const unfinished = open.flatMap((tile, level) => {
        const { changed, index, buffer, used } = tile;
        tile.changed = false;
        return changed ? [{ level, index, hashes: Buffer.from(buffer.subarray(0, used)) }] : [];
      });
      const tiles = [...complete, ...unfinished];
      complete = [];
      return tiles;
    },

    head: (): TreeHead => ({ size: leaves, root: open.reduce<Buffer | null>(joined, null) ?? EMPTY_ROOT }),
  };
}

/** The root over what a level has left over, before what the levels below have. */
function joined(right: Buffer | null, { buffer, used }: { buffer: Buffer; used: number }): Buffer | null {
  let root = right;
  for (let end = used; end > 0; ) {
    const width = HASH_BYTES * ((end / HASH_BYTES) & -(end / HASH_BYTES));
    const left = completeHash(buffer.subarray(end - width, end));
    root = root === null ? left : nodeHash(left, root);
    end -= width;
  }
  return root;
}

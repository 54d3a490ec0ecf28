// The Merkle tree over the sealed events, so that one event can be proved alone. It is grown behind the sealing
// and for each checkpoint, from the events' hashes; it can be made again from them as long as they are kept.
import type pg from 'pg';
import { Prisma } from '../../../generated/prisma/client.ts';
import type { Database } from '../../platform/database.ts';
import { inTransaction } from '../../platform/postgres/connection.ts';
import { firstKept, readHead } from '../event-rows.ts';
import { openTree } from './growing-tree.ts';
import { HASH_BYTES, leafHash } from './merkle.ts';
import { TILE_WIDTH } from './tiles.ts';
import {
  cutTree,
  insertTree,
  readTiles,
  readTree,
  restartTree,
  type TreeRecord,
  tileReader,
  writeTiles,
} from './tree-records.ts';

/** So many events in one transaction: a hundred tiles. */
const BATCH = 100 * TILE_WIDTH;

/** Whether there is no tree yet, or a whole tile of sealed events is to be added. */
export const TREE_LAGS = Prisma.sql`
  NOT EXISTS (SELECT FROM audit_tree AS tree JOIN audit_head AS head ON head.id = tree.id
               WHERE tree.id = 1
                 AND (head.seq + 1 - tree.first_seq) / ${TILE_WIDTH}::bigint * ${TILE_WIDTH}::bigint <= tree.size)`;

export interface TreeOptions {
  readonly database: Pick<Database, 'pool'>;
  /** The name of a new tree: a host and a path. */
  readonly origin: string;
}

export type Tree = ReturnType<typeof createTree>;

export function createTree({ database: { pool }, origin }: TreeOptions) {
  /** Where it is to be made, with no leaf yet. */
  async function opened(): Promise<TreeRecord> {
    const known = await readTree(pool);
    if (known) return known;
    await insertTree(pool, origin, await firstKept(pool));
    return opened();
  }

  /** Up to event `upTo`, or up to the last whole tile. */
  async function growSome(upTo: number | null): Promise<{ size: number; more: boolean }> {
    const [kept, { seq: head }] = await Promise.all([firstKept(pool), readHead(pool)]);
    return inTransaction(pool, async (client) => {
      const tree = await readTree(client, { lock: true });
      if (!tree) return { size: 0, more: false };
      const next = tree.first + tree.size;
      if (kept > next) {
        await restartTree(client, kept);
        return { size: 0, more: true };
      }
      const whole = tree.first - 1 + Math.floor((head + 1 - tree.first) / TILE_WIDTH) * TILE_WIDTH;
      const hashes = await hashesFrom(client, next, Math.min(upTo ?? whole, next + BATCH - 1));
      if (hashes.length === 0) return { size: tree.size, more: false };
      const growing = await openTree(tileReader(client), tree.size);
      for (const hash of hashes) growing.append(hash);
      const { size } = growing.head();
      await writeTiles(client, growing.changed(), size);
      return { size, more: hashes.length === BATCH };
    });
  }

  /** How many leaves agree with the events that are kept. */
  async function soundSize(client: pg.ClientBase, { first, size }: TreeRecord): Promise<number> {
    const kept = Math.max(first, await firstKept(pool));
    for (let leaf = kept - first; leaf < size; ) {
      const end = Math.min(size, (Math.floor(leaf / TILE_WIDTH) + 1) * TILE_WIDTH);
      const hashes = await hashesFrom(client, first + leaf, first + end - 1);
      const [tile] = await readTiles(client, [{ level: 0, index: Math.floor(leaf / TILE_WIDTH) }]);
      for (const hash of hashes) {
        const at = (leaf % TILE_WIDTH) * HASH_BYTES;
        if (!tile?.hashes.subarray(at, at + HASH_BYTES).equals(leafHash(hash))) return leaf;
        leaf += 1;
      }
      if (leaf < end) return leaf;
    }
    return size;
  }

  return {
    /** Null: nothing was grown yet. */
    read: () => readTree(pool),

    /** As it is, made where there is none. */
    opened,

    /**
     * Adds the events that are sealed, up to event `upTo`, else up to the last whole tile. Ends when its time is over;
     * the next call goes on. Returns the size. Where events were dropped before it had them, it begins anew.
     */
    async grow({
      upTo,
      withinMs = Number.POSITIVE_INFINITY,
    }: {
      upTo?: number;
      withinMs?: number;
    } = {}): Promise<number> {
      const deadline = performance.now() + withinMs;
      await opened();
      for (;;) {
        const { size, more } = await growSome(upTo ?? null);
        if (!more || performance.now() > deadline) return size;
      }
    },

    /**
     * Takes away what does not agree with the log, for an operator who has accepted that part of it is another. Its
     * checkpoints have a new name from then on: no witness can take them for those of the old tree.
     */
    async repair(): Promise<void> {
      await inTransaction(pool, async (client) => {
        const tree = await readTree(client, { lock: true });
        if (tree) await cutTree(client, await soundSize(client, tree));
      });
    },
  };
}

/** Consecutive ones; they end before the first that is missing. */
async function hashesFrom(client: pg.ClientBase, from: number, to: number): Promise<Buffer[]> {
  const { rows } = await client.query<{ seq: string; hash: Buffer }>(
    'SELECT seq, hash FROM audit_event WHERE seq BETWEEN $1 AND $2 ORDER BY seq, sealed_at',
    [from, to],
  );
  const end = rows.findIndex(({ seq }, index) => Number(seq) !== from + index);
  return (end < 0 ? rows : rows.slice(0, end)).map(({ hash }) => hash);
}

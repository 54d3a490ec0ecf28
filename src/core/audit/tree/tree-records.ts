// The tree in the database: which events it is over, and its tiles.
import type pg from 'pg';
import type { Tile } from './growing-tree.ts';
import { MissingTile, type ReadTile } from './tiles.ts';

export interface TreeRecord {
  /** Under which name its checkpoints are signed. */
  readonly origin: string;
  /** The event of leaf 0. */
  readonly first: number;
  /** How many leaves its tiles have. */
  readonly size: number;
}

type Client = Pick<pg.ClientBase, 'query'>;

const TREE = `
  SELECT origin || CASE WHEN generation = 1 THEN '' ELSE '/' || generation END AS origin, first_seq, size
    FROM audit_tree WHERE id = 1`;

/** Null: the log has none yet. */
export async function readTree(client: Client, { lock = false } = {}): Promise<TreeRecord | null> {
  const { rows } = await client.query<{ origin: string; first_seq: string; size: string }>(
    lock ? `${TREE} FOR UPDATE` : TREE,
  );
  const [row] = rows;
  return row ? { origin: row.origin, first: Number(row.first_seq), size: Number(row.size) } : null;
}

export async function insertTree(client: Client, origin: string, first: number): Promise<void> {
  await client.query(
    'INSERT INTO audit_tree (id, origin, generation, first_seq, size) VALUES (1, $1, 1, $2, 0) ON CONFLICT DO NOTHING',
    [origin, first],
  );
}

export function tileReader(client: Client): ReadTile {
  return async (level, index) => {
    const { rows } = await client.query<{ hashes: Buffer }>(
      'SELECT hashes FROM audit_tree_tile WHERE level = $1 AND index = $2',
      [level, index],
    );
    if (!rows[0]) throw new MissingTile(`the tree has no tile ${index} of level ${level}`);
    return rows[0].hashes;
  };
}

/** Those of these places that are there. */
export async function readTiles(client: Client, places: readonly Omit<Tile, 'hashes'>[]): Promise<Tile[]> {
  const { rows } = await client.query<{ level: number; index: string; hashes: Buffer }>(
    `SELECT level, index, hashes FROM audit_tree_tile
      WHERE (level, index) IN (SELECT * FROM unnest($1::smallint[], $2::bigint[]))`,
    [places.map(({ level }) => level), places.map(({ index }) => index)],
  );
  return rows.map(({ level, index, hashes }) => ({ level, index: Number(index), hashes }));
}

export async function writeTiles(client: Client, tiles: readonly Tile[], size: number): Promise<void> {
  await client.query(
    `INSERT INTO audit_tree_tile (level, index, hashes) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])
       ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes`,
    [tiles.map(({ level }) => level), tiles.map(({ index }) => index), tiles.map(({ hashes }) => hashes)],
  );
  await client.query('UPDATE audit_tree SET size = $1 WHERE id = 1', [size]);
}

/** Takes away every leaf from `size` on, and begins a new name: what was signed under the old one is no part of it. */
export async function cutTree(client: Client, size: number): Promise<void> {
  const left = 'div($1::numeric, 256::numeric ^ level) - index * 256';
  await client.query(`DELETE FROM audit_tree_tile WHERE ${left} < 1`, [size]);
  await client.query(
    `UPDATE audit_tree_tile SET hashes = substring(hashes FOR (32 * (${left}))::int) WHERE ${left} < 256`,
    [size],
  );
  await client.query('UPDATE audit_tree SET size = $1, generation = generation + 1 WHERE id = 1', [size]);
}

/** A tree over other events: those before `first` are gone. */
export async function restartTree(client: Client, first: number): Promise<void> {
  await client.query('DELETE FROM audit_tree_tile');
  await client.query('UPDATE audit_tree SET first_seq = $1, size = 0, generation = generation + 1 WHERE id = 1', [
    first,
  ]);
}

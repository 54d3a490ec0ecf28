// What witnesses have signed: that the log only grew, as far as they have seen it.
import type pg from 'pg';
import { isSignedBy, lineBy, type NamedKey, type Note, parseLines, parseNote } from '../../tree/signed-note.ts';

/** The newest checkpoint of an event as a note, with the lines of its witnesses; null where none names a tree. */
export async function cosignedNote(pool: pg.Pool, seq: number): Promise<string | null> {
  const { rows } = await pool.query<{ tree: string; line: string | null }>(
    `SELECT c.tree, w.line FROM (SELECT * FROM audit_checkpoint WHERE seq = $1 AND tree IS NOT NULL ORDER BY made_at DESC LIMIT 1) AS c
       LEFT JOIN audit_cosignature AS w ON w.seq = c.seq AND w.body = split_part(c.tree, E'\\n\\n', 1) || E'\\n' ORDER BY w.name`,
    [seq],
  );
  const [first] = rows;
  return first ? first.tree + rows.map(({ line }) => line ?? '').join('') : null;
}

export type Kept =
  | { readonly ok: true; readonly seq: number; readonly names: readonly string[] }
  | { readonly ok: false; readonly why: string };

/**
 * Keeps the lines of these witnesses, from a cosigned checkpoint or from lines alone, which are of the newest one.
 * Nothing that no key given has signed.
 */
export async function keepCosignatures(pool: pg.Pool, text: string, witnesses: readonly NamedKey[]): Promise<Kept> {
  const note = parseNote(text) ?? (await withNewest(pool, text));
  if (!note) return { ok: false, why: 'it holds no line of a witness' };
  const seq = await checkpointWith(pool, note.body);
  if (seq === null) return { ok: false, why: 'this log has signed no such checkpoint' };
  const forged = witnesses.find((witness) => isSignedBy(note, witness) === false);
  if (forged) return { ok: false, why: `the line of ${forged.name} is not what its key signs` };
  const signed = witnesses.filter((witness) => isSignedBy(note, witness) === true);
  if (signed.length === 0) return { ok: false, why: 'none of the witnesses given has signed it' };
  const lines = signed.map((witness) => lineBy(note, witness)?.text ?? '');
  await pool.query(
    `INSERT INTO audit_cosignature (seq, body, name, line) SELECT $1, $2, * FROM unnest($3::text[], $4::text[])
       ON CONFLICT (seq, body, name) DO UPDATE SET line = excluded.line`,
    [seq, note.body, signed.map(({ name }) => name), lines],
  );
  return { ok: true, seq, names: signed.map(({ name }) => name) };
}

async function withNewest(pool: pg.Pool, text: string): Promise<Note | null> {
  const signatures = parseLines(text);
  const { rows } = await pool.query<{ tree: string }>(
    'SELECT tree FROM audit_checkpoint WHERE tree IS NOT NULL ORDER BY seq DESC, made_at DESC LIMIT 1',
  );
  const note = rows[0] ? parseNote(rows[0].tree) : null;
  return note && signatures && signatures.length > 0 ? { body: note.body, signatures } : null;
}

async function checkpointWith(pool: pg.Pool, body: string): Promise<number | null> {
  const { rows } = await pool.query<{ seq: string }>(
    `SELECT seq FROM audit_checkpoint WHERE split_part(tree, E'\\n\\n', 1) || E'\\n' = $1 LIMIT 1`,
    [body],
  );
  return rows[0] ? Number(rows[0].seq) : null;
}

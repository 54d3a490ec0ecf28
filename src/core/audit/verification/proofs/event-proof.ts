// Proves one event by the newest checkpoint, and one checkpoint by another.
import type pg from 'pg';
import type { AuditLog } from '../../reading/audit-log.ts';
import { ndjsonLine } from '../../reading/export.ts';
import { EVERY_EVENT } from '../../reading/query.ts';
import { leafHash, rootOfInclusion } from '../../tree/merkle.ts';
import { headOf, parseNote } from '../../tree/signed-note.ts';
import { consistencyProof, inclusionProof, remembered } from '../../tree/tiles.ts';
import { readTree, tileReader } from '../../tree/tree-records.ts';
import { acceptances, newestCheckpoint } from '../checkpoint-records.ts';
import { cosignedNote } from './cosignatures.ts';
import { writeProof } from './proof-file.ts';

export interface EventProofsOptions {
  readonly pool: pg.Pool;
  readonly auditLog: Pick<AuditLog, 'exportable'>;
}

export type Proved = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

/** Some kilobytes that prove the event without the log. `bare`: without address and browser. */
export async function proveEvent(
  { pool, auditLog }: EventProofsOptions,
  seq: number,
  { bare = false } = {},
): Promise<Proved> {
  const tree = await readTree(pool);
  const note = await newestNote(pool);
  const head = note && headOf(note.parsed);
  if (!tree || !head)
    return { ok: false, why: 'no checkpoint names a tree yet: the worker, with its key, signs one within minutes' };
  const index = seq - tree.first;
  if (index < 0) return { ok: false, why: `the tree begins with event ${tree.first}` };
  if (index >= head.size)
    return { ok: false, why: `the newest checkpoint names event ${tree.first + head.size - 1}: wait some minutes` };
  if (head.size > tree.size) return { ok: false, why: 'the tree is still being built: wait some minutes' };
  let line: string | null = null;
  let hash = '';
  await auditLog.exportable(EVERY_EVENT, { after: seq - 1, upTo: seq }, 1, (event) => {
    const shown = bare ? { ...event, ip: null, userAgent: null, personalSalt: null } : event;
    line = ndjsonLine(shown).trimEnd();
    hash = event.hash;
  });
  if (line === null) return { ok: false, why: `event ${seq} is not kept` };
  const hashes = await inclusionProof(remembered(tileReader(pool)), index, head.size);
  const root = rootOfInclusion(leafHash(Buffer.from(hash, 'base64url')), { index, size: head.size, proof: hashes });
  if (!root?.equals(head.root))
    return { ok: false, why: `the tree does not have event ${seq} as the log has it: see audit verify` };
  return { ok: true, text: writeProof({ line, index, hashes, note: note.text }) };
}

/**
 * That the tree of the checkpoint of event `newer` begins with that of the first events up to `older`, in the form
 * in which a witness takes it (C2SP tlog-witness).
 */
export async function proveConsistency(pool: pg.Pool, older: number, newer: number): Promise<Proved> {
  const tree = await readTree(pool);
  const note = await noteOf(pool, newer);
  const head = note && headOf(note.parsed);
  if (!tree || !head) return { ok: false, why: `no checkpoint that names a tree names event ${newer}` };
  const size = Math.max(0, older - tree.first + 1);
  if (size > head.size) return { ok: false, why: 'the first number must not be larger than the second' };
  if (head.size > tree.size) return { ok: false, why: 'the tree is still being built: wait some minutes' };
  const hashes = await consistencyProof(remembered(tileReader(pool)), size, head.size);
  const proof = hashes.map((hash) => `${hash.toString('base64')}\n`).join('');
  return { ok: true, text: `old ${size}\n${proof}\n${note.text}` };
}

/** The newest that counts and names a tree, with the lines of its witnesses. */
export async function newestNote(pool: pg.Pool) {
  const checkpoint = await newestCheckpoint(pool, { accepted: await acceptances(pool), withTree: true });
  return checkpoint ? noteOf(pool, checkpoint.seq) : null;
}

async function noteOf(pool: pg.Pool, seq: number) {
  const text = await cosignedNote(pool, seq);
  const parsed = text === null ? null : parseNote(text);
  return text !== null && parsed ? { text, parsed } : null;
}

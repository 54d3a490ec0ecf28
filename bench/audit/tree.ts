// The tree over the log: how fast it is built, what it takes on disk, and what the proof of one event costs.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { readSigningKey } from '../../src/core/audit/ed25519.ts';
import { createAuditLog } from '../../src/core/audit/reading/audit-log.ts';
import { signNote } from '../../src/core/audit/tree/signed-note.ts';
import { rootAt } from '../../src/core/audit/tree/tiles.ts';
import { createTree } from '../../src/core/audit/tree/tree.ts';
import { tileReader } from '../../src/core/audit/tree/tree-records.ts';
import { proveEvent } from '../../src/core/audit/verification/proofs/event-proof.ts';
import { verifyProof } from '../../src/core/audit/verification/proofs/proof-file.ts';

const PROOFS = 200;

export interface MeasuredTree {
  /** Events a second. */
  readonly rate: number;
  readonly bytesAnEvent: number;
  /** Of the proof and its check, slowest and usual, and of the file at most. */
  readonly slowestMs: number;
  readonly usualMs: number;
  readonly mostBytes: number;
}

export async function measureTree(pool: pg.Pool): Promise<MeasuredTree> {
  const tree = createTree({ database: { pool }, origin: 'bench.example/audit' });
  const auditLog = createAuditLog({ database: { pool } });
  const { seq } = await auditLog.head();
  const began = performance.now();
  const size = await tree.grow({ upTo: seq });
  const seconds = (performance.now() - began) / 1_000;
  const { first } = await tree.opened();
  const key = readSigningKey(randomBytes(32).toString('hex'));
  if (!key) throw new Error('no key');
  const root = await rootAt(tileReader(pool), size);
  await pool.query(
    `INSERT INTO audit_checkpoint (seq, made_at, reason, hash, sealed_at, key_id, signature, tree)
       SELECT seq, now(), 'command', hash, sealed_at, $2, '', $3 FROM audit_event WHERE seq = $1`,
    [seq, key.id, signNote({ origin: 'bench.example/audit', size, root }, key)],
  );
  const times: number[] = [];
  let mostBytes = 0;
  for (let run = 0; run < PROOFS; run += 1) {
    const at = performance.now();
    const proved = await proveEvent({ pool, auditLog }, first + Math.floor((run / PROOFS) * size));
    const text = proved.ok ? proved.text : '';
    const result = verifyProof(text, { keys: new Map([[key.id, key.publicKey]]), witnesses: [] });
    times.push(performance.now() - at);
    if (!result.intact || !result.proved) throw new Error('the proof does not hold');
    mostBytes = Math.max(mostBytes, Buffer.byteLength(text));
  }
  const { rows } = await pool.query<{ bytes: string }>(`SELECT pg_total_relation_size('audit_tree_tile') AS bytes`);
  const usual = [...times].sort((a, b) => a - b)[PROOFS / 2] ?? 0;
  return {
    ...{ rate: size / seconds, bytesAnEvent: Number(rows[0]?.bytes) / size, mostBytes },
    ...{ slowestMs: Math.max(...times), usualMs: usual },
  };
}

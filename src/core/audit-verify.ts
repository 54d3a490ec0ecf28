// The proof that nothing in the sealed log was altered: the chain, computed again from its first event to its head.
import type pg from 'pg';
import { checkEvent, GENESIS_HASH, missing } from './audit-chain.ts';
import { AUDIT_COLUMNS, type AuditRow, eventOf } from './audit-rows.ts';
import type { Database } from './database.ts';

export type VerifyResult =
  | { readonly intact: true; readonly count: number; readonly seq: number; readonly erased: number }
  | { readonly intact: false; readonly seq: number; readonly problem: string };

const VERIFY_BATCH = 5_000;

export type Verification = ReturnType<typeof createVerification>;

export function createVerification({ database: { pool } }: { database: Database }) {
  return {
    /**
     * Recomputes the chain from its first event to the head that stood when it began, and names the first event that was
     * altered, removed or inserted. `onProgress` is told of every batch.
     */
    async verify(onProgress: (done: number, total: number) => void = () => undefined): Promise<VerifyResult> {
      const head = await readHead(pool);
      let expected: { seq: number; prevHash: Buffer } = { seq: 1, prevHash: GENESIS_HASH };
      let erased = 0;
      let read: { seq: number; sealedAt: Date | string } = { seq: Number.MIN_SAFE_INTEGER, sealedAt: '-infinity' };
      for (;;) {
        const { rows } = await pool.query<AuditRow>(
          `SELECT ${AUDIT_COLUMNS} FROM audit_event WHERE (seq, sealed_at) > ($1, $2) AND seq <= $3
            ORDER BY seq, sealed_at LIMIT $4`,
          [read.seq, read.sealedAt, head.seq, VERIFY_BATCH],
        );
        for (const event of rows.map(eventOf)) {
          const problem = checkEvent(event, expected);
          if (problem) return { intact: false, seq: Math.min(event.seq, expected.seq), problem };
          expected = { seq: event.seq + 1, prevHash: event.hash };
          read = event;
          if (event.personalSalt === null) erased += 1;
        }
        onProgress(expected.seq - 1, head.seq);
        if (rows.length < VERIFY_BATCH) break;
      }
      const last = expected.seq - 1;
      if (last < head.seq) return { intact: false, seq: expected.seq, problem: missing(expected.seq, head.seq) };
      if (!expected.prevHash.equals(head.hash)) {
        return { intact: false, seq: last, problem: `event ${last} is not the one that the head of the chain names` };
      }
      const beyond = await pool.query<{ seq: string }>(
        'SELECT seq FROM audit_event WHERE seq > (SELECT seq FROM audit_head WHERE id = 1) ORDER BY seq LIMIT 1',
      );
      const inserted = beyond.rows[0];
      if (inserted)
        return {
          intact: false,
          seq: Number(inserted.seq),
          problem: `event ${inserted.seq} was inserted past the head of the chain`,
        };
      return { intact: true, count: last, seq: last, erased };
    },
  };
}

async function readHead(pool: pg.Pool): Promise<{ seq: number; hash: Buffer }> {
  const { rows } = await pool.query<{ seq: string; hash: Buffer }>('SELECT seq, hash FROM audit_head WHERE id = 1');
  const [row] = rows;
  if (!row) throw new Error('audit_head has lost its row');
  return { seq: Number(row.seq), hash: row.hash };
}

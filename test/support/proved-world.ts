// A world whose log is signed: events sealed as a test wants them, checkpoints, and every way to prove the log.
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { readPublicKeys, readSigningKey, type SigningKey } from '../../src/core/audit/ed25519.ts';
import { type ExportSource, exportLog } from '../../src/core/audit/reading/export.ts';
import { EVERY_EVENT } from '../../src/core/audit/reading/query.ts';
import { type CheckpointsOptions, createCheckpoints } from '../../src/core/audit/verification/checkpoints.ts';
import { type VerifyExportOptions, verifyExport } from '../../src/core/audit/verification/exports/verify-export.ts';
import type { Context } from '../../src/core/context.ts';
import { world } from './world.ts';

export const newKey = () => readSigningKey(randomBytes(32).toString('hex')) as SigningKey;
export const key = newKey();
export const keys = readPublicKeys([key.publicText]) ?? new Map();

/** As `world`, only at the top of a test file. */
export async function provedWorld() {
  const { stores, worker, sql, tamper, openAs } = await world({ webs: 0, worker: true });
  const checkpoints = (options: Partial<Omit<CheckpointsOptions, 'database' | 'verification' | 'log'>> = {}) =>
    createCheckpoints({ ...worker, key, publicKeys: [], file: null, ...options });
  const verify = (options: Parameters<Context['verification']['verify']>[0] = {}) =>
    worker.verification.verify({ keys, ...options });

  /** Begins the log anew. */
  async function begin(): Promise<void> {
    await tamper(`DELETE FROM audit_event; DELETE FROM outbox; DELETE FROM audit_summary; DELETE FROM audit_hour; DELETE FROM audit_checkpoint;
      DELETE FROM audit_cosignature; DELETE FROM audit_tree; DELETE FROM audit_tree_tile; UPDATE audit_head SET seq = 0, summary_seq = 0, hash = decode(repeat('00', 32), 'hex'), sealed_at = now()`);
  }

  async function seal(count: number, userAgent = 'test', detail: unknown = { reason: 'test' }): Promise<void> {
    await sql(
      `INSERT INTO outbox (event) SELECT jsonb_build_object('type', 'authn_login_fail', 'outcome', 'failure', 'ip', '203.0.113.7',
         'userAgent', $2::text, 'requestId', $2::text, 'detail', $3::jsonb) FROM generate_series(1, $1::int)`,
      [count, userAgent, JSON.stringify(detail)],
    );
    await worker.sealing.seal();
  }

  async function exported(
    format: 'ndjson' | 'csv' = 'ndjson',
    filter = EVERY_EVENT,
    exportSigning: ExportSource['exportSigning'] = worker.exportSigning,
    source: Context = worker,
  ): Promise<string> {
    const parts: Uint8Array[] = [];
    for await (const { bytes } of exportLog({ ...source, exportSigning }, filter, format)) parts.push(bytes);
    return Buffer.concat(parts).toString();
  }

  const verifyText = (text: string, options: Partial<VerifyExportOptions> = {}) =>
    verifyExport(
      Readable.from(
        Buffer.from(text)
          .toString('latin1')
          .match(/[\s\S]{1,700}/g) ?? [],
      ).map((part) => Buffer.from(part, 'latin1')),
      {
        checkpoints: [],
        keys,
        filtered: false,
        ...options,
      },
    );

  return { stores, worker, sql, tamper, openAs, checkpoints, verify, begin, seal, exported, verifyText };
}

// Who signs the manifest of an export. Whoever exports has no key: it writes what it claims into the
// database, and a process with the key reads the log itself before it signs.
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../../../../generated/prisma/client.ts';
import type { Database } from '../../../platform/database.ts';
import type { SigningKey } from '../../ed25519.ts';
import type { AuditLog } from '../../reading/audit-log.ts';
import { filterOf } from '../../reading/described.ts';
import { newestCheckpoint } from '../checkpoint-records.ts';
import type { Checkpoints } from '../checkpoints.ts';
import type { Checkpoint } from '../signed-checkpoint.ts';
import { type Claim, claimSchema, type Manifest, signManifest, withoutSignature } from './manifest.ts';
import { recounted } from './recount.ts';

const WAIT_MS = 30_000;
const LOOK_EVERY_MS = 100;
const KEPT = '1 hour';

/** Whether a claim waits. */
export const CLAIM_WAITS = Prisma.sql`EXISTS (SELECT FROM export_manifest WHERE answer IS NULL)`;

export interface ExportSigningOptions {
  readonly database: Pick<Database, 'pool' | 'clock'>;
  readonly auditLog: Pick<AuditLog, 'hashes'>;
  readonly checkpoints: Pick<Checkpoints, 'write' | 'newestOwn'>;
  readonly key: SigningKey | null;
  /** Asks for the job that calls `answerDue`. */
  readonly nudge: () => void;
  /** How long a claim waits to be signed. */
  readonly waitMs?: number;
}

export function createExportSigning(options: ExportSigningOptions) {
  const { database, auditLog, checkpoints, key, nudge, waitMs = WAIT_MS } = options;
  const { pool, clock } = database;

  /** One that names the end of the export or a later event; null: the log was altered. */
  async function checkpointFor({ to }: Claim): Promise<Checkpoint | null> {
    const newest = await checkpoints.newestOwn();
    return newest && newest.seq >= to ? newest : checkpoints.write('export');
  }

  /** Signs nothing that the log does not show to be so. */
  async function answer(asked: unknown, signing: SigningKey): Promise<Manifest | { readonly refused: string }> {
    const parsed = claimSchema.safeParse(asked);
    const filter = parsed.success ? filterOf(parsed.data.filter) : null;
    if (!parsed.success || !filter) return { refused: 'the worker is of another version' };
    const claim = parsed.data;
    const unlike = await recounted({ pool, auditLog }, filter, claim);
    if (unlike) return withoutSignature(claim, unlike);
    const checkpoint = await checkpointFor(claim);
    if (!checkpoint)
      return withoutSignature(claim, 'the worker signs nothing: the log contradicts what is known of it');
    return signManifest(claim, { madeAt: clock.now(), checkpoint: { ...checkpoint }, key: signing });
  }

  async function keep(id: string, answered: Manifest | { readonly refused: string }): Promise<void> {
    await pool.query('UPDATE export_manifest SET answer = $2 WHERE id = $1', [id, JSON.stringify(answered)]);
  }

  async function askWorker(claim: Claim): Promise<Manifest> {
    if (!(await newestCheckpoint(pool))) return withoutSignature(claim, 'this log has no signing key');
    const id = uuidv7();
    await pool.query('INSERT INTO export_manifest (id, asked) VALUES ($1, $2)', [id, JSON.stringify(claim)]);
    nudge();
    const deadline = performance.now() + waitMs;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      const { rows } = await pool.query<{ answer: Manifest | { refused: string } | null }>(
        'SELECT answer FROM export_manifest WHERE id = $1',
        [id],
      );
      const answered = rows[0]?.answer;
      if (answered) return 'refused' in answered ? withoutSignature(claim, answered.refused) : answered;
      if (performance.now() > deadline) return withoutSignature(claim, 'no worker signed it in time');
    }
  }

  return {
    /**
     * The manifest of an export as a line of JSON. Without a signature it says why: no key, no worker in
     * time, or a log that changed meanwhile, as an erasure changes what a filter by address finds.
     */
    async manifestFor(claim: Claim): Promise<string> {
      const answered = key === null ? await askWorker(claim) : await answer(claim, key);
      return JSON.stringify('refused' in answered ? withoutSignature(claim, answered.refused) : answered);
    },

    /**
     * Answers what waits, oldest first; returns how many. Without a key, nothing. Throws at one that could not be
     * compared, once that is answered: the next call goes on after it.
     */
    async answerDue(): Promise<number> {
      await pool.query(`DELETE FROM export_manifest WHERE asked_at < clock_timestamp() - interval '${KEPT}'`);
      if (key === null) return 0;
      for (let answered = 0; ; answered += 1) {
        const next = await oldestWaiting(pool);
        if (!next) return answered;
        try {
          await keep(next.id, await answer(next.asked, key));
        } catch (error) {
          await keep(next.id, { refused: 'the worker could not read the log again' });
          throw error;
        }
      }
    },
  };
}

async function oldestWaiting(pool: pg.Pool): Promise<{ id: string; asked: unknown } | undefined> {
  const { rows } = await pool.query<{ id: string; asked: unknown }>(
    'SELECT id, asked FROM export_manifest WHERE answer IS NULL ORDER BY asked_at LIMIT 1',
  );
  return rows[0];
}

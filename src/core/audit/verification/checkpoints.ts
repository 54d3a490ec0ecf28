// Signs checkpoints of the log. One is signed only after the events since the last one were proved.
// It goes into the database, the program's log and a file, so that no single owner can make it
// vanish.
import type { KeyObject } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import type { Database, Transaction } from '../../platform/database.ts';
import type { Log } from '../../platform/log.ts';
import { type Detail, NO_ORIGIN, type Outcome } from '../events.ts';
import { recordEvent } from '../outbox.ts';
import { newestCheckpoint, storedCheckpoints } from './checkpoint-records.ts';
import {
  type ChainPoint,
  type Checkpoint,
  type CheckpointReason,
  isSigned,
  readPublicKeys,
  type SigningKey,
  signCheckpoint,
} from './signed-checkpoint.ts';
import type { Proved, Verification, VerifyOptions } from './verify-log.ts';

export interface CheckpointsOptions {
  readonly database: Database;
  readonly verification: Verification;
  readonly key: SigningKey | null;
  /** Keys whose checkpoints are trusted besides those of `key`: what it signed with before. */
  readonly publicKeys: readonly string[];
  /** Each checkpoint is appended to it as a line of JSON; null: to none. */
  readonly file: string | null;
  readonly log: Log;
}

export type Checkpoints = ReturnType<typeof createCheckpoints>;

export function createCheckpoints({ database, verification, key, publicKeys, file, log }: CheckpointsOptions) {
  const { pool, transact, clock } = database;
  const keys: ReadonlyMap<string, KeyObject> =
    readPublicKeys([...publicKeys, ...(key ? [key.publicText] : [])]) ?? new Map();

  /** The newest event that a checkpoint of ours names; 0: none does. */
  async function provedUpTo(): Promise<number> {
    const checkpoint = await newestCheckpoint(pool, [...keys.keys()]);
    return checkpoint && isSigned(checkpoint, keys) ? checkpoint.seq : 0;
  }

  /** Null if that part of the log was altered, which the log and the program's log then say. */
  async function prove(part: Pick<VerifyOptions, 'from' | 'to'>): Promise<Proved | null> {
    const result = await verification.verify({ ...part, keys });
    if (result.intact) return result;
    const { seq, problem } = result;
    log.error({ seq, problem }, 'the audit log was altered: no checkpoint is signed');
    await transact((transaction) => recordOwnEvent(transaction, 'sys_audit_altered', { seq, problem }, 'failure'));
    return null;
  }

  async function proveAndSign(part: Pick<VerifyOptions, 'from' | 'to'>, reason: CheckpointReason) {
    if (key === null) return null;
    const proved = await prove(part);
    const sealedAt = proved && proved.count > 0 ? await sealedAtOf(proved.seq) : null;
    if (proved === null || sealedAt === null) return null;
    return keep({ seq: proved.seq, hash: proved.hash, sealedAt: sealedAt.toISOString() }, reason, key);
  }

  async function sealedAtOf(seq: number): Promise<Date | null> {
    const { rows } = await pool.query<{ sealed_at: Date }>(
      'SELECT sealed_at FROM audit_event WHERE seq = $1 ORDER BY seq DESC LIMIT 1',
      [seq],
    );
    return rows[0]?.sealed_at ?? null;
  }

  /** In the database first: a checkpoint that is only elsewhere would look like a forgery. */
  async function keep(point: ChainPoint, reason: CheckpointReason, signing: SigningKey): Promise<Checkpoint> {
    const before = await newestCheckpoint(pool);
    const checkpoint = signCheckpoint(point, { reason, madeAt: clock.now(), key: signing });
    await transact(async (transaction) => {
      await insertCheckpoint(transaction, checkpoint);
      if (before?.keyId !== signing.id)
        await recordOwnEvent(transaction, 'sys_audit_key', { key: signing.id, publicKey: signing.publicText });
    });
    log.info({ checkpoint }, 'a checkpoint of the audit log was signed');
    if (file !== null) await appendFile(file, `${JSON.stringify(checkpoint)}\n`, { mode: 0o640 });
    return checkpoint;
  }

  return {
    /** Whether there is a key to sign with. */
    canSign: key !== null,

    /** Those in the database, in the order of the log. */
    all: () => storedCheckpoints(pool),

    /**
     * Signs where the log ends now. Null: the log has not grown since the last checkpoint, or was
     * altered, which the log and the program's log then say.
     */
    write: async (reason: CheckpointReason): Promise<Checkpoint | null> =>
      key === null ? null : proveAndSign({ from: (await provedUpTo()) + 1 }, reason),

    /** Signs that the log, proved from its beginning, has reached event `seq`. Null: it was altered. */
    writeUpTo: (seq: number, reason: CheckpointReason): Promise<Checkpoint | null> => proveAndSign({ to: seq }, reason),
  };
}

async function insertCheckpoint(transaction: Transaction, checkpoint: Checkpoint): Promise<void> {
  const { seq, hash, sealedAt, madeAt, reason, keyId, signature } = checkpoint;
  await transaction.auditCheckpoint.create({
    data: {
      seq,
      sealedAt,
      madeAt,
      reason,
      keyId,
      hash: Buffer.from(hash, 'base64url'),
      signature: Buffer.from(signature, 'base64url'),
    },
    select: { seq: true },
  });
}

/** Records what the log says of itself. */
export async function recordOwnEvent(
  transaction: Transaction,
  type: 'sys_audit_key' | 'sys_audit_altered' | 'sys_audit_dropped',
  detail: Detail,
  outcome: Outcome = 'success',
): Promise<void> {
  await recordEvent(transaction, { type, outcome, actor: null, subject: null, origin: NO_ORIGIN, detail });
}

// The worker's checkpoints and the end of what is kept long enough. A checkpoint is written only after the events since the
// last one were proved; it goes into the database, the program's log and a file, so that no single owner can make it vanish.
// A month is dropped whole, and only behind a checkpoint that names its last event, so that the rest still verifies.
import type { KeyObject } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import type { Database, Transaction } from '../../platform/database.ts';
import type { Log } from '../../platform/log.ts';
import { AUDIT_COLUMNS, type AuditRow, eventOf } from '../event-rows.ts';
import { NO_ORIGIN } from '../events.ts';
import { recordEvent } from '../outbox.ts';
import {
  type ChainPoint,
  type Checkpoint,
  type CheckpointReason,
  isSigned,
  readPublicKeys,
  type SigningKey,
  signCheckpoint,
} from './signed-checkpoint.ts';
import { checkpointOf, type Proved, readKept, type Verification, type VerifyOptions } from './verify-log.ts';

export interface CheckpointsOptions {
  readonly database: Database;
  readonly verification: Verification;
  readonly key: SigningKey | null;
  /** Whose checkpoints are believed beside those of `key`: what it signed with before. */
  readonly publicKeys: readonly string[];
  /** Where each checkpoint is added as a line of JSON; null for nowhere. */
  readonly file: string | null;
  /** How long events are kept; null for ever. */
  readonly retentionMs: number | null;
  readonly log: Log;
}

export type Checkpoints = ReturnType<typeof createCheckpoints>;

export function createCheckpoints({
  database,
  verification,
  key,
  publicKeys,
  file,
  retentionMs,
  log,
}: CheckpointsOptions) {
  const { pool, transact } = database;
  const keys: ReadonlyMap<string, KeyObject> =
    readPublicKeys([...publicKeys, ...(key ? [key.publicText] : [])]) ?? new Map();

  async function newest(): Promise<Checkpoint | null> {
    const { rows } = await pool.query('SELECT * FROM audit_checkpoint ORDER BY seq DESC, made_at DESC LIMIT 1');
    return rows[0] ? checkpointOf(rows[0]) : null;
  }

  /** The newest event that a checkpoint of ours names; 0: none does, so that all is to be proved. */
  async function provedUpTo(): Promise<number> {
    const { rows } = await pool.query(
      'SELECT * FROM audit_checkpoint WHERE key_id = ANY ($1) ORDER BY seq DESC, made_at DESC LIMIT 1',
      [[...keys.keys()]],
    );
    const checkpoint = rows[0] && checkpointOf(rows[0]);
    return checkpoint && isSigned(checkpoint, keys) ? checkpoint.seq : 0;
  }

  /** What is proved of a part of the log; null if it was altered, which the log and the program's log are told of. */
  async function prove(part: Pick<VerifyOptions, 'from' | 'to'>): Promise<Proved | null> {
    const result = await verification.verify({ ...part, keys });
    if (result.intact) return result;
    const { seq, problem } = result;
    log.error({ seq, problem }, 'the audit log was altered: no checkpoint is signed');
    await transact((transaction) => tell(transaction, 'sys_audit_altered', { seq, problem }, 'failure'));
    return null;
  }

  /** Keeps a checkpoint in the database first: what is elsewhere and not there would look like a forgery. */
  async function keep(point: ChainPoint, reason: CheckpointReason, signing: SigningKey, before: Checkpoint | null) {
    const checkpoint = signCheckpoint(point, { reason, madeAt: new Date(), key: signing });
    const { seq, hash, sealedAt, madeAt, keyId, signature } = checkpoint;
    await transact(async (transaction) => {
      await transaction.auditCheckpoint.create({
        data: {
          ...{ seq, sealedAt, madeAt, reason, keyId },
          hash: Buffer.from(hash, 'base64url'),
          signature: Buffer.from(signature, 'base64url'),
        },
        select: { seq: true },
      });
      if (before?.keyId !== keyId)
        await tell(transaction, 'sys_audit_key', { key: keyId, publicKey: signing.publicText });
    });
    log.info({ checkpoint }, 'a checkpoint of the audit log was signed');
    if (file !== null) await appendFile(file, `${JSON.stringify(checkpoint)}\n`, { mode: 0o640 });
    return checkpoint;
  }

  return {
    /** Those in the database, in the order of the log. */
    all: () => readKept(pool),

    /**
     * Signs where the log ends now, if it has grown since the last checkpoint and everything since then is in order. If it is
     * not, nothing is signed, and the log and the program's log say so. Null: nothing was signed.
     */
    async write(reason: CheckpointReason): Promise<Checkpoint | null> {
      if (key === null) return null;
      const proved = await prove({ from: (await provedUpTo()) + 1 });
      const event = proved && proved.count > 0 ? await lastEvent({ seq: proved.seq }) : null;
      return proved && event && keep(pointOf(event, proved), reason, key, await newest());
    },

    /**
     * Drops the months whose last day is past the retention, the oldest first; returns their names. A month that was altered is
     * kept, and with it all that follow: what it proves would be gone.
     */
    async dropOld(): Promise<string[]> {
      const dropped: string[] = [];
      if (retentionMs === null || key === null) return dropped;
      for (let month = await oldestMonth(); month && month.end.getTime() < Date.now() - retentionMs; ) {
        const last = await lastEvent({ within: month });
        if (last) {
          const proved = await prove({ to: last.seq });
          if (!proved) return dropped;
          await keep(pointOf(last, proved), 'retention', key, await newest());
        }
        const gone = month;
        await transact(async (transaction) => {
          const [row] = await transaction.$queryRaw<{ first_seq: bigint | null; last_seq: bigint | null }[]>`
            SELECT * FROM audit_drop_month(${gone.name}::timestamp)`;
          const numbers = { first: Number(row?.first_seq ?? 0), last: Number(row?.last_seq ?? 0) };
          await tell(transaction, 'sys_audit_dropped', { month: gone.name.slice(0, 7), ...numbers });
        });
        dropped.push(gone.name.slice(0, 7));
        month = await oldestMonth();
        if (month?.name === gone.name) return dropped;
      }
      return dropped;
    },
  };

  async function oldestMonth(): Promise<Month | null> {
    const { rows } = await pool.query<{ name: string }>(
      `SELECT min(c.relname) AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'audit_event'::regclass`,
    );
    const [, year, month] = /^audit_event_(\d{4})_(\d\d)$/.exec(rows[0]?.name ?? '') ?? [];
    if (!year || !month) return null;
    const start = new Date(Date.UTC(Number(year), Number(month) - 1));
    return { name: `${year}-${month}-01`, start, end: new Date(Date.UTC(Number(year), Number(month))) };
  }

  async function lastEvent(where: { seq: number } | { within: Month }) {
    const [condition, values] =
      'seq' in where
        ? ['seq = $1', [where.seq]]
        : ['sealed_at >= $1 AND sealed_at < $2', [where.within.start, where.within.end]];
    const { rows } = await pool.query<AuditRow>(
      `SELECT ${AUDIT_COLUMNS} FROM audit_event WHERE ${condition} ORDER BY seq DESC LIMIT 1`,
      values,
    );
    return rows[0] ? eventOf(rows[0]) : null;
  }
}

interface Month {
  /** Its first day. */
  readonly name: string;
  readonly start: Date;
  readonly end: Date;
}

function pointOf({ sealedAt }: ReturnType<typeof eventOf>, { seq, hash }: Proved): ChainPoint {
  return { seq, hash, sealedAt: sealedAt.toISOString() };
}

async function tell(
  transaction: Transaction,
  type: 'sys_audit_key' | 'sys_audit_altered' | 'sys_audit_dropped',
  detail: Readonly<Record<string, string | number>>,
  outcome: 'success' | 'failure' = 'success',
): Promise<void> {
  await recordEvent(transaction, { type, outcome, actor: null, subject: null, origin: NO_ORIGIN, detail });
}

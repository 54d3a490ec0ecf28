// Signs checkpoints of the log. One is signed only after the events since the last one were proved,
// and only while nothing that this process or the file knows contradicts the table. It goes into the
// database, the program's log and a file, so that no single owner can make it vanish.
import type { KeyObject } from 'node:crypto';
import type { Database, Transaction } from '../../platform/database.ts';
import type { Log } from '../../platform/log.ts';
import { readEpoch } from '../../platform/postgres/epoch.ts';
import { readPublicKeys, type SigningKey } from '../ed25519.ts';
import { type Detail, NO_ORIGIN, type Origin, type Outcome } from '../events.ts';
import { recordEvent } from '../outbox.ts';
import { type NoteHead, signNote } from '../tree/signed-note.ts';
import type { Tree } from '../tree/tree.ts';
import type { Problem } from './chain-check.ts';
import {
  acceptances,
  insertCheckpoint,
  newestCheckpoint,
  sealedAtOf,
  storedCheckpoints,
} from './checkpoint-records.ts';
import { type Accepted, findLoss } from './loss.ts';
import {
  type ChainPoint,
  type Checkpoint,
  type CheckpointReason,
  isSigned,
  signCheckpoint,
} from './signed-checkpoint.ts';
import type { Proved, Verification, VerifyOptions } from './verify-log.ts';
import { createWitness } from './witness.ts';

/** What a checkpoint waits for its tree to have all of it. */
const GROW_MS = 5_000;

export interface CheckpointsOptions {
  readonly database: Database;
  readonly verification: Verification;
  readonly tree: Pick<Tree, 'opened' | 'read' | 'grow' | 'repair'>;
  readonly key: SigningKey | null;
  /** Keys whose checkpoints are trusted besides those of `key`: what it signed with before. */
  readonly publicKeys: readonly string[];
  /** Each checkpoint is appended to it as a line of JSON; null: to none. */
  readonly file: string | null;
  readonly log: Log;
}

export type Checkpoints = ReturnType<typeof createCheckpoints>;

export function createCheckpoints({ database, verification, tree, key, publicKeys, file, log }: CheckpointsOptions) {
  const { pool, transact, clock } = database;
  const keys: ReadonlyMap<string, KeyObject> =
    readPublicKeys([...publicKeys, ...(key ? [key.publicText] : [])]) ?? new Map();

  const witness = createWitness({ database, keys, file });
  let alarm: string | null = null;

  async function newestOwn(only?: 'with a tree'): Promise<Checkpoint | null> {
    const accepted = (await acceptances(pool)).filter((one) => isSigned(one, keys));
    const checkpoint = await newestCheckpoint(pool, {
      keyIds: [...keys.keys()],
      accepted,
      withTree: only !== undefined,
    });
    return checkpoint && isSigned(checkpoint, keys) ? checkpoint : null;
  }

  /** Null if that part of the log was altered, which the log and the program's log then say. */
  async function prove(part: Pick<VerifyOptions, 'from' | 'to'>): Promise<Proved | null> {
    const contradiction = await witness.contradiction();
    const result = contradiction
      ? { intact: false as const, ...contradiction }
      : await verification.verify({ ...part, keys });
    if (result.intact) {
      alarm = null;
      return result;
    }
    await raiseAlarm(result);
    return null;
  }

  /** The event is recorded once for each thing that is wrong; the program's log says it each time. */
  async function raiseAlarm({ seq, problem, lost }: Problem): Promise<void> {
    const what = lost ? 'the audit log has lost events in a failover' : 'the audit log was altered';
    log.error({ seq, problem }, `${what}: no checkpoint is signed`);
    if (alarm === problem) return;
    alarm = problem;
    const type = lost ? 'sys_audit_rewound' : 'sys_audit_altered';
    await transact((transaction) => recordOwnEvent(transaction, type, { seq, problem }, { outcome: 'failure' }));
  }

  async function proveAndSign(part: Pick<VerifyOptions, 'from' | 'to'>, reason: CheckpointReason) {
    if (key === null) return null;
    const proved = await prove(part);
    const sealedAt = proved && proved.count > 0 ? await sealedAtOf(pool, proved.seq) : null;
    if (proved === null || sealedAt === null) return null;
    const point = { seq: proved.seq, hash: proved.hash, sealedAt: sealedAt.toISOString() };
    await tree.grow({ upTo: point.seq, withinMs: GROW_MS });
    const checkpoint = withTree(await signAt(point, reason, key), proved.tree, key);
    await keep(checkpoint, key);
    return checkpoint;
  }

  /** Names the one before it. */
  async function signAt(
    point: ChainPoint,
    reason: CheckpointReason,
    signing: SigningKey,
    accepts: Accepted | null = null,
  ) {
    const before = await newestOwn();
    const epoch = await readEpoch(pool);
    const named = { before: before && { seq: before.seq, hash: before.hash }, accepts, epoch };
    return signCheckpoint(point, { reason, madeAt: clock.now(), key: signing, named });
  }

  /**
   * From where on the log is proved again before its end is signed: after the last checkpoint that names a root of the
   * tree. Before the first root is signed, from the beginning, once the tree has come so far.
   */
  async function unprovedFrom(): Promise<Pick<VerifyOptions, 'from'>> {
    const { first, size } = await tree.opened();
    const rooted = await newestOwn('with a tree');
    if (rooted) return { from: rooted.seq + 1 };
    const newest = await newestOwn();
    return !newest || first + size > newest.seq ? {} : { from: newest.seq + 1 };
  }

  /** In the database first: a checkpoint that is only elsewhere would look like a forgery. */
  async function keep(
    checkpoint: Checkpoint,
    signing: SigningKey,
    also: (transaction: Transaction) => Promise<void> = async () => undefined,
  ): Promise<void> {
    const before = await newestCheckpoint(pool);
    await transact(async (transaction) => {
      await insertCheckpoint(transaction, checkpoint);
      if (before?.keyId !== signing.id)
        await recordOwnEvent(transaction, 'sys_audit_key', { key: signing.id, publicKey: signing.publicText });
      await also(transaction);
    });
    log.info({ checkpoint }, 'a checkpoint of the audit log was signed');
    await witness.keep(checkpoint);
  }

  return {
    /** Whether there is a key to sign with. */
    canSign: key !== null,

    /** The newest that is ours and counts; null if there is none. */
    newestOwn,

    /** Whether something contradicts the log: nothing is signed until that is accepted. */
    isAlarmed: () => alarm !== null,

    /** Tells where the log ends that this process has sealed. */
    noteSealed: witness.noteSealed,

    /**
     * Holds the log against the newest that this process and the file know of it, and raises the alarm
     * where it is another or has gone back. Without a key to sign with, nothing.
     */
    async lookBack(): Promise<void> {
      const contradiction = key === null ? null : await witness.contradiction();
      if (contradiction) await raiseAlarm(contradiction);
    },

    /** Those in the database, in the order of the log. */
    all: () => storedCheckpoints(pool),

    /**
     * Signs where the log ends now. Null: the log has not grown since the last checkpoint, or was
     * altered, which the log and the program's log then say.
     */
    async write(reason: CheckpointReason): Promise<Checkpoint | null> {
      return key === null ? null : proveAndSign(await unprovedFrom(), reason);
    },

    /** Signs that the log, proved from its beginning, has reached event `seq`. Null: it was altered. */
    writeUpTo: (seq: number, reason: CheckpointReason): Promise<Checkpoint | null> => proveAndSign({ to: seq }, reason),

    /**
     * An operator's word that part of the log was lost: signs the log as it is now, in a checkpoint
     * that names what it contradicts, also of checkpoints that were kept elsewhere. Throws without a
     * key, and at a checkpoint that no known key has signed.
     */
    async acceptLoss(
      reason: string,
      { origin = NO_ORIGIN, elsewhere = [] }: { origin?: Origin; elsewhere?: readonly Checkpoint[] } = {},
    ): Promise<AcceptedLoss> {
      if (key === null) throw new Error('AUDIT_SIGNING_KEY is not set: only who signs the log can accept a loss.');
      const unsigned = elsewhere.find((one) => !isSigned(one, keys));
      if (unsigned)
        throw new Error(`No known key has signed the checkpoint of ${unsigned.madeAt} for event ${unsigned.seq}.`);
      const { point, accepts } = await findLoss(pool, [...(await witness.filed()), ...elsewhere]);
      const signed = await signAt(point, 'accepted', key, accepts);
      await tree.repair();
      await tree.grow({ upTo: point.seq });
      const proof = await verification.verify({ to: point.seq, checkpoints: [signed], keys });
      if (!proof.intact) return { ok: false, problem: proof.problem };
      const checkpoint = withTree(signed, proof.tree, key);
      const detail = { reason, from: accepts.from, newest: accepts.newest.seq, kept: point.seq };
      await keep(checkpoint, key, (transaction) =>
        recordOwnEvent(transaction, 'sys_audit_loss_accepted', detail, { origin }),
      );
      return { ok: true, ...detail };
    },
  };
}

/** With the root of the tree up to its event, where the tree reaches so far. */
function withTree(checkpoint: Checkpoint, head: NoteHead | null, key: SigningKey): Checkpoint {
  return head === null ? checkpoint : { ...checkpoint, tree: signNote(head, key) };
}

export type AcceptedLoss =
  | { readonly ok: false; readonly problem: string }
  | { readonly ok: true; readonly from: number; readonly newest: number; readonly kept: number };

/** Records what the log says of itself. */
export async function recordOwnEvent(
  transaction: Transaction,
  type: 'sys_audit_key' | 'sys_audit_altered' | 'sys_audit_rewound' | 'sys_audit_loss_accepted' | 'sys_audit_dropped',
  detail: Detail,
  { outcome = 'success', origin = NO_ORIGIN }: { readonly outcome?: Outcome; readonly origin?: Origin } = {},
): Promise<void> {
  await recordEvent(transaction, { type, outcome, actor: null, subject: null, origin, detail });
}

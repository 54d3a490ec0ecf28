// Proves that nothing in the sealed log was altered: computes the chain, or a part of it, again and
// compares it with the checkpoints. What was erased the log must tell of.
import type { KeyObject } from 'node:crypto';
import type pg from 'pg';
import type { Database } from '../../platform/database.ts';
import { contentProblem, GENESIS_HASH, type SealedEvent } from '../canonical-event.ts';
import { type ChainHead, EVENT_COLUMNS, type EventRecord, eventOf, firstFrom, readHead } from '../event-rows.ts';
import type { NoteHead } from '../tree/signed-note.ts';
import { type ChainEnd, createChainCheck, linkOf, type Problem } from './chain-check.ts';
import { storedCheckpoints } from './checkpoint-records.ts';
import { createErasureCover } from './erasure-cover.ts';
import { type HeldCheckpoint, holdCheckpoints } from './held-checkpoints.ts';
import { type Contradicted, lossAfter, lostInFailover } from './lost-in-failover.ts';
import { openTreeCheck, type TreeCheck } from './proofs/tree-check.ts';
import type { Checkpoint } from './signed-checkpoint.ts';

export type VerifyResult = ({ readonly intact: true } & Proved) | ({ readonly intact: false } & Problem);

export interface Proved {
  readonly count: number;
  readonly first: number;
  readonly seq: number;
  /** Of the last event, base64url. */
  readonly hash: string;
  /** Events whose address and browser were erased. */
  readonly erased: number;
  /** Unbroken pieces; more than one only where events may be left out. */
  readonly pieces: number;
  /** The last event that a signed checkpoint names; up to it nothing was rewritten. 0: none. */
  readonly confirmed: number;
  readonly checkpoints: number;
  /** Those of them whose key is unknown: they prove nothing. */
  readonly unproved: number;
  /** Checkpoints that count no longer, because somebody with the key accepted what contradicts them. */
  readonly accepted: number;
  /** The tree over the events, computed anew, and the name of its checkpoints; null: it does not reach so far. */
  readonly tree: NoteHead | null;
}

export interface VerifyOptions {
  readonly from?: number;
  readonly to?: number;
  /** Kept elsewhere; those in the database are read as well. */
  readonly checkpoints?: readonly Checkpoint[];
  readonly keys?: ReadonlyMap<string, KeyObject>;
  readonly onProgress?: (done: number, total: number) => void;
}

const FROM_THE_FIRST = Number.MIN_SAFE_INTEGER;
const VERIFY_BATCH = 5_000;

export type Verification = ReturnType<typeof createVerification>;

export function createVerification({ database: { pool } }: { database: Pick<Database, 'pool'> }) {
  /** Up to the head that stood when it began. Names the first event that is wrong. */
  async function verify(options: VerifyOptions = {}): Promise<VerifyResult> {
    const from = options.from ?? FROM_THE_FIRST;
    for (let first = await firstFrom(pool, from); ; ) {
      const result = await namingLoss(options, from);
      const now = await firstFrom(pool, from);
      // A month that was dropped meanwhile seems to be missing: the rest is proved once more.
      if (result.intact || now === first) return result;
      first = now;
    }
  }

  /** Where only checkpoints of an older epoch contradict the log, and it agrees with one before, events were lost. */
  async function namingLoss(options: VerifyOptions, from: number): Promise<VerifyResult> {
    const result = await verifyOnce(options, from);
    if (result.intact) return result;
    const stored = await storedCheckpoints(pool, from);
    const { held } = holdCheckpoints([...stored, ...(options.checkpoints ?? [])], options.keys ?? new Map());
    const lost = await lostInFailover(pool, held);
    if (lost === null) return result;
    const rest = await verifyOnce(options, from, lost.contradicted);
    return rest.intact && rest.confirmed > 0 ? { intact: false, ...lossAfter(rest.confirmed, lost.newest) } : result;
  }

  async function verifyOnce(options: VerifyOptions, from: number, without?: Contradicted): Promise<VerifyResult> {
    const { keys = new Map(), onProgress = () => undefined } = options;
    const head = chainEnd(await readHead(pool));
    const stored = await storedCheckpoints(pool, from);
    const { held: all, forged, accepted } = holdCheckpoints([...stored, ...(options.checkpoints ?? [])], keys);
    const held = all.filter((one) => !without?.has(one.signature));
    if (forged) return { intact: false, ...forged };
    const to = Math.min(options.to ?? head.seq, head.seq);
    const after = await startOf(pool, from, held);
    const total = to - after.seq;
    const checkpoints = held.filter(({ seq }) => seq > after.seq && seq <= (options.to ?? seq));
    const check = createChainCheck({ after, checkpoints, gaps: false });
    const erasures = createErasureCover();
    const opened = await openTreeCheck(pool, after, held);
    if ('misfit' in opened) return { intact: false, ...opened.misfit };
    const { tree } = opened;
    for await (const events of batches(pool, from, to)) {
      for (const event of events) {
        const problem = check.take(linkOf(event), contentProblem(event)) ?? tree?.take(event.seq, event.hash);
        if (problem) return { intact: false, ...explained(problem, after, held) };
        erasures.take(event);
      }
      const problem = await tree?.compare();
      if (problem) return { intact: false, ...problem };
      onProgress(check.summary().count, total);
    }
    const problem =
      check.finish({ seq: options.to ?? head.seq }) ??
      (to === head.seq ? await endProblem(check.summary(), head, tree) : null) ??
      (await erasures.problem(pool, to));
    if (problem) return { intact: false, ...problem };
    const found = { erased: erasures.erased(), accepted, tree: tree?.head() ?? null };
    return { intact: true, ...check.summary(), ...found, ...counted(checkpoints) };
  }

  async function endProblem(last: ChainEnd, head: ChainEnd, tree: TreeCheck | null): Promise<Problem | null> {
    if (last.seq > 0 && last.hash !== head.hash)
      return { seq: last.seq, problem: `event ${last.seq} is not the one that the head of the chain names` };
    const beyond = await pool.query<{ seq: string }>(
      'SELECT seq FROM audit_event WHERE seq > (SELECT seq FROM audit_head WHERE id = 1) ORDER BY seq LIMIT 1',
    );
    const seq = Number(beyond.rows[0]?.seq ?? 0);
    if (seq > 0) return { seq, problem: `event ${seq} was inserted past the head of the chain` };
    return tree?.beyond() ?? null;
  }

  return { verify };
}

/**
 * What the first event must follow. The log begins with event 1, or after what retention has
 * dropped: only a checkpoint that was signed for that may stand for what is gone. A part of the log
 * follows what a checkpoint names, or else the event before it.
 */
async function startOf(pool: pg.Pool, from: number, held: readonly HeldCheckpoint[]): Promise<ChainEnd> {
  const first = (await firstFrom(pool, from)) ?? 1;
  const genesis = chainEnd({ seq: 0, hash: GENESIS_HASH });
  const proved = held.filter((checkpoint) => checkpoint.proved);
  const dropped = proved.filter(({ reason }) => reason === 'retention').sort((a, b) => b.seq - a.seq);
  const begin = dropped.find(({ seq }) => seq === first - 1) ?? proved.find(({ seq }) => seq === from - 1);
  if (begin) return begin;
  if (from > 1) {
    const before = await pool.query<{ hash: Buffer }>('SELECT hash FROM audit_event WHERE seq = $1 LIMIT 1', [
      from - 1,
    ]);
    const hash = before.rows[0]?.hash.toString('base64url');
    if (hash) return { seq: from - 1, hash };
  }
  return first === 1 ? genesis : (dropped[0] ?? genesis);
}

/** Events that are missing at the beginning may be those that an unknown key signed off. */
function explained({ seq, problem, isGap }: Problem, after: ChainEnd, held: readonly HeldCheckpoint[]): Problem {
  const unknown = held.find(({ proved, reason }) => !proved && reason === 'retention');
  if (seq !== after.seq + 1 || !unknown || !isGap) return { seq, problem };
  return { seq, problem: `${problem}, and key ${unknown.keyId}, which signed that they were dropped, is not known` };
}

export function counted(checkpoints: readonly HeldCheckpoint[]) {
  return { checkpoints: checkpoints.length, unproved: checkpoints.filter(({ proved }) => !proved).length };
}

async function* batches(pool: pg.Pool, from: number, to: number): AsyncGenerator<SealedEvent[]> {
  let read: { seq: number; sealedAt: Date | string } = { seq: from, sealedAt: '-infinity' };
  for (;;) {
    const { rows } = await pool.query<EventRecord>(
      `SELECT ${EVENT_COLUMNS} FROM audit_event WHERE (seq, sealed_at) > ($1, $2) AND seq <= $3
        ORDER BY seq, sealed_at LIMIT $4`,
      [read.seq, read.sealedAt, to, VERIFY_BATCH],
    );
    const events = rows.map(eventOf);
    yield events;
    const last = events.at(-1);
    if (!last || events.length < VERIFY_BATCH) return;
    read = last;
  }
}

function chainEnd({ seq, hash }: ChainHead): ChainEnd {
  return { seq, hash: hash.toString('base64url') };
}

// Proves that nothing in the sealed log was altered: computes the chain, or a part of it, again and
// compares it with the checkpoints. What was erased the log must tell of.
import type { KeyObject } from 'node:crypto';
import type pg from 'pg';
import type { Database } from '../../platform/database.ts';
import { contentProblem, GENESIS_HASH, type SealedEvent } from '../canonical-event.ts';
import { type ChainHead, EVENT_COLUMNS, type EventRecord, eventOf, firstFrom, readHead } from '../event-rows.ts';
import { type ChainEnd, type ChainLink, createChainCheck, type Problem } from './chain-check.ts';
import { storedCheckpoints } from './checkpoint-records.ts';
import { createErasureCover } from './erasure-cover.ts';
import { type HeldCheckpoint, holdCheckpoints } from './held-checkpoints.ts';
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
      const result = await verifyOnce(options, from);
      const now = await firstFrom(pool, from);
      // A month that was dropped meanwhile seems to be missing: the rest is proved once more.
      if (result.intact || now === first) return result;
      first = now;
    }
  }

  async function verifyOnce(options: VerifyOptions, from: number): Promise<VerifyResult> {
    const { keys = new Map(), onProgress = () => undefined } = options;
    const head = chainEnd(await readHead(pool));
    const stored = await storedCheckpoints(pool, from);
    const { held, forged, accepted } = holdCheckpoints([...stored, ...(options.checkpoints ?? [])], keys);
    if (forged) return { intact: false, ...forged };
    const to = Math.min(options.to ?? head.seq, head.seq);
    const after = await startOf(pool, from, held);
    const total = to - after.seq;
    const checkpoints = held.filter(({ seq }) => seq > after.seq && seq <= (options.to ?? seq));
    const check = createChainCheck({ after, checkpoints, gaps: false });
    const erasures = createErasureCover();
    for await (const events of batches(pool, from, to)) {
      for (const event of events) {
        const problem = check.take(linkOf(event), contentProblem(event));
        if (problem) return { intact: false, ...explained(problem, after, held) };
        erasures.take(event);
      }
      onProgress(check.summary().count, total);
    }
    const problem =
      check.finish({ seq: options.to ?? head.seq }) ??
      (to === head.seq ? await endProblem(check.summary(), head) : null) ??
      (await erasures.problem(pool, to));
    if (problem) return { intact: false, ...problem };
    return { intact: true, ...check.summary(), erased: erasures.erased(), accepted, ...counted(checkpoints) };
  }

  async function endProblem(last: ChainEnd, head: ChainEnd): Promise<Problem | null> {
    if (last.seq > 0 && last.hash !== head.hash)
      return { seq: last.seq, problem: `event ${last.seq} is not the one that the head of the chain names` };
    const beyond = await pool.query<{ seq: string }>(
      'SELECT seq FROM audit_event WHERE seq > (SELECT seq FROM audit_head WHERE id = 1) ORDER BY seq LIMIT 1',
    );
    const seq = Number(beyond.rows[0]?.seq ?? 0);
    return seq > 0 ? { seq, problem: `event ${seq} was inserted past the head of the chain` } : null;
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

export function linkOf({ seq, prevHash, hash }: SealedEvent): ChainLink {
  return { seq, prevHash: prevHash.toString('base64url'), hash: hash.toString('base64url') };
}

function chainEnd({ seq, hash }: ChainHead): ChainEnd {
  return { seq, hash: hash.toString('base64url') };
}

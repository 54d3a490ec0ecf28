// What others than the database know of the log: this process, which has sealed and signed, and the
// file of checkpoints. Whoever owns the database can rewrite the table, but neither of them.
import type { KeyObject } from 'node:crypto';
import { appendFile, open } from 'node:fs/promises';
import type { Database } from '../../platform/database.ts';
import { type Epoch, isOlder, readEpoch } from '../../platform/postgres/epoch.ts';
import { missing } from '../canonical-event.ts';
import { readHead } from '../event-rows.ts';
import type { Problem } from './chain-check.ts';
import type { NamedEvent } from './checkpoint-link.ts';
import { acceptances, storedCheckpoints } from './checkpoint-records.ts';
import { isVoid } from './held-checkpoints.ts';
import { type Checkpoint, isSigned, parseCheckpoints } from './signed-checkpoint.ts';

/** The newest lines of the file: some hundreds. */
const TAIL_BYTES = 256 * 1_024;

interface Known extends NamedEvent {
  /** When it was known. */
  readonly at: Date;
  readonly by: string;
  /** In which epoch of PostgreSQL; null where that is not known. */
  readonly epoch: Epoch | null;
}

export interface WitnessOptions {
  readonly database: Pick<Database, 'pool' | 'clock'>;
  readonly keys: ReadonlyMap<string, KeyObject>;
  readonly file: string | null;
}

export function createWitness({ database: { pool, clock }, keys, file }: WitnessOptions) {
  let sealed: Known | null = null;
  let signed: Known | null = null;
  /** As it was when it was last asked. */
  let present: Epoch | null = null;

  /** The newest that counts in the file. */
  async function filed(accepted: readonly Checkpoint[]): Promise<Known | null> {
    const counting = (await readTail(file)).filter((checkpoint) => !isVoid(checkpoint, accepted));
    const newest = counting.reduce<Checkpoint | null>((best, one) => (best && best.seq >= one.seq ? best : one), null);
    if (newest === null) return null;
    const epoch = isSigned(newest, keys) ? (newest.link?.epoch?.name ?? null) : null;
    return { ...newest, epoch, at: new Date(newest.madeAt), by: `the checkpoint of ${newest.madeAt} in the file` };
  }

  async function agrees({ seq, hash, by }: Known): Promise<Problem | null> {
    const { rows } = await pool.query<{ hash: Buffer }>('SELECT hash FROM audit_event WHERE seq = $1', [seq]);
    const found = rows.map((row) => row.hash.toString('base64url'));
    if (found.includes(hash)) return null;
    if (found.length > 0)
      return { seq, problem: `event ${seq} is not the one that ${by} names: the log was rewritten` };
    const head = await readHead(pool);
    if (seq > head.seq)
      return { seq: head.seq + 1, problem: `${missing(head.seq + 1, seq)}: ${by} names event ${seq}` };
    return (await isDropped(seq)) ? null : { seq, problem: `${missing(seq, seq)}: ${by} names it` };
  }

  /** Whether a checkpoint of ours says that its month was dropped. */
  async function isDropped(seq: number): Promise<boolean> {
    const kept = await storedCheckpoints(pool, Number.MAX_SAFE_INTEGER);
    return kept.some((one) => one.reason === 'retention' && one.seq >= seq && isSigned(one, keys));
  }

  return {
    /** The newest event that this process has sealed itself. */
    noteSealed(point: NamedEvent): void {
      sealed = { ...point, at: clock.now(), by: 'the memory of the worker', epoch: present };
    },

    /** Appends a checkpoint to the file, and remembers it. */
    async keep(checkpoint: Checkpoint): Promise<void> {
      const { seq, hash, madeAt, reason, link } = checkpoint;
      if (file !== null) await appendLine(file, JSON.stringify(checkpoint));
      if (reason === 'retention') return; // names an older event than the one before it
      const by = `the checkpoint of ${madeAt} that the worker has signed`;
      signed = { seq, hash, at: new Date(madeAt), by, epoch: link?.epoch?.name ?? null };
    },

    /** What in the table can't be, by all that is known; null if nothing. */
    async contradiction(): Promise<Problem | null> {
      const accepted = (await acceptances(pool)).filter((one) => isSigned(one, keys));
      const newest = accepted
        .map(({ madeAt }) => madeAt)
        .sort()
        .at(-1);
      if (newest !== undefined) {
        if (sealed && sealed.at.toISOString() < newest) sealed = null;
        if (signed && signed.at.toISOString() < newest) signed = null;
      }
      present = await readEpoch(pool);
      for (const known of [await filed(accepted), signed, sealed]) {
        const problem = known && (await agrees(known));
        if (problem) return known.epoch && present && isOlder(known.epoch, present) ? lostBy(problem, known) : problem;
      }
      return null;
    },

    /** All that the file says. */
    filed: () => readTail(file, Number.POSITIVE_INFINITY),
  };
}

function lostBy({ seq }: Problem, known: Known): Problem {
  const problem = `events up to ${known.seq}, which ${known.by} names, were lost when PostgreSQL failed over`;
  return { seq, problem, lost: { from: seq, to: known.seq } };
}

/** On a line of its own, also after a process that was killed while it wrote one. */
async function appendLine(file: string, line: string): Promise<void> {
  const before = await readEnd(file, 1);
  const begin = before === '' || before === '\n' ? '' : '\n';
  await appendFile(file, `${begin}${line}\n`, { mode: 0o640 });
}

/** A line that is no checkpoint, as a process leaves that is killed while it writes, is passed over. */
async function readTail(file: string | null, bytes = TAIL_BYTES): Promise<Checkpoint[]> {
  return file === null ? [] : (await readEnd(file, bytes)).split('\n').flatMap(lenient);
}

async function readEnd(file: string, bytes: number): Promise<string> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (handle === null) return '';
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - bytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function lenient(line: string): Checkpoint[] {
  try {
    return parseCheckpoints(line);
  } catch {
    return [];
  }
}

// Proves an export as verify-log.ts proves the log, with no database. Parts of whole lines are
// checked apart, in threads if there are any, and joined in their order.
import type { KeyObject } from 'node:crypto';
import type { Readable } from 'node:stream';
import { GENESIS_HASH } from '../canonical-event.ts';
import { type ChainLink, createChainCheck } from './chain-check.ts';
import { type CheckedLines, checkLines } from './export-lines.ts';
import { type HeldCheckpoint, holdCheckpoints } from './held-checkpoints.ts';
import type { Checkpoint } from './signed-checkpoint.ts';
import { counted, type VerifyResult } from './verify-log.ts';

export interface VerifyExportOptions {
  readonly checkpoints: readonly Checkpoint[];
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** The export was filtered: events may be left out. */
  readonly filtered: boolean;
  /** Where the export ends on purpose. */
  readonly to?: number;
  readonly onProgress?: (bytes: number) => void;
  /** Starts what checks the parts; without it they are checked here, one after another. */
  readonly startWorkers?: (about: { checkpoints: readonly HeldCheckpoint[]; gaps: boolean }) => LineCheckers;
}

export interface LineCheckers {
  /** How many parts to read ahead. */
  readonly ahead: number;
  check(bytes: Buffer<ArrayBuffer>): Promise<CheckedLines | null>;
  stop(): Promise<void>;
}

/** Names the first event that is wrong, or says what is proved. Throws at a line that is no event. */
export async function verifyExport(input: Readable, options: VerifyExportOptions): Promise<VerifyResult> {
  const { held, forged, accepted } = holdCheckpoints(options.checkpoints, options.keys);
  if (forged) return { intact: false, ...forged };
  const checkpoints = held.filter(({ seq }) => seq <= (options.to ?? seq));
  const about = { checkpoints, gaps: options.filtered };
  const workers = options.startWorkers?.(about) ?? {
    ahead: 0,
    check: async (bytes) => checkLines(bytes, about),
    stop: async () => undefined,
  };
  let check: ReturnType<typeof createChainCheck> | null = null;
  let erased = 0;
  try {
    for await (const part of inOrder(partsOf(input, options.onProgress), workers)) {
      check ??= startCheck(part.first, checkpoints, options.filtered);
      const problem = check.join(part);
      if (problem) return { intact: false, ...problem };
      erased += part.erased;
    }
  } finally {
    await workers.stop();
  }
  const whole = check ?? createChainCheck({ after: null, ...about });
  const missing = options.filtered ? null : whole.finish(options.to === undefined ? null : { seq: options.to });
  if (missing) return { intact: false, ...missing };
  return { intact: true, ...whole.summary(), erased, accepted, ...counted(checkpoints) };
}

/** Cuts what is read after its last whole line. */
async function* partsOf(input: Readable, onProgress: (bytes: number) => void = () => undefined) {
  let rest: Buffer<ArrayBuffer> = Buffer.alloc(0);
  let bytes = 0;
  for await (const chunk of input as AsyncIterable<Buffer<ArrayBuffer>>) {
    const end = chunk.lastIndexOf(10) + 1;
    bytes += chunk.length;
    onProgress(bytes);
    if (end > 0) yield Buffer.concat([rest, chunk.subarray(0, end)]);
    rest = end > 0 ? Buffer.from(chunk.subarray(end)) : Buffer.concat([rest, chunk]);
  }
  if (rest.length > 0) yield rest;
}

/** Checks several at once and yields them in their order. */
async function* inOrder(parts: AsyncIterable<Buffer<ArrayBuffer>>, { ahead, check }: LineCheckers) {
  const checking: Promise<CheckedLines | null>[] = [];
  const next = async function* (most: number) {
    while (checking.length > most) {
      const part = await checking.shift();
      if (part) yield part;
    }
  };
  for await (const bytes of parts) {
    const checked = check(bytes);
    checked.catch(() => undefined); // awaited in its turn, unless an earlier part ends the verification
    checking.push(checked);
    yield* next(ahead);
  }
  yield* next(0);
}

/** The log begins with event 1 or after a checkpoint for retention; any other start is trusted. */
function startCheck(first: ChainLink, checkpoints: readonly HeldCheckpoint[], gaps: boolean) {
  const cut = checkpoints.find(({ seq, reason, proved }) => proved && seq === first.seq - 1 && reason === 'retention');
  const genesis = first.seq <= 1 ? { seq: 0, hash: GENESIS_HASH.toString('base64url') } : null;
  return createChainCheck({ after: cut ?? genesis, checkpoints, gaps });
}

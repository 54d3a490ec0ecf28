// The same proof for an export, with no database: stretches of whole lines, each checked by itself, wherever, and joined in
// their order.
import type { KeyObject } from 'node:crypto';
import type { Readable } from 'node:stream';
import { GENESIS_HASH } from '../canonical-event.ts';
import { createChainCheck, type Link } from './chain-check.ts';
import { checkStretch, type ExportStretch } from './export-lines.ts';
import { type Checkpoint, type HeldCheckpoint, holdCheckpoints } from './signed-checkpoint.ts';
import { counted, type VerifyResult } from './verify-log.ts';

export interface VerifyExportOptions {
  readonly checkpoints: readonly Checkpoint[];
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** The export was filtered: events may be left out. */
  readonly filtered: boolean;
  /** The export ends here on purpose. */
  readonly to?: number;
  readonly onProgress?: (bytes: number) => void;
  /** Where stretches are checked, given the checkpoints that count; without it here, one after another. */
  readonly startWorkers?: (about: { checkpoints: readonly HeldCheckpoint[]; gaps: boolean }) => StretchWorkers;
}

export interface StretchWorkers {
  /** How many stretches to read ahead. */
  readonly ahead: number;
  check(bytes: Buffer<ArrayBuffer>): Promise<ExportStretch | null>;
  stop(): Promise<void>;
}

/** Names the first event of an export that is wrong, or says what is proved. Throws at a line that is no event. */
export async function verifyExport(input: Readable, options: VerifyExportOptions): Promise<VerifyResult> {
  const { held, spoilt } = holdCheckpoints(options.checkpoints, options.keys);
  if (spoilt) return { intact: false, ...spoilt };
  const checkpoints = held.filter(({ seq }) => seq <= (options.to ?? seq));
  const about = { checkpoints, gaps: options.filtered };
  const workers = options.startWorkers?.(about) ?? {
    ahead: 0,
    check: async (bytes) => checkStretch(bytes, about),
    stop: async () => undefined,
  };
  let check: ReturnType<typeof createChainCheck> | null = null;
  let erased = 0;
  try {
    for await (const stretch of inOrder(stretchesOf(input, options.onProgress), workers)) {
      check ??= startCheck(stretch.first, checkpoints, options.filtered);
      const problem = check.join(stretch);
      if (problem) return { intact: false, ...problem };
      erased += stretch.erased;
    }
  } finally {
    await workers.stop();
  }
  const whole = check ?? createChainCheck({ after: null, ...about });
  const missing = options.filtered ? null : whole.finish(options.to === undefined ? null : { seq: options.to });
  if (missing) return { intact: false, ...missing };
  return { intact: true, ...whole.summary(), erased, ...counted(checkpoints) };
}

/** What is read, cut behind the last line that is whole. */
async function* stretchesOf(input: Readable, onProgress: (bytes: number) => void = () => undefined) {
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

/** Checks several at once, and hands them on in their order. */
async function* inOrder(stretches: AsyncIterable<Buffer<ArrayBuffer>>, { ahead, check }: StretchWorkers) {
  const checking: Promise<ExportStretch | null>[] = [];
  const next = async function* (most: number) {
    while (checking.length > most) {
      const stretch = await checking.shift();
      if (stretch) yield stretch;
    }
  };
  for await (const bytes of stretches) {
    const checked = check(bytes);
    checked.catch(() => undefined); // thrown when its turn comes, unless an earlier one ends it
    checking.push(checked);
    yield* next(ahead);
  }
  yield* next(0);
}

/** A whole log begins with event 1, and one that retention has cut behind the checkpoint of that; any other is believed. */
function startCheck(first: Link, checkpoints: readonly HeldCheckpoint[], gaps: boolean) {
  const cut = checkpoints.find(({ seq, reason, proved }) => proved && seq === first.seq - 1 && reason === 'retention');
  const genesis = first.seq <= 1 ? { seq: 0, hash: GENESIS_HASH.toString('base64url') } : null;
  return createChainCheck({ after: cut ?? genesis, checkpoints, gaps });
}

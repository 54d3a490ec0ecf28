// Proves an export as verify-log.ts proves the log, with no database. Parts of whole lines are
// checked apart, in threads if there are any, and joined in their order.
import type { KeyObject } from 'node:crypto';
import type { Readable } from 'node:stream';
import { GENESIS_HASH, missing } from '../../canonical-event.ts';
import { createListing } from '../../reading/listing.ts';
import { type ChainLink, createChainCheck, type Gap, type Problem } from '../chain-check.ts';
import { type HeldCheckpoint, holdCheckpoints } from '../held-checkpoints.ts';
import type { Checkpoint } from '../signed-checkpoint.ts';
import { counted, type VerifyResult } from '../verify-log.ts';
import { type CheckedLines, checkLines, findManifest } from './export-lines.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import { type Attested, checkManifest } from './manifest-check.ts';

export interface VerifyExportOptions {
  readonly checkpoints: readonly Checkpoint[];
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** An export without a manifest was filtered: events may be left out. */
  readonly filtered: boolean;
  /** Its manifest, or a checkpoint that names one of its events, must be signed with one of the keys. */
  readonly needsSignature?: boolean;
  /** Where the export ends on purpose. */
  readonly to?: number;
  readonly onProgress?: (bytes: number) => void;
  /** Starts what checks the parts; without it they are checked here, one after another. */
  readonly startWorkers?: (about: { checkpoints: readonly HeldCheckpoint[] }) => LineCheckers;
}

export interface LineCheckers {
  /** How many parts to read ahead. */
  readonly ahead: number;
  check(bytes: Buffer<ArrayBuffer>): Promise<CheckedLines>;
  stop(): Promise<void>;
}

/** What is proved of an export besides its events. */
export type VerifiedExport = VerifyResult & {
  /** Null: it has no manifest, or it is not intact. */
  readonly manifest: Attested | null;
  /** Every line is right, but events are left out and no manifest says why, or none of the given keys has signed it. */
  readonly sound?: { readonly count: number; readonly pieces: number };
};

/**
 * Names the first event that is wrong, or says what is proved. Events that are left out are no problem
 * where the manifest tells of a filter, or `filtered` does. Throws at a line that is no event.
 */
export async function verifyExport(input: Readable, options: VerifyExportOptions): Promise<VerifiedExport> {
  const { keys, onProgress } = options;
  const { held, forged, accepted } = holdCheckpoints(options.checkpoints, keys);
  if (forged) return { intact: false, ...forged, manifest: null };
  const checkpoints = held.filter(({ seq }) => seq <= (options.to ?? seq));
  const workers = options.startWorkers?.({ checkpoints }) ?? checkedHere(checkpoints);
  const listing = createListing();
  let check: ReturnType<typeof createChainCheck> | null = null;
  let erased = 0;
  let problem: Problem | null = null;
  let line: string | null = null;
  const checker = {
    ahead: workers.ahead,
    check: async (bytes: Buffer<ArrayBuffer>) => (problem ? findManifest(bytes) : workers.check(bytes)),
  };
  try {
    for await (const lines of inOrder(partsOf(input, onProgress), checker)) {
      const { part } = lines;
      if (lines.goesOn || (line !== null && (part || lines.manifest))) problem ??= ADDED;
      line ??= lines.manifest;
      if (!part || problem) continue;
      check ??= startCheck(part.first, checkpoints);
      problem = check.join(part);
      for (const [index, seq] of lines.seqs.entries()) listing.add(seq, lines.listed[index] ?? '');
      erased += lines.erased;
    }
  } finally {
    await workers.stop();
  }
  const manifest = line === null ? null : readManifest(line);
  const chain = check ?? createChainCheck({ after: null, checkpoints, gaps: true });
  const proved = chain.summary();
  const filtered = manifest ? Object.keys(manifest.manifest.filter).length > 0 : options.filtered;
  const gap = filtered ? null : gapProblem(chain.gap());
  if (gap && !manifest && !problem) return { intact: false, ...gap, sound: proved, manifest: null };
  const found = gap ?? problem;
  if (found) return { intact: false, ...found, manifest: null };
  const attested = manifest && checkManifest(manifest, listing.summary(), keys);
  if (attested && 'problem' in attested) return { intact: false, ...attested, manifest: null };
  const end = options.to ?? manifest?.manifest.to;
  const lost = filtered ? null : chain.finish(end === undefined ? null : { seq: end }, end);
  if (lost) return { intact: false, ...lost, manifest: attested };
  if (options.needsSignature && !attested?.proved && proved.confirmed === 0)
    return { intact: false, ...unsigned(attested), sound: proved, manifest: attested };
  return { intact: true, ...proved, erased, accepted, tree: null, ...counted(checkpoints), manifest: attested };
}

const ADDED: Problem = { seq: 0, problem: 'lines were added after the manifest, which is the last one' };

/** Whoever made the file could have made its hashes, and cut it where they liked. */
function unsigned(attested: Attested | null): Problem {
  const why = attested
    ? `nobody signed its manifest: ${attested.unsigned}`
    : 'it has no manifest that a key has signed';
  return { seq: 0, problem: why };
}

function checkedHere(checkpoints: readonly HeldCheckpoint[]): LineCheckers {
  return {
    ahead: 0,
    check: async (bytes) => checkLines(bytes, { checkpoints }),
    stop: async () => undefined,
  };
}

function gapProblem(gap: Gap | null): Problem | null {
  return gap && { seq: gap.first, problem: missing(gap.first, gap.last), isGap: true };
}

function readManifest(line: string): Manifest {
  const manifest = parseManifest(line);
  if (!manifest) throw new Error('The manifest of the export was altered, or a newer version wrote it.');
  return manifest;
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
async function* inOrder(parts: AsyncIterable<Buffer<ArrayBuffer>>, { ahead, check }: Omit<LineCheckers, 'stop'>) {
  const checking: Promise<CheckedLines>[] = [];
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
function startCheck(first: ChainLink, checkpoints: readonly HeldCheckpoint[]) {
  const cut = checkpoints.find(({ seq, reason, proved }) => proved && seq === first.seq - 1 && reason === 'retention');
  const genesis = first.seq <= 1 ? { seq: 0, hash: GENESIS_HASH.toString('base64url') } : null;
  return createChainCheck({ after: cut ?? genesis, checkpoints, gaps: true });
}

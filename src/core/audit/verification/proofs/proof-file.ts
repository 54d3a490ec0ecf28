// One event, and what proves that the log has it, as a text of its own (C2SP tlog-proof). Pure.
import type { KeyObject } from 'node:crypto';
import { leafHash, rootOfInclusion } from '../../tree/merkle.ts';
import { headOf, isSignedBy, lineBy, type NamedKey, type Note, parseNote, timeOf } from '../../tree/signed-note.ts';
import { checkLines } from '../exports/export-lines.ts';

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
const MOST_CHARS = 1 << 20;

export interface EventProof {
  /** The event as a line of an NDJSON export. */
  readonly line: string;
  /** Of its leaf, from 0. */
  readonly index: number;
  readonly hashes: readonly Buffer[];
  /** A checkpoint with the lines of its witnesses. */
  readonly note: string;
}

export function writeProof({ line, index, hashes, note }: EventProof): string {
  const proof = hashes.map((hash) => `${hash.toString('base64')}\n`).join('');
  return `${FIRST_LINE}\nextra ${Buffer.from(line).toString('base64')}\nindex ${index}\n${proof}\n${note}`;
}

/** Null where the text is none. */
export function readProof(text: string): EventProof | null {
  const end = text.indexOf('\n\n');
  if (text.length > MOST_CHARS || end < 0) return null;
  const [first, extra = '', at = '', ...proof] = text.slice(0, end).split('\n');
  const [, line] = /^extra ([A-Za-z0-9+/]+={0,2})$/.exec(extra) ?? [];
  const [, index] = /^index (0|[1-9]\d{0,15})$/.exec(at) ?? [];
  if (first !== FIRST_LINE || line === undefined || index === undefined) return null;
  const hashes = proof.map((hash) => Buffer.from(hash, 'base64'));
  if (hashes.some((hash) => hash.length !== 32)) return null;
  return { line: Buffer.from(line, 'base64').toString(), index: Number(index), hashes, note: text.slice(end + 2) };
}

export interface ProvedEvent {
  readonly intact: true;
  readonly event: Readonly<Record<string, unknown>>;
  readonly origin: string;
  readonly size: number;
  /** Whether a key that was given has signed the checkpoint. */
  readonly proved: boolean;
  /** Those of the witnesses given that have signed it, and when. */
  readonly witnesses: readonly { readonly name: string; readonly at: string }[];
}

export type ProofResult = ProvedEvent | { readonly intact: false; readonly problem: string };

export interface Believed {
  readonly keys: ReadonlyMap<string, KeyObject>;
  readonly witnesses: readonly NamedKey[];
}

/** Whether the checkpoint's tree has the event, by the text alone. */
export function verifyProof(text: string, believed: Believed): ProofResult {
  const proof = readProof(text);
  const note = proof && parseNote(proof.note);
  const head = note && headOf(note);
  if (!proof || !head) return wrong('it is no proof of an event');
  const part = eventIn(proof.line);
  if (part?.problem) return wrong(part.problem.problem);
  if (part?.count !== 1) return wrong('it does not hold one event');
  const leaf = leafHash(Buffer.from(part.last.hash, 'base64url'));
  const root = rootOfInclusion(leaf, { index: proof.index, size: head.size, proof: proof.hashes });
  if (!root?.equals(head.root)) return wrong(`the tree of the checkpoint does not have event ${part.last.seq}`);
  const event = JSON.parse(proof.line) as Record<string, unknown>;
  if ('actorEmail' in event || 'subjectEmail' in event)
    return wrong('it holds an address of an account, which no hash covers');
  const signature = signedBy(note, head.origin, believed);
  if (typeof signature === 'string') return wrong(signature);
  return { intact: true, event, origin: head.origin, size: head.size, ...signature };
}

/** Null where it is no event, or more than that. */
function eventIn(line: string) {
  try {
    const { part, manifest } = checkLines(Buffer.from(line), { checkpoints: [] });
    return manifest === null ? part : null;
  } catch {
    return null;
  }
}

function signedBy(note: Note, origin: string, { keys, witnesses }: Believed) {
  const answers = [...keys.values()].map((publicKey) => isSignedBy(note, { name: origin, publicKey, type: 1 }));
  if (answers.includes(false)) return 'the checkpoint was altered: its key did not sign it';
  if (keys.size > 0 && !answers.includes(true)) return 'none of the keys given has signed the checkpoint';
  const missing = witnesses.find((witness) => isSignedBy(note, witness) !== true);
  if (missing) return `the witness ${missing.name} has not signed the checkpoint`;
  const seen = witnesses.map((witness) => ({ name: witness.name, at: seenAt(note, witness) }));
  return { proved: answers.includes(true), witnesses: seen };
}

function seenAt(note: Note, witness: NamedKey): string {
  const line = lineBy(note, witness);
  return new Date(1_000 * ((line && timeOf(line)) ?? 0)).toISOString();
}

function wrong(problem: string): ProofResult {
  return { intact: false, problem };
}

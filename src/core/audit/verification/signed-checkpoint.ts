// A checkpoint: a signed statement of where the log ended at a time. The key is not in the
// database, so whoever owns the database can rewrite or shorten the log, but not make it agree with
// a checkpoint that is kept elsewhere. Pure: no store, no clock.
import { type KeyObject, sign, verify } from 'node:crypto';
import canonicalize from 'canonicalize';
import * as z from 'zod';
import type { SigningKey } from '../ed25519.ts';
import { headOf, isSignedBy, type NoteHead, parseNote } from '../tree/signed-note.ts';
import { type CheckpointLink, isLinkSigned, linkSchema, type Named, signLink } from './checkpoint-link.ts';

export type CheckpointReason = 'schedule' | 'retention' | 'command' | 'accepted' | 'export';

/** The last event of the log at a time. */
export interface ChainPoint {
  readonly seq: number;
  /** base64url */
  readonly hash: string;
  readonly sealedAt: string;
}

export interface Checkpoint extends ChainPoint {
  readonly v: 1;
  readonly madeAt: string;
  readonly reason: string;
  readonly keyId: string;
  /** Ed25519 over the canonical JSON of the rest, but for `link`; base64url. */
  readonly signature: string;
  /** Missing in those of older versions. */
  readonly link?: CheckpointLink | undefined;
  /** The root of the tree up to this event, as a signed note (C2SP tlog-checkpoint). Missing where there was none. */
  readonly tree?: string | undefined;
}

export function signCheckpoint(
  { seq, hash, sealedAt }: ChainPoint,
  { reason, madeAt, key, named }: { reason: CheckpointReason; madeAt: Date; key: SigningKey; named?: Named },
): Checkpoint {
  const unsigned = { v: 1, seq, hash, sealedAt, madeAt: madeAt.toISOString(), reason, keyId: key.id } as const;
  const signature = sign(null, signedBytes(unsigned), key.privateKey).toString('base64url');
  return { ...unsigned, signature, ...(named ? { link: signLink(signature, named, key.privateKey) } : {}) };
}

/** Null if the key that it names is none of these. */
export function isSigned(checkpoint: Checkpoint, keys: ReadonlyMap<string, KeyObject>): boolean | null {
  const { signature, link, tree } = checkpoint;
  const key = keys.get(checkpoint.keyId);
  if (!key) return null;
  if (tree !== undefined && !isTreeSigned(tree, key)) return false;
  if (!verify(null, signedBytes(checkpoint), key, Buffer.from(signature, 'base64url'))) return false;
  return link === undefined || isLinkSigned(signature, link, key);
}

function isTreeSigned(tree: string, publicKey: KeyObject): boolean {
  const note = parseNote(tree);
  const head = note && headOf(note);
  return note !== null && head !== null && isSignedBy(note, { name: head.origin, publicKey, type: 1 }) === true;
}

/** The head of the tree that a checkpoint names; null if none, or one that can't be read. */
export function treeHeadOf({ tree }: Pick<Checkpoint, 'tree'>): NoteHead | null {
  const note = tree === undefined ? null : parseNote(tree);
  return note && headOf(note);
}

function signedBytes(checkpoint: Omit<Checkpoint, 'signature'>): Buffer {
  const { v, seq, hash, sealedAt, madeAt, reason, keyId: key } = checkpoint;
  const unsigned = { v, seq, hash, sealedAt, madeAt, reason, keyId: key };
  return Buffer.from(`holdfast audit checkpoint ${canonicalize(unsigned)}`);
}

/** Of another version it may have more: that is passed over. */
export const checkpointSchema = z.object({
  v: z.literal(1),
  seq: z.int().min(1),
  hash: z.string().length(43),
  sealedAt: z.iso.datetime(),
  madeAt: z.iso.datetime(),
  reason: z.string(),
  keyId: z.string(),
  signature: z.string(),
  link: linkSchema.optional(),
  tree: z.string().optional(),
});

/** From lines of JSON, also of the program's log. Throws at a line that holds no checkpoint. */
export function parseCheckpoints(text: string): Checkpoint[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const parsed = checkpointSchema.safeParse(unwrapped(line));
    if (!parsed.success)
      throw new Error(`Line ${index + 1} is no checkpoint: ${parsed.error.issues[0]?.message ?? ''}`);
    return [parsed.data];
  });
}

function unwrapped(line: string): unknown {
  try {
    const value = JSON.parse(line) as { checkpoint?: unknown };
    return value?.checkpoint ?? value;
  } catch {
    return null;
  }
}

// The Merkle tree of RFC 6962 and RFC 9162 over SHA-256: hashes, and the checking of proofs. Pure.
import { hash } from 'node:crypto';

export const HASH_BYTES = 32;

/** The root of no leaves. */
export const EMPTY_ROOT = hash('sha256', '', 'buffer');

const LEAF = Buffer.alloc(1);
const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

/** Of a leaf's data, which for an event is its hash in the chain. */
export function leafHash(data: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([LEAF, data]), 'buffer');
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return hash('sha256', nodeInput, 'buffer');
}

/** The hash of a complete subtree over 1, 2, 4, … hashes that stand one after another. */
export function completeHash(hashes: Buffer): Buffer {
  let level = Buffer.from(hashes);
  for (let count = level.length / HASH_BYTES; count > 1; count /= 2) {
    const above = Buffer.allocUnsafe((count / 2) * HASH_BYTES);
    for (let at = 0; at < count / 2; at += 1) {
      const from = 2 * at * HASH_BYTES;
      const node = nodeHash(
        level.subarray(from, from + HASH_BYTES),
        level.subarray(from + HASH_BYTES, from + 2 * HASH_BYTES),
      );
      node.copy(above, at * HASH_BYTES);
    }
    level = above;
  }
  return level;
}

/** The root that a leaf and its inclusion proof lead to (RFC 9162, 2.1.3.2); null where the proof has another length. */
export function rootOfInclusion(
  leaf: Buffer,
  { index, size, proof }: { index: number; size: number; proof: readonly Buffer[] },
): Buffer | null {
  if (!(index >= 0 && index < size)) return null;
  let [node, last, root] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) return null;
    if (isOdd(node) || node === last) {
      root = nodeHash(sibling, root);
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)];
    } else root = nodeHash(root, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? root : null;
}

export interface TreeHead {
  readonly size: number;
  readonly root: Buffer;
}

/** Whether the larger tree only adds leaves to the smaller one (RFC 9162, 2.1.4.2). */
export function isConsistent(older: TreeHead, newer: TreeHead, proof: readonly Buffer[]): boolean {
  if (older.size > newer.size) return false;
  if (older.size === newer.size) return proof.length === 0 && older.root.equals(newer.root);
  if (older.size === 0) return proof.length === 0 && older.root.equals(EMPTY_ROOT);
  const path = isPowerOfTwo(older.size) ? [older.root, ...proof] : [...proof];
  const [begin] = path;
  if (!begin) return false;
  let [node, last] = [older.size - 1, newer.size - 1];
  while (isOdd(node)) [node, last] = [half(node), half(last)];
  let [oldRoot, newRoot] = [begin, begin];
  for (const sibling of path.slice(1)) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      oldRoot = nodeHash(sibling, oldRoot);
      newRoot = nodeHash(sibling, newRoot);
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)];
    } else newRoot = nodeHash(newRoot, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && oldRoot.equals(older.root) && newRoot.equals(newer.root);
}

// Bit operations end at 31 bits; a log may be longer.

function isOdd(value: number): boolean {
  return value % 2 === 1;
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function isPowerOfTwo(value: number): boolean {
  return 2 ** Math.round(Math.log2(value)) === value;
}

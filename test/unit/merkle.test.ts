// The tree over the log against the words of RFC 9162, the vectors of Certificate Transparency, and Sigstore's code.
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { LogCheckpoint, verifyCheckpoint } from '@sigstore/verify/dist/tlog/checkpoint.js';
import { verifyMerkleInclusion } from '@sigstore/verify/dist/tlog/merkle.js';
import fc from 'fast-check';
import { rawPublicKey } from '../../src/core/audit/ed25519.ts';
import { growFrom, openTree, type Tile } from '../../src/core/audit/tree/growing-tree.ts';
import { EMPTY_ROOT, isConsistent, leafHash, nodeHash, rootOfInclusion } from '../../src/core/audit/tree/merkle.ts';
import {
  bodyOf,
  cosign,
  headOf,
  idOf,
  isSignedBy,
  parseNote,
  parseVerifierKey,
  signNote,
  verifierKey,
} from '../../src/core/audit/tree/signed-note.ts';
import { consistencyProof, inclusionProof, type ReadTile, rootAt } from '../../src/core/audit/tree/tiles.ts';

const MOST = 600;
const data = (index: number) => createHash('sha256').update(`leaf ${index}`).digest();

/** The definition (RFC 9162, 2.1.1), over hashes of leaves. */
function mth(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return createHash('sha256').digest();
  if (leaves.length === 1) return leaves[0] as Buffer;
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  return createHash('sha256')
    .update(Buffer.concat([Buffer.from([1]), mth(leaves.slice(0, split)), mth(leaves.slice(split))]))
    .digest();
}

const leaves = Array.from({ length: MOST }, (_, index) =>
  createHash('sha256')
    .update(Buffer.concat([Buffer.from([0]), data(index)]))
    .digest(),
);
const roots = Array.from({ length: MOST + 1 }, (_, size) => mth(leaves.slice(0, size)));

/** A tree as the database keeps it. */
function kept(): { write(tiles: readonly Tile[]): void; read: ReadTile; tiles: Map<string, Buffer> } {
  const tiles = new Map<string, Buffer>();
  return {
    tiles,
    write: (changed) => {
      for (const { level, index, hashes } of changed) tiles.set(`${level}/${index}`, hashes);
    },
    read: async (level, index) => {
      const tile = tiles.get(`${level}/${index}`);
      if (!tile) throw new Error(`no tile ${level}/${index}`);
      return tile;
    },
  };
}

async function grown(size: number, steps: readonly number[] = []) {
  const store = kept();
  let at = 0;
  for (const end of [...steps, size]) {
    const tree = await openTree(store.read, at);
    for (; at < end; at += 1) tree.append(data(at));
    store.write(tree.changed());
    expect(tree.head()).toEqual({ size: at, root: roots[at] });
  }
  return store;
}

test('hashes as Certificate Transparency’s vectors say', () => {
  const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  const hashes = inputs.map((hex) => leafHash(Buffer.from(hex, 'hex')));
  expect(EMPTY_ROOT.toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect([1, 2, 3, 4, 5, 6, 7, 8].map((size) => mth(hashes.slice(0, size)).toString('hex'))).toEqual([
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ]);
  expect(nodeHash(hashes[0] as Buffer, hashes[1] as Buffer)).toEqual(mth(hashes.slice(0, 2)));
});

test(`has the root of every size up to ${MOST}, grown at once and in any steps`, async () => {
  const { read } = await grown(MOST);
  for (let size = 0; size <= MOST; size += 1) expect(await rootAt(read, size)).toEqual(roots[size]);
  const steps = fc.uniqueArray(fc.integer({ min: 0, max: MOST }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(steps, async (some) => {
      const { tiles } = await grown(
        MOST,
        [...some].sort((a, b) => a - b),
      );
      expect(tiles).toEqual((await grown(MOST)).tiles);
    }),
    { numRuns: 20 },
  );
  expect(growFrom([], 0).head()).toEqual({ size: 0, root: EMPTY_ROOT });
});

test(`proves every leaf of every size up to ${MOST}, and nothing else`, async () => {
  const { read } = await grown(MOST);
  for (let size = 1; size <= MOST; size += size < 70 ? 1 : 53) {
    for (let index = 0; index < size; index += size < 70 ? 1 : 7) {
      const proof = await inclusionProof(read, index, size);
      const at = { index, size, proof };
      expect(rootOfInclusion(leaves[index] as Buffer, at)).toEqual(roots[size]);
      expect(rootOfInclusion(leaves[(index + 1) % MOST] as Buffer, at)).not.toEqual(roots[size]);
      if (size > 1) {
        expect(rootOfInclusion(leaves[index] as Buffer, { ...at, proof: proof.slice(1) })).not.toEqual(roots[size]);
        expect(rootOfInclusion(leaves[index] as Buffer, { ...at, index: (index + 1) % size })).not.toEqual(roots[size]);
      }
      expect(rootOfInclusion(leaves[index] as Buffer, { ...at, proof: [...proof, data(0)] })).toBeNull();
    }
  }
  expect(rootOfInclusion(leaves[0] as Buffer, { index: 1, size: 1, proof: [] })).toBeNull();
  await expect(inclusionProof(read, 5, 5)).rejects.toThrow('no leaf 5');
});

test(`proves that every tree up to ${MOST} begins with every smaller one, and no other`, async () => {
  const { read } = await grown(MOST);
  const head = (size: number) => ({ size, root: roots[size] as Buffer });
  for (let size = 0; size <= MOST; size += size < 66 ? 1 : 41)
    for (let older = 0; older <= size; older += size < 66 ? 1 : 13) {
      const proof = await consistencyProof(read, older, size);
      expect(isConsistent(head(older), head(size), proof)).toBe(true);
      expect(isConsistent({ size: older, root: data(0) }, head(size), proof)).toBe(false);
      if (older > 0) expect(isConsistent(head(older), { size, root: data(0) }, proof)).toBe(false);
      expect(isConsistent(head(older), head(size), [...proof, data(0)])).toBe(false);
      if (proof.length > 0) expect(isConsistent(head(older), head(size), proof.slice(0, -1))).toBe(false);
    }
  expect(isConsistent(head(3), head(2), [])).toBe(false);
  await expect(consistencyProof(read, 3, 2)).rejects.toThrow('does not begin');
});

describe('a checkpoint', () => {
  const key = generateKeyPairSync('ed25519');
  const origin = 'login.example.org/audit';
  const named = { name: origin, publicKey: key.publicKey, type: 1 } as const;
  const head = { origin, size: 5, root: roots[5] as Buffer };
  const text = signNote(head, key);

  test('is what Sigstore takes, and with it each leaf', async () => {
    const { read } = await grown(MOST);
    for (const size of [1, 2, 3, 5, 256, 257, 511, 600]) {
      const note = signNote({ origin, size, root: roots[size] as Buffer }, key);
      for (const index of new Set([0, 1, Math.floor(size / 2), size - 1].filter((at) => at < size))) {
        const hashes = await inclusionProof(read, index, size);
        const entry = {
          ...{ logIndex: String(index), canonicalizedBody: data(index), integratedTime: '1' },
          inclusionProof: {
            ...{ logIndex: String(index), treeSize: String(size), rootHash: roots[size], hashes },
            checkpoint: { envelope: note },
          },
        };
        const logs = [
          {
            baseURL: origin,
            logID: idOf(named),
            publicKey: key.publicKey,
            validFor: { start: new Date(0), end: new Date(8e15) },
          },
        ];
        const checkpoint = verifyCheckpoint(entry as never, logs as never);
        expect(checkpoint).toMatchObject({ origin, logSize: BigInt(size) });
        expect(() => verifyMerkleInclusion(entry as never, checkpoint)).not.toThrow();
        expect(() =>
          verifyMerkleInclusion({ ...entry, canonicalizedBody: data(index + 1) } as never, checkpoint),
        ).toThrow();
        const other = [{ ...logs[0], publicKey: generateKeyPairSync('ed25519').publicKey }];
        expect(() => verifyCheckpoint(entry as never, other as never)).toThrow();
      }
    }
    expect(LogCheckpoint.fromString(text).logHash).toEqual(roots[5]);
  });

  test('says what it was made of, and nothing altered is believed', () => {
    const note = parseNote(text);
    expect(note && headOf(note)).toEqual(head);
    expect(note?.body).toBe(bodyOf(head));
    expect(note && isSignedBy(note, named)).toBe(true);
    expect(note && isSignedBy(note, { ...named, name: 'another' })).toBeNull();
    const altered = parseNote(text.replace('\n5\n', '\n6\n'));
    expect(altered && isSignedBy(altered, named)).toBe(false);
    for (const none of [
      '',
      'text',
      `${text}x`,
      text.slice(0, -1),
      text.replace('\u2014', '-'),
      `${bodyOf(head)}\n`,
      text.replace('audit', 'a\tudit'),
    ])
      expect(parseNote(none)).toBeNull();
    for (const body of ['a\n05\nxx\n', `a\n5\n${data(0).toString('hex')}\n`, `\n5\n${data(0).toString('base64')}\n`])
      expect(headOf({ body, signatures: [] })).toBeNull();
  });

  test('takes the lines of witnesses, with their time', () => {
    const witness = generateKeyPairSync('ed25519');
    const as = { name: 'witness.example/w1', publicKey: witness.publicKey, type: 4 } as const;
    const note = parseNote(text + cosign(bodyOf(head), as.name, 1_679_315_147, witness));
    expect(note && isSignedBy(note, as)).toBe(true);
    expect(note && isSignedBy(note, named)).toBe(true);
    const forged = parseNote(text.replace('\n5\n', '\n6\n') + cosign(bodyOf(head), as.name, 1_679_315_147, witness));
    expect(forged && isSignedBy(forged, as)).toBe(false);
  });

  test('has a verifier key as others write it', () => {
    // Of the package golang.org/x/mod/sumdb/note.
    const known = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    const parsed = parseVerifierKey(known);
    expect(parsed && verifierKey(parsed)).toBe(known);
    expect(parseVerifierKey(verifierKey(named))).toMatchObject({ name: origin, type: 1 });
    for (const none of [
      '',
      'a+b',
      known.replace('c7', 'c8'),
      `${origin}+00000000+${randomBytes(33).toString('base64')}`,
    ])
      expect(parseVerifierKey(none)).toBeNull();
    const text_ = `If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;
    const note = parseNote(text_);
    expect(note && parsed && isSignedBy(note, parsed)).toBe(true);
    expect(rawPublicKey(key.publicKey)).toHaveLength(32);
  });
});

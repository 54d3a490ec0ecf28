// A checkpoint: a signed statement of where the log ended at a time. The key is not in the
// database, so whoever owns the database can rewrite or shorten the log, but not make it agree with
// a checkpoint that is kept elsewhere. Pure: no store, no clock.
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { type CheckpointLink, isLinkSigned, linkSchema, type Named, signLink } from './checkpoint-link.ts';

export type CheckpointReason = 'schedule' | 'retention' | 'command' | 'accepted';

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
}

export interface SigningKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  /** What verifiers are given: 32 bytes, base64url. */
  readonly publicText: string;
}

/** What DER puts before the 32 bytes of an Ed25519 key, in PKCS #8 and in SPKI (RFC 8410). */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** From PEM, or from 32 bytes in hexadecimal, base64 or base64url; null if it is no Ed25519 key. */
export function readSigningKey(text: string): SigningKey | null {
  const privateKey = keyFrom(
    text,
    (bytes) => createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, bytes]), format: 'der', type: 'pkcs8' }),
    createPrivateKey,
  );
  if (privateKey === null) return null;
  const publicBytes = bytesOf(createPublicKey(privateKey));
  return { id: keyId(publicBytes), privateKey, publicText: publicBytes.toString('base64url') };
}

/** By key id, from texts of PEM or of 32 bytes each; null if one of them is no Ed25519 key. */
export function readPublicKeys(texts: readonly string[]): ReadonlyMap<string, KeyObject> | null {
  const keys = new Map<string, KeyObject>();
  for (const text of texts) {
    const key = keyFrom(
      text,
      (bytes) => createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, bytes]), format: 'der', type: 'spki' }),
      createPublicKey,
    );
    if (key === null) return null;
    keys.set(keyId(bytesOf(key)), key);
  }
  return keys;
}

function keyFrom(text: string, raw: (bytes: Buffer) => KeyObject, pem: (text: string) => KeyObject): KeyObject | null {
  const trimmed = text.trim();
  try {
    if (trimmed.startsWith('-----BEGIN')) {
      const key = pem(trimmed.replaceAll('\\n', '\n'));
      return key.asymmetricKeyType === 'ed25519' ? key : null;
    }
    const bytes = Buffer.from(trimmed, /^[0-9a-f]{64}$/i.test(trimmed) ? 'hex' : 'base64');
    return bytes.length === 32 ? raw(bytes) : null;
  } catch {
    return null;
  }
}

function bytesOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(PUBLIC_PREFIX.length);
}

function keyId(publicBytes: Buffer): string {
  return createHash('sha256').update(publicBytes).digest('hex').slice(0, 16);
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
  const { signature, link, ...unsigned } = checkpoint;
  const key = keys.get(checkpoint.keyId);
  if (!key) return null;
  if (!verify(null, signedBytes(unsigned), key, Buffer.from(signature, 'base64url'))) return false;
  return link === undefined || isLinkSigned(signature, link, key);
}

function signedBytes(unsigned: Omit<Checkpoint, 'signature'>): Buffer {
  return Buffer.from(`holdfast audit checkpoint ${canonicalize(unsigned)}`);
}

const schema = z.object({
  v: z.literal(1),
  seq: z.int().min(1),
  hash: z.string().length(43),
  sealedAt: z.iso.datetime(),
  madeAt: z.iso.datetime(),
  reason: z.string(),
  keyId: z.string(),
  signature: z.string(),
  link: linkSchema.optional(),
});

/** From lines of JSON, also of the program's log. Throws at a line that holds no checkpoint. */
export function parseCheckpoints(text: string): Checkpoint[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const parsed = schema.safeParse(unwrapped(line));
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

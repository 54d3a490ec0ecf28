// The manifest of an export: its last line, which says what the lines before it are. Signed by the
// worker's key, or with the reason why it is not. Pure.
import { type KeyObject, sign, verify } from 'node:crypto';
import canonicalize from 'canonicalize';
import * as z from 'zod';
import type { SigningKey } from '../../ed25519.ts';
import { checkpointSchema } from '../signed-checkpoint.ts';
import { namesTwice } from './named-twice.ts';

const digest = z.string().length(43);
const seq = z.int().min(0);

/** What whoever exports says; the key knows of it only what {@link signedSchema} adds. */
const claimShape = {
  filter: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  after: seq,
  to: seq,
  count: seq,
  first: seq.nullable(),
  last: z.object({ seq, hash: digest }).nullable(),
  events: digest,
  lines: digest,
  marks: z.array(z.tuple([seq, z.string().length(22)])).max(256),
};

export const claimSchema = z.strictObject(claimShape);
export type Claim = z.infer<typeof claimSchema>;

const signedSchema = z.strictObject({
  v: z.literal(1),
  ...claimShape,
  madeAt: z.iso.datetime(),
  /** The newest one, of `to` or a later event. */
  checkpoint: z.looseObject(checkpointSchema.shape),
  keyId: z.string(),
});

const unsignedSchema = z.strictObject({ v: z.literal(1), ...claimShape });

const lineSchema = z.union([
  z.strictObject({ manifest: signedSchema, signature: z.string() }),
  z.strictObject({ manifest: unsignedSchema, unsigned: z.string() }),
]);

export type Manifest = z.infer<typeof lineSchema>;
export type SignedManifest = Extract<Manifest, { signature: string }>;

export function signManifest(
  claim: Claim,
  { madeAt, checkpoint, key }: { madeAt: Date; checkpoint: SignedManifest['manifest']['checkpoint']; key: SigningKey },
): SignedManifest {
  const manifest = { v: 1, ...claim, madeAt: madeAt.toISOString(), checkpoint, keyId: key.id } as const;
  return { manifest, signature: sign(null, signedBytes(manifest), key.privateKey).toString('base64url') };
}

export function withoutSignature(claim: Claim, unsigned: string): Manifest {
  return { manifest: { v: 1, ...claim }, unsigned };
}

/** Null if the key that it names is none of these. */
export function isManifestSigned(
  { manifest, signature }: SignedManifest,
  keys: ReadonlyMap<string, KeyObject>,
): boolean | null {
  const key = keys.get(manifest.keyId);
  return key ? verify(null, signedBytes(manifest), key, Buffer.from(signature, 'base64url')) : null;
}

function signedBytes(manifest: SignedManifest['manifest']): Buffer {
  return Buffer.from(`holdfast audit export ${canonicalize(manifest)}`);
}

/** Null where it is none that this version can read, or a field stands in it twice. */
export function parseManifest(line: string): Manifest | null {
  try {
    const value: unknown = JSON.parse(line);
    return namesTwice(line, value) ? null : (lineSchema.safeParse(value).data ?? null);
  } catch {
    return null;
  }
}

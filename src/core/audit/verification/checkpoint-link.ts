// What a checkpoint names besides its own event: the checkpoint before it, and, where an operator
// has accepted that part of the log was lost or rewritten, which older checkpoints no longer count.
// Signed apart from the checkpoint, because older versions know nothing of it. Pure.
import { type KeyObject, sign, verify } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';

const point = z.object({ seq: z.int().min(1), hash: z.string().length(43) });

export const linkSchema = z.object({
  before: point.nullable(),
  accepts: z.object({ from: z.int().min(1), newest: point }).nullable(),
  signature: z.string(),
});

/** An event by its number and hash. */
export type NamedEvent = z.infer<typeof point>;

export type CheckpointLink = z.infer<typeof linkSchema>;

/**
 * `accepts`: checkpoints that were made before this one and name event `from` or a later one don't
 * count; `newest` is what the newest of them names.
 */
export type Named = Omit<CheckpointLink, 'signature'>;

export function signLink(checkpoint: string, named: Named, key: KeyObject): CheckpointLink {
  return { ...named, signature: sign(null, signedBytes(checkpoint, named), key).toString('base64url') };
}

/** `checkpoint`: the signature of the checkpoint that has it. */
export function isLinkSigned(checkpoint: string, { signature, ...named }: CheckpointLink, key: KeyObject): boolean {
  return verify(null, signedBytes(checkpoint, named), key, Buffer.from(signature, 'base64url'));
}

function signedBytes(checkpoint: string, { before, accepts }: Named): Buffer {
  return Buffer.from(`holdfast audit checkpoint link ${canonicalize({ checkpoint, before, accepts })}`);
}

// What a checkpoint names besides its own event: the checkpoint before it, and, where an operator
// has accepted that part of the log was lost or rewritten, which older checkpoints no longer count;
// and in which epoch of PostgreSQL it was made. Both are signed apart from the checkpoint, and from
// each other, because older versions know nothing of them. Pure.
import { type KeyObject, sign, verify } from 'node:crypto';
import canonicalize from 'canonicalize';
import * as z from 'zod';
import type { Epoch } from '../../platform/postgres/epoch.ts';

const point = z.object({ seq: z.int().min(1), hash: z.string().length(43) });

export const linkSchema = z.object({
  before: point.nullable(),
  accepts: z.object({ from: z.int().min(1), newest: point }).nullable(),
  signature: z.string(),
  /** Missing where PostgreSQL does not tell, and in those of older versions. */
  epoch: z.object({ name: z.string().max(40), signature: z.string() }).optional(),
});

/** An event by its number and hash. */
export type NamedEvent = z.infer<typeof point>;

export type CheckpointLink = z.infer<typeof linkSchema>;

/**
 * `accepts`: checkpoints that were made before this one and name event `from` or a later one don't
 * count; `newest` is what the newest of them names.
 */
export type Named = Pick<CheckpointLink, 'before' | 'accepts'> & { readonly epoch?: Epoch | null };

export function signLink(checkpoint: string, named: Named, key: KeyObject): CheckpointLink {
  const { before, accepts, epoch: name } = named;
  const signed = (bytes: Buffer) => sign(null, bytes, key).toString('base64url');
  const epoch = name ? { epoch: { name, signature: signed(epochBytes(checkpoint, name)) } } : {};
  return { before, accepts, signature: signed(signedBytes(checkpoint, named)), ...epoch };
}

/** `checkpoint`: the signature of the checkpoint that has it. */
export function isLinkSigned(
  checkpoint: string,
  { signature, epoch, ...named }: CheckpointLink,
  key: KeyObject,
): boolean {
  const isSigned = (bytes: Buffer, by: string) => verify(null, bytes, key, Buffer.from(by, 'base64url'));
  if (epoch && !isSigned(epochBytes(checkpoint, epoch.name), epoch.signature)) return false;
  return isSigned(signedBytes(checkpoint, named), signature);
}

function epochBytes(checkpoint: string, epoch: Epoch): Buffer {
  return Buffer.from(`holdfast audit checkpoint epoch ${canonicalize({ checkpoint, epoch })}`);
}

function signedBytes(checkpoint: string, { before, accepts }: Named): Buffer {
  return Buffer.from(`holdfast audit checkpoint link ${canonicalize({ checkpoint, before, accepts })}`);
}

// Holds the lines of an export against its manifest. Pure.
import type { KeyObject } from 'node:crypto';
import { type Listing, partingOf } from '../../reading/listing.ts';
import type { Problem } from '../chain-check.ts';
import { isSigned } from '../signed-checkpoint.ts';
import { isManifestSigned, type Manifest } from './manifest.ts';

/** What a manifest says that holds. */
export interface Attested {
  readonly filter: Manifest['manifest']['filter'];
  /** The range that was looked through. */
  readonly range: { readonly after: number; readonly to: number };
  /** Null: nobody signed it, for `unsigned`. */
  readonly keyId: string | null;
  /** Whether the key is one of those given. */
  readonly proved: boolean;
  readonly unsigned: string | null;
  /** Up to this event the log was signed; 0: not. */
  readonly signedTo: number;
}

/** The manifest first: what it says counts only if its key signed it. */
export function checkManifest(
  line: Manifest,
  found: Listing,
  keys: ReadonlyMap<string, KeyObject>,
): Attested | Problem {
  const { filter, after, to } = line.manifest;
  const claim = { filter, range: { after, to } };
  const parted = partingOf(line.manifest, found);
  const signature = signatureProblem(line, keys);
  const problem = signature ?? parted ?? countProblem(line, found);
  if (problem) return problem;
  if ('unsigned' in line) return { ...claim, keyId: null, proved: false, unsigned: line.unsigned, signedTo: 0 };
  const { keyId, checkpoint } = line.manifest;
  return { ...claim, keyId, proved: keys.has(keyId), unsigned: null, signedTo: checkpoint.seq };
}

function signatureProblem(line: Manifest, keys: ReadonlyMap<string, KeyObject>): Problem | null {
  if (!('signature' in line)) return null;
  const { keyId, checkpoint, to } = line.manifest;
  const signed = isManifestSigned(line, keys);
  if (signed === false)
    return about(`the manifest was altered: its filter, range, counts and digests are not what key ${keyId} signed`);
  if (signed === null && keys.size > 0)
    return about(`the manifest is signed by key ${keyId}, which is not among those given`);
  if (isSigned(checkpoint, keys) === false || checkpoint.seq < to)
    return about('the checkpoint in the manifest was altered or forged');
  return null;
}

/** The lines agree with the marks, but not with the sums. */
function countProblem({ manifest }: Manifest, found: Listing): Problem | null {
  if (manifest.count !== found.count)
    return about(`the manifest says ${manifest.count} events, and the export has ${found.count}`);
  const same = manifest.first === found.first && manifest.last?.hash === found.last?.hash;
  return same && manifest.events === found.events ? null : about('the events are not those that the manifest names');
}

function about(problem: string): Problem {
  return { seq: 0, problem };
}

// `audit checkpoints` and `audit public-key`: what to keep elsewhere, to verify the log with, and what witnesses of
// others get and give.
import { readFile } from 'node:fs/promises';
import { readPublicKeys } from '../../core/audit/ed25519.ts';
import { headOf, verifierKey } from '../../core/audit/tree/signed-note.ts';
import { keepCosignatures } from '../../core/audit/verification/proofs/cosignatures.ts';
import { newestNote, proveConsistency } from '../../core/audit/verification/proofs/event-proof.ts';
import { commandEnvironment, withPool } from '../connect.ts';
import { UsageError } from '../terminal/errors.ts';
import { say } from '../terminal/output.ts';
import { printable } from '../terminal/print.ts';
import { publicKeysOf } from './public-keys.ts';
import { witnessKeys } from './verify-proof.ts';

interface Options {
  readonly note?: boolean;
  readonly consistency?: readonly string[];
  readonly cosign?: string;
  readonly verifierKey?: boolean;
  readonly witness: readonly string[];
}

const NO_TREE = 'No checkpoint names a tree yet: the worker, with its key, signs one within minutes.';

export async function checkpoints(options: Options): Promise<void> {
  const asked = [options.note, options.consistency, options.cosign, options.verifierKey].filter(Boolean).length;
  if (asked > 1)
    throw new UsageError('--note, --consistency, --cosign and --verifier-key are asked for one at a time.');
  if ((options.cosign === undefined) !== (options.witness.length === 0))
    throw new UsageError('--cosign needs the key of the witness with --witness, and --witness belongs to --cosign.');
  if (options.note) await printNote();
  else if (options.verifierKey) await printVerifierKeys();
  else if (options.consistency) await printConsistency(options.consistency);
  else if (options.cosign !== undefined) await keep(options.cosign, options.witness);
  else await printAll();
}

async function printAll(): Promise<void> {
  const { storedCheckpoints } = await import('../../core/audit/verification/checkpoint-records.ts');
  await withPool(async (pool) => {
    for (const checkpoint of await storedCheckpoints(pool)) say(JSON.stringify(checkpoint));
  });
}

async function printNote(): Promise<void> {
  await withPool(async (pool) => {
    const note = await newestNote(pool);
    if (!note) throw new Error(NO_TREE);
    process.stdout.write(note.text);
  });
}

/** Of each key that the environment trusts, under the name of the newest checkpoint. */
async function printVerifierKeys(): Promise<void> {
  await withPool(async (pool, env) => {
    const note = await newestNote(pool);
    const head = note && headOf(note.parsed);
    if (!head) throw new Error(NO_TREE);
    const keys = readPublicKeys(await publicKeysOf(env)) ?? new Map();
    if (keys.size === 0) throw new Error('Neither AUDIT_SIGNING_KEY nor AUDIT_PUBLIC_KEYS is set.');
    for (const publicKey of keys.values()) say(verifierKey({ name: head.origin, publicKey, type: 1 }));
  });
}

async function printConsistency(numbers: readonly string[]): Promise<void> {
  const [older, newer, ...more] = numbers.map((text) => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN));
  if (older === undefined || newer === undefined || more.length > 0 || Number.isNaN(older + newer))
    throw new UsageError('--consistency takes two numbers: of an event (0: none), and of one that a checkpoint names.');
  await withPool(async (pool) => {
    const proved = await proveConsistency(pool, older, newer);
    if (!proved.ok) throw new Error(`There is no such proof: ${proved.why}.`);
    process.stdout.write(proved.text);
  });
}

async function keep(file: string, witnesses: readonly string[]): Promise<void> {
  const keys = witnessKeys(witnesses);
  const text = await readFile(file, 'utf8');
  await withPool(async (pool) => {
    const kept = await keepCosignatures(pool, text, keys);
    if (!kept.ok) throw new Error(`Nothing was kept: ${kept.why}.`);
    say(`Kept under the checkpoint of event ${kept.seq}: ${printable(kept.names.join(', '))}.`);
  });
}

export async function printPublicKeys(): Promise<void> {
  const keys = await publicKeysOf(await commandEnvironment(process.env));
  if (keys.length === 0) throw new Error('Neither AUDIT_SIGNING_KEY nor AUDIT_PUBLIC_KEYS is set.');
  for (const key of keys) say(key);
}

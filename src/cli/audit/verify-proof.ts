// `audit verify --proof`: one event, without the log.
import { readFile } from 'node:fs/promises';
import { parseVerifierKey } from '../../core/audit/tree/signed-note.ts';
import { type Believed, verifyProof } from '../../core/audit/verification/proofs/proof-file.ts';
import { UsageError } from '../terminal/errors.ts';
import type { AsJson } from '../terminal/list.ts';
import { say, sayJson } from '../terminal/output.ts';
import { printable } from '../terminal/print.ts';

const SHOWN = [
  'seq',
  'occurredAt',
  'type',
  'outcome',
  'actor',
  'subject',
  'session',
  'ip',
  'userAgent',
  'detail',
] as const;

/** Throws at a key that is none of Ed25519. */
export function witnessKeys(texts: readonly string[]) {
  return texts.map((text) => {
    const key = parseVerifierKey(text);
    if (!key) throw new UsageError(`${text} is no verifier key of Ed25519, NAME+ID+KEY.`);
    return key;
  });
}

export async function verifyProofFile(file: string, believed: Believed, { json }: AsJson): Promise<void> {
  const result = verifyProof(await readFile(file, 'utf8'), believed);
  if (!result.intact) process.exitCode = 1;
  if (json) return sayJson(result);
  if (!result.intact) return say(`The event is NOT proved: ${printable(result.problem)}.`);
  const { event, origin, size, proved, witnesses } = result;
  const seq = Number(event['seq']).toLocaleString('en');
  say(`Event ${seq} is one of the ${size.toLocaleString('en')} events of ${printable(origin)}, unaltered.`);
  for (const name of SHOWN) {
    const value = event[name];
    if (value !== null) say(`  ${name}: ${printable(typeof value === 'string' ? value : JSON.stringify(value))}`);
  }
  for (const { name, at } of witnesses) say(`Witness ${printable(name)} saw this log on ${at}.`);
  if (!proved)
    say('No key was given: whoever made the file could have made the log too. Give the log’s with --public-key.');
}

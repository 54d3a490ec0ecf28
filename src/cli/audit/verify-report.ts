// What `audit verify` has found out, in words or as JSON. Exits 1 if something is wrong.
import type { VerifiedExport } from '../../core/audit/verification/exports/verify-export.ts';
import type { Proved, VerifyResult } from '../../core/audit/verification/verify-log.ts';
import type { AsJson } from '../terminal/list.ts';
import { say, sayJson } from '../terminal/output.ts';
import { counted, printable } from '../terminal/print.ts';

export function reportLog(result: VerifyResult, { json }: AsJson): void {
  if (!result.intact) process.exitCode = 1;
  if (json) sayJson(plain(result));
  else if (!result.intact) say(`The log is NOT intact: ${printable(result.problem)}.`);
  else {
    say(`The log is intact: ${counted(result.count, 'event')}, none altered, missing or inserted.`);
    reportProof(result);
    if (result.tree) say(`Its tree has the same ${numbered(result.tree.size)}.`);
  }
}

function plain(result: VerifyResult): object {
  if (!result.intact || !result.tree) return result;
  return { ...result, tree: { ...result.tree, root: result.tree.root.toString('base64') } };
}

export function reportExport(
  result: VerifiedExport,
  { filtered, json }: AsJson & { readonly filtered: boolean },
): void {
  if (!result.intact) process.exitCode = 1;
  if (json) sayJson(result);
  else if (result.intact) sayProved(result, filtered);
  else if (result.sound && result.isGap) saySound(result.problem, result.sound);
  else if (result.sound) sayUnsigned(result.problem, result.sound, result.manifest !== null);
  else say(`The export is NOT intact: ${printable(result.problem)}.`);
}

function sayProved(result: Extract<VerifiedExport, { intact: true }>, filtered: boolean): void {
  if (result.manifest) sayAttested(result.manifest, result);
  else sayWithoutManifest(result, filtered);
  const isOfFilter = Object.keys(result.manifest?.filter ?? {}).length > 0;
  reportProof(isOfFilter ? { ...result, first: 1 } : result);
}

/** Taken for a whole log it is not whole; taken for what a filter let through nothing is wrong with it. */
function saySound(problem: string, { count, pieces }: NonNullable<VerifiedExport['sound']>): void {
  say(`${numbered(count)} in ${counted(pieces, 'piece')}, each as its hash says; ${printable(problem)}.`);
  say('The file has no manifest that tells of a filter: it is older, or its end was cut off.');
  say('If it was filtered, say so with --filtered. That no other event is missing, only the log itself can show.');
}

/** A key was given, and nothing in the file is signed with it. */
function sayUnsigned(problem: string, { count }: NonNullable<VerifiedExport['sound']>, hasManifest: boolean): void {
  say(`The export is NOT proved: ${printable(problem)}.`);
  say(`It has ${numbered(count)}, each as its hash says; whoever made the file could have made the hashes too.`);
  if (hasManifest) say('Export again while the worker runs with its key: then it signs the manifest.');
  else {
    say('If the end of the file was cut off, get the whole of it.');
    say('If an older version of Holdfast wrote it, it never had one: compare with kept checkpoints (--checkpoint).');
  }
}

function sayWithoutManifest({ count, pieces, confirmed }: Proved, filtered: boolean): void {
  if (filtered && pieces > 1) {
    say(
      `No event in the export was altered: ${counted(count, 'event')}, each as its hash says, in ${pieces} unbroken pieces.`,
    );
    say('Between the pieces events are left out; that none is missing there, only the log itself can show.');
  } else say(`The export is intact: ${counted(count, 'event')}, none altered, missing or inserted.`);
  say('The file has no manifest: it is older, or its end was cut off.');
  if (confirmed === 0) say('No checkpoint names an event of it: whoever made the file could have made the hashes too.');
}

function sayAttested(manifest: NonNullable<VerifiedExport['manifest']>, { count }: Proved): void {
  const { filter, range, keyId, proved, unsigned, signedTo } = manifest;
  const parts = Object.entries(filter).map(([name, part]) => `${name} ${[part].flat().join(', ')}`);
  const signed = unsigned === null && proved ? `, signed up to ${number(signedTo)}` : '';
  if (parts.length === 0)
    say(`The export is intact: ${counted(count, 'event')}, none altered, missing or inserted${signed}.`);
  else {
    say(`${numbered(count)} of one filter, unaltered${signed}.`);
    const looked = `Looked through were the events ${number(range.after + 1)} to ${number(range.to)}`;
    say(`${looked}, for ${printable(parts.join('; '))}.`);
  }
  if (unsigned !== null) {
    say(`Nobody signed its manifest: ${printable(unsigned)}.`);
    say('Whoever made the file could have made the hashes too.');
  } else if (!proved)
    say(
      `Key ${printable(keyId ?? '')} is said to have signed it: without its public key (--public-key) that is not proved.`,
    );
}

function numbered(count: number): string {
  return `${number(count)} ${count === 1 ? 'event' : 'events'}`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function reportProof({ first, seq, erased, confirmed, checkpoints, unproved, accepted }: Proved): void {
  if (first > 1) say(`It begins with event ${first}.`);
  if (erased > 0) say(`Of ${counted(erased, 'event')} the IP address and the browser were erased.`);
  if (confirmed > 0) say(`${lastOf(checkpoints)} in it names event ${confirmed} of ${seq}.`);
  if (accepted > 0)
    say(
      `${counted(accepted, 'older checkpoint')} ${accepted === 1 ? "doesn't" : "don't"} count: a loss was accepted (sys_audit_loss_accepted).`,
    );
  if (unproved > 0)
    say(
      `Of ${counted(checkpoints, 'checkpoint')} ${unproved} ${unproved === 1 ? 'proves' : 'prove'} nothing: no known key made ${unproved === 1 ? 'it' : 'them'}. Give theirs with --public-key.`,
    );
}

function lastOf(checkpoints: number): string {
  return checkpoints === 1 ? 'The one checkpoint' : `The last of ${checkpoints} checkpoints`;
}

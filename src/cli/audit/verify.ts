// `audit verify`: the log in the database, or an export without one.
import { readFile } from 'node:fs/promises';
import { type Checkpoint, parseCheckpoints, readPublicKeys } from '../../core/audit/verification/signed-checkpoint.ts';
import type { Proved, VerifyResult } from '../../core/audit/verification/verify-log.ts';
import { withPool } from '../connect.ts';
import { UsageError } from '../terminal/errors.ts';
import type { AsJson } from '../terminal/list.ts';
import { say, sayJson } from '../terminal/output.ts';
import { printable } from '../terminal/print.ts';
import { startBar } from '../terminal/progress.ts';
import { publicKeysOf } from './public-keys.ts';

interface Options extends AsJson {
  readonly from?: number;
  readonly to?: number;
  readonly checkpoint: readonly string[];
  readonly publicKey: readonly string[];
  readonly file?: string;
  readonly filtered: boolean;
}

/** Exits 1 if something is wrong, and also, saying so, if it ends without a verdict. */
export async function verify(options: Options): Promise<void> {
  process.once('exit', withoutVerdict);
  try {
    await findOut(options);
  } finally {
    process.off('exit', withoutVerdict);
  }
}

function withoutVerdict(): void {
  process.stderr.write('The verification ended without a verdict: nothing is proved.\n');
  process.exitCode = 1;
}

async function findOut(options: Options): Promise<void> {
  refuseNonsense(options);
  const checkpoints = await readCheckpointFiles(options.checkpoint);
  const given = await Promise.all(options.publicKey.map(keyText));
  const result =
    options.file === undefined
      ? await verifyLog(options, checkpoints, given)
      : await verifyExportFile(options.file, options, checkpoints, given);
  report(result, options);
}

function refuseNonsense({ file, filtered, from, to }: Options): void {
  if (file === undefined && filtered) throw new UsageError('--filtered belongs to --file.');
  if (file !== undefined && from !== undefined)
    throw new UsageError('An export begins where it begins: without --from.');
  if (from !== undefined && to !== undefined && from > to) throw new UsageError('--from must not be after --to.');
}

function verifyLog({ from, to }: Options, checkpoints: readonly Checkpoint[], given: readonly string[]) {
  return withPool(async (pool, env) => {
    const [{ createVerification }, { readHead }] = await Promise.all([
      import('../../core/audit/verification/verify-log.ts'),
      import('../../core/audit/event-rows.ts'),
    ]);
    const own = await publicKeysOf(env);
    const { seq } = await readHead(pool);
    if (from !== undefined && from > Math.max(seq, 1))
      throw new UsageError(`The log ends with event ${seq}: there is none from ${from} on.`);
    const bar = startBar('Verifying', 1);
    const result = await createVerification({ database: { pool } }).verify({
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      checkpoints,
      keys: keysOf([...given, ...own]),
      onProgress: bar.update,
    });
    bar.stop();
    return result;
  });
}

async function verifyExportFile(
  file: string,
  { to, filtered }: Options,
  checkpoints: readonly Checkpoint[],
  given: readonly string[],
) {
  const { verifyFile } = await import('./verify-file.ts');
  return verifyFile(file, { ...(to === undefined ? {} : { to }), checkpoints, keys: keysOf(given), filtered });
}

function keysOf(texts: readonly string[]) {
  const keys = readPublicKeys(texts);
  if (keys === null)
    throw new Error('--public-key takes an Ed25519 public key, 32 bytes in base64 or PEM, or a file with one.');
  return keys;
}

async function keyText(keyOrFile: string): Promise<string> {
  return /^[\w+/-]{43}=?$/.test(keyOrFile) ? keyOrFile : await readFile(keyOrFile, 'utf8');
}

async function readCheckpointFiles(files: readonly string[]): Promise<Checkpoint[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts.flatMap((text, index) => {
    try {
      return parseCheckpoints(text);
    } catch (error) {
      throw new Error(`${files[index]}: ${(error as Error).message}`);
    }
  });
}

function report(result: VerifyResult, { file, filtered, json }: Options): void {
  if (!result.intact) process.exitCode = 1;
  const what = file === undefined ? 'log' : 'export';
  if (json) sayJson(result);
  else if (!result.intact) say(`The ${what} is NOT intact: ${printable(result.problem)}.`);
  else reportProof(result, what, filtered);
}

function lastOf(checkpoints: number): string {
  return checkpoints === 1 ? 'The one checkpoint' : `The last of ${checkpoints} checkpoints`;
}

function reportProof(result: Proved, what: 'log' | 'export', filtered: boolean): void {
  const { count, pieces, first, seq, erased, confirmed, checkpoints, unproved, accepted } = result;
  if (filtered && pieces > 1) {
    say(`No event in the export was altered: ${count} events, each as its hash says, in ${pieces} unbroken pieces.`);
    say('Between the pieces events are left out; that none is missing there, only the log itself can show.');
  } else say(`The ${what} is intact: ${count} events, none altered, missing or inserted.`);
  if (first > 1) say(`It begins with event ${first}.`);
  if (erased > 0) say(`Of ${erased} events the IP address and the browser were erased.`);
  if (confirmed > 0) say(`${lastOf(checkpoints)} in it names event ${confirmed} of ${seq}.`);
  if (what === 'export' && confirmed === 0)
    say('No checkpoint names an event of it: whoever made the file could have made the hashes too.');
  if (accepted > 0) say(`${accepted} older checkpoints don't count: a loss was accepted (sys_audit_loss_accepted).`);
  if (unproved > 0)
    say(
      `Of ${checkpoints} checkpoints ${unproved} prove nothing: no known key made them. Give theirs with --public-key.`,
    );
}
